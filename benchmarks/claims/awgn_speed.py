#!/usr/bin/env python3
"""Complex AWGN on one thread, y = x + n: semwave's counter-based noise against a link of torch.randn (the fastest of three ways to write it)
and against IT++'s AWGN_Channel, in turns.

PyTorch: apt install python3-torch. IT++: apt install libitpp-dev, then build again; a peer that is missing is said to be.
"""
import os
import subprocess

import turns  # noqa: F401  (the modules of benchmarks/ are found through it)
import rounds
from claim import ROOT, NotMeasured, measure

LEAST = {"PyTorch": 5.0, "IT++": 8.0}
WAYS = ["complex_randn", "real_randn", "in_place"]


def candidate(name, server, request):
    return rounds.Candidate(name, lambda repetitions: server.ask(f"{request} {repetitions}")["seconds"])


def body(claim):
    if not os.access(claim.options.awgn, os.X_OK):
        raise NotMeasured(f"{claim.options.awgn} is not there: build it (cmake --build build --target benchmark_awgn), or give --awgn")
    symbols = claim.options.symbols
    server = rounds.Server([claim.options.awgn, "--serve"])
    servers = [server]
    try:
        ours = candidate("semwave", server, f"semwave {symbols}")
        peers = {}
        if subprocess.run([claim.options.python, "-c", "import torch"], capture_output=True).returncode == 0:
            torch = rounds.Server([claim.options.python, ROOT / "benchmarks" / "pytorch_awgn.py"], os.environ | {"OPENBLAS_CORETYPE": "SKYLAKEX"})
            servers.append(torch)
            peers["PyTorch"] = [candidate(f"PyTorch, {way}", torch, f"{way} {symbols}") for way in WAYS]
        try:
            server.ask(f"itpp {symbols} 1")
            peers["IT++"] = [candidate("IT++ AWGN_Channel", server, f"itpp {symbols}")]
        except rounds.Failed:
            pass
        rounds.heading(f"complex AWGN, blocks of {symbols} symbols, one thread", {})
        everyone = [ours] + [one for group in peers.values() for one in group]
        rounds.interleave(everyone, claim.options.rounds, claim.options.repetitions)
        rounds.table("a block", everyone)
        claim.note(f"semwave: {symbols / ours.median / 1e6:.0f} million symbols a second")
        for peer, least in LEAST.items():
            if peer not in peers:
                raise NotMeasured(f"{peer} is not there")
            best = min(peers[peer], key=lambda one: one.median)
            ratio = rounds.quotient(best, ours)
            claim.check(f"speed against {best.name}", rounds.interval(ratio), ratio["value"] >= least, f"at least {least:g}x, median over the rounds")
    finally:
        for one in servers:
            one.close()


def arguments(parser):
    parser.add_argument("--awgn", default=str(ROOT / "build" / "benchmarks" / "awgn"), help="program that is timed")
    parser.add_argument("--python", default="/usr/bin/python3", help="Python with PyTorch")
    parser.add_argument("--symbols", type=int, default=16384, help="of a block: x and y stay in the cache")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    parser.add_argument("--repetitions", type=int, default=20, help="blocks a turn")


measure("complex AWGN against PyTorch and IT++, one thread", body, arguments)
