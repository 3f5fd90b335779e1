#!/usr/bin/env python3
"""Bursts as datagrams of which some are lost: accuracy inside the interval of the simulated erasure channel."""
from claim import NotMeasured, measure, read_lines
from nodes import SCENARIO, Node, free_port, fresh, listening

LOSSES = (0.0, 0.05, 0.2)


def body(claim):
    images = claim.options.images
    base = {"/source/count": images, "/transmitter/positions": "none"}
    port = free_port()
    for loss in LOSSES:
        # A datagram holds up to 143 symbols: the simulation loses packets of as many uses.
        simulated = {**base, "/channel": {"kind": "erasure", "loss": loss, "of": "packet", "packet_uses": 143, "snr_db": 10}}
        rows, _ = claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), simulated, f"run{loss}")
        wanted = rows[0]
        there = fresh(claim.work / f"there{loss}")
        over_air = {**base, "/channel": {"kind": "awgn", "snr_db": 10}}
        receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--out", there], claim.work / "receiver.log", settings=over_air)
        try:
            listening(receiver, port)
            transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--datagrams", "--drop", loss], claim.work / "transmitter.log", settings=over_air)
            if transmitter.wait(1200) != 0:
                raise NotMeasured(f"the transmitter failed, see {transmitter.log}")
        finally:
            receiver.end()
        row = read_lines(there / "results.jsonl")[0]
        share = row["node"]["erased_symbols"] / (row["channel_uses"]["payload"] * row["images"])
        low, high = wanted["accuracy_ci95"]
        claim.check(f"{100 * loss:.0f} % of datagrams lost ({100 * share:.1f} % of symbols): accuracy", f"{100 * row['accuracy']:.2f} % against {100 * wanted['accuracy']:.2f} % simulated",
                  low <= row["accuracy"] <= high, f"within [{100 * low:.2f}, {100 * high:.2f}] %")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000)


measure("datagrams that are lost", body, arguments)
