#!/usr/bin/env python3
"""One image at a time: wire and queue of two nodes against a raw Asio echo of the same bytes, both ends pinned to the same cores."""
import json
import os

import statistics
import subprocess
import time

from claim import ROOT, NotMeasured, measure
from nodes import SCENARIO, Node, free_port, fresh, listening, journal_stages

MOST = 2.0

def body(claim):
    if not os.access(claim.options.echo, os.X_OK):
        raise NotMeasured(f"{claim.options.echo} is not there: build benchmark_echo, or give --echo")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotMeasured("two cores are needed")
    settings = {"/source/count": claim.options.images, "/output/records": False}
    port = free_port()
    ratios = []
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--threads", 1], claim.work / "receiver.log", settings=settings, pin=cores[0])
    echo = None
    try:
        listening(receiver, port)
        for turn in range(claim.options.rounds):
            here = fresh(claim.work / "here")
            transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1, "--window", 1, "--out", here], claim.work / "transmitter.log", settings=settings, pin=cores[1])
            if transmitter.wait() != 0:
                raise NotMeasured(f"the transmitter failed, see {transmitter.log}")
            stages = list(journal_stages(here / "transmitter.journal"))
            node = statistics.median(queue + wire for _, queue, wire, _, _ in stages) * 1e-3
            about = json.loads((here / "run.json").read_text())["node"]
            request, reply = about["bytes_sent"] // len(stages), about["bytes_received"] // len(stages)
            if echo is None:
                echo_port = free_port()
                echo = subprocess.Popen(["taskset", "-c", str(cores[0]), claim.options.echo, "serve", str(echo_port), str(request), str(reply)])
                time.sleep(0.5)
            pause = statistics.median(encode + channel + decode for encode, _, _, channel, decode in stages) * 1e-3
            said = subprocess.run(["taskset", "-c", str(cores[1]), claim.options.echo, "ask", str(echo_port), str(request), str(reply), str(len(stages)), str(pause)], capture_output=True, text=True, check=True).stdout
            raw = float(said.split()[0])
            ratios.append(node / raw)
            claim.note(f"node {node:.1f} us, echo of {request} and {reply} bytes {raw:.1f} us")
    finally:
        if echo is not None:
            echo.kill()
        receiver.end()
    value = statistics.median(ratios)
    claim.check("wire and queue over echo, p50", f"{value:.2f} [{min(ratios):.2f}, {max(ratios):.2f}]", value <= MOST, f"at most {MOST}, median of the turns")

def arguments(parser):
    parser.add_argument("--echo", default=str(ROOT / "build" / "benchmarks" / "echo"), help="program of benchmarks/echo.cpp")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=500)

measure("latency of one image at a time", body, arguments)
