#!/usr/bin/env python3
"""Both nodes on this machine against semwave run with the same number of threads, in turns."""
import os
import statistics

from claim import NotMeasured, measure, read_lines
from nodes import SCENARIO, Node, free_port, listening, timeless

LEAST = 0.85


def body(claim):
    threads = claim.options.threads or os.cpu_count()
    settings = {"/source/count": claim.options.images, "/output/records": False}
    ratios = []
    port = free_port()
    for turn in range(claim.options.rounds):
        rows, _ = claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", threads=threads, fresh=True)
        simulated = rows[0]["images_per_second"]
        receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--threads", threads, "--json"], claim.work / "receiver.log", settings=settings)
        try:
            listening(receiver, port)
            log = claim.work / f"transmitter{turn}.log"
            log.unlink(missing_ok=True)
            transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", threads, "--json"], log, settings=settings)
            if transmitter.wait() != 0:
                raise NotMeasured(f"the transmitter failed, see {log}")
            row = next(line for line in read_lines(log))
        finally:
            receiver.end()
        if timeless(row) != timeless(rows[0]):
            raise NotMeasured("the nodes' row is another one")
        ratios.append(row["images_per_second"] / simulated)
        claim.note(f"run {simulated:.0f}, nodes {row['images_per_second']:.0f} images/s")
    value = statistics.median(ratios)
    claim.check(f"throughput of two nodes over run, {threads} threads each", f"{100 * value:.1f} % [{100 * min(ratios):.1f}, {100 * max(ratios):.1f}]", value >= LEAST, f"at least {100 * LEAST:.0f} %, median of the turns")


def arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=5000)


measure("throughput of two nodes on one machine", body, arguments)
