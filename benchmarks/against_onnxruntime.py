#!/usr/bin/env python3
"""semwave and ONNX Runtime in turns on the yardstick: batch 1 on one thread, batch 64 on two. Outputs are compared first.

The graph is torch.onnx.export of the same weights, with GELU both as PyTorch exports it and spelt as ONNX Runtime fuses it; at batch 64 both
two threads inside an operation and two sessions of one thread are tried. All of them take part in the rounds. Exit status 1 where outputs differ.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import rounds
from rounds import Candidate, Failed, Server

TOLERANCE = 1e-3  # of the logits


def export(folder, python):
    """Names of the graphs, each written for the batch sizes that are run."""
    (Path(folder) / "pair").write_bytes(bytes(16))
    torch = Server([python, Path(__file__).with_name("pytorch_yardstick.py"), folder, 1, Path(folder) / "pair", 0])
    try:
        return torch.ask(f"onnx\t{folder}\t1\t32\t64")["graphs"], torch.ask("versions")["PyTorch"]
    finally:
        torch.close()


def candidate(server, graph, batch, threads):
    name = f"ONNX Runtime, {graph}, {threads} thread{'s' if threads > 1 else ''}"
    return Candidate(name, lambda repetitions: server.ask(f"forward {graph} {batch} {threads} {repetitions}")["seconds"])


def measure(onnx, semwave, graphs, options, results):
    for graph in graphs:
        for batch, threads in ((1, 1), (64, 2)):
            made = onnx.ask(f"check {graph} {batch} {threads}")
            if not made["difference"] <= TOLERANCE:
                raise Failed(f"ONNX Runtime, {graph}, batch {batch}: logits differ by {made['difference']:.2e}, more than {TOLERANCE:g}")
            print(f"# logits, ONNX Runtime {graph}, batch {batch}, against semwave: largest difference {made['difference']:.1e}", flush=True)
    for key, batch, threads, repetitions in (("batch_1", 1, 1, options.repetitions_1), ("batch_64", 64, 2, options.repetitions_64)):
        notes = {}
        ours, peak = rounds.semwave_candidate(semwave, "forward", batch, threads, options.shard, notes), rounds.peak_candidate(semwave, threads)
        theirs = [candidate(onnx, graph, batch, threads) for graph in graphs]
        if threads == 2:
            for graph in graphs:
                theirs.append(Candidate(f"ONNX Runtime, {graph}, 2 sessions of 1 thread",
                                        lambda repetitions, graph=graph: onnx.ask(f"halves {graph} {batch} {repetitions}")["seconds"]))
        rounds.interleave([ours, peak] + theirs, options.rounds, repetitions)
        title = f"forward, batch {batch}, {threads} thread{'s' if threads > 1 else ''}" + (f", {notes['shard']} images per shard" if batch > 1 else "")
        rounds.table(title, [ours] + theirs)
        best = min(theirs, key=lambda one: one.median)
        results[key] = {"peer": best.name, "ratio": rounds.quotient(best, ours), "seconds": ours.median, "peer_seconds": best.median}
        print(f"ratio to the fastest: {rounds.interval(results[key]['ratio'])}  ({best.name})")
        results[key]["share_of_peak"] = rounds.share_of_peak(peak, ours, notes["operations"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", default=os.environ.get("YARDSTICK", str(rounds.ROOT / "build" / "benchmarks" / "yardstick")), help="semwave's program")
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter that has PyTorch, for the export")
    parser.add_argument("--modules", required=True, help="node_modules folder with onnxruntime-node")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repetitions-1", type=int, default=60, help="in each round, batch 1")
    parser.add_argument("--repetitions-64", type=int, default=15, help="in each round, batch 64")
    parser.add_argument("--shard", type=int, default=0, help="images a thread of semwave takes at once (default: what the backend likes)")
    parser.add_argument("--json", default="", help="writes the ratios there")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the children end, the folder goes
    servers, results = [], {}
    with tempfile.TemporaryDirectory(prefix="semwave_peer_") as folder:
        try:
            servers.append(rounds.semwave_server(options.yardstick))
            subprocess.run([options.yardstick, "--export", folder], check=True)
            graphs, pytorch = export(folder, options.python)
            servers.append(Server(["node", Path(__file__).with_suffix(".mjs"), Path(options.modules).resolve(), folder]))
            rounds.heading("semwave and ONNX Runtime on the yardstick", servers[1].ask("versions - 1") | {"exported by PyTorch": pytorch})
            measure(servers[1], servers[0], graphs, options, results)
        except (Failed, OSError, subprocess.CalledProcessError) as reason:
            print(f"against_onnxruntime: {reason}", file=sys.stderr)
            return 1
        finally:
            for server in servers:
                server.close()
    rounds.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
