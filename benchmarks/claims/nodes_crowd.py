#!/usr/bin/env python3
"""200 transmitters x 50 images on one receiver, while 500 connections that never say who they are hang on to it."""
import collections
import socket
import time

from claim import NotMeasured, measure
from nodes import SCENARIO, Node, free_port, fresh, journal, listening, rows_of


def body(claim):
    crowd, each = claim.options.transmitters, claim.options.images
    settings = {"/source/count": crowd * each}
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    port = free_port()
    there = fresh(claim.work / "there")
    # All transmitters are started first and wait: they begin together.
    for log in claim.work.glob("transmitter*.log"):
        log.unlink()
    transmitters = [Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--first", i * each, "--count", each, "--threads", 1, "--window", 8, "--rate", claim.options.rate, "--as", f"t{i}", "--patience", 600, "--verbose"], claim.work / f"transmitter{i}.log",
                         settings=settings) for i in range(crowd)]
    # Each has its images and its network, and looks for the receiver in vain.
    until = time.monotonic() + 900
    while not all("again in a moment" in node.log.read_text() for node in transmitters):
        if time.monotonic() > until:
            raise NotMeasured("the transmitters do not start")
        time.sleep(0.5)
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--out", there, "--handshake-timeout", 5], claim.work / "receiver.log", settings=settings)
    strangers = []
    try:
        listening(receiver, port)
        for _ in range(claim.options.strangers):
            stranger = socket.socket()
            stranger.connect(("127.0.0.1", port))
            strangers.append(stranger)
        statuses = [node.wait(1800) for node in transmitters]
        memory = receiver.memory_mib()
    finally:
        for stranger in strangers:
            stranger.close()
        for node in transmitters:
            node.kill()
        receiver.end()
    claim.check("transmitters that ended well", f"{statuses.count(0)} of {crowd}", statuses.count(0) == crowd, "all")
    order = [node for node, _, _ in journal(there / "receiver.journal")]
    counts = collections.Counter(order)
    claim.check("images answered", f"{len(order)}, by transmitter {min(counts.values())} to {max(counts.values())}", len(order) == crowd * each and set(counts.values()) == {each}, f"{crowd * each}, {each} each")
    claim.check("memory of the receiver", f"{memory:.0f} MiB", memory < 1024, "below 1 GiB")
    # While all are active: from the last first answer to the first last one.
    first, last = {}, {}
    for at, node in enumerate(order):
        first.setdefault(node, at)
        last[node] = at
    begin, end = max(first.values()), min(last.values())
    active = collections.Counter(order[begin:end + 1])
    if begin >= end or len(active) < crowd or min(active.values()) < 5:
        claim.note(f"all were active together for {max(0, end - begin)} answers only: fairness is not measured")
        claim.check("fairness", "not measured", False, "most served at most 2x the least, while all are active")
    else:
        ratio = max(active.values()) / min(active.values())
        claim.check("most over least served while all are active", f"{ratio:.2f} over {end - begin} answers", ratio <= 2, "at most 2")
    claim.check("row of the receiver", "equal" if rows_of(there) == rows_of(claim.work / "run") else "other", rows_of(there) == rows_of(claim.work / "run"), "that of the simulation, times aside")


def arguments(parser):
    parser.add_argument("--transmitters", type=int, default=200)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--rate", type=float, default=3, help="images a second each, so that they are active together: connecting takes a few seconds")
    parser.add_argument("--strangers", type=int, default=500)


measure("a crowd of transmitters", body, arguments)
