#!/usr/bin/env python3
"""Feedback over a real connection: the SNR of the link steps 20 -> 0 -> 20 dB, the plans follow; a receiver that falls silent is noticed."""
import json
import signal
import time

from claim import NotMeasured, measure
from nodes import SCENARIO, Node, free_port, listening

PLANS = [{"from_db": -100, "keep": 1.0, "depth": 4, "symbols_per_token": 8}, {"from_db": 10, "keep": 0.125, "depth": 4, "symbols_per_token": 2}]
EVERY, STEP = 20, 200


def answers(log):
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def body(claim):
    claim.work.mkdir(parents=True, exist_ok=True)
    trace = claim.work / "step.csv"
    trace.write_text("slot,snr_db\n" + "".join(f"{slot},{20 if slot < STEP or slot >= 2 * STEP else 0}\n" for slot in range(3 * STEP)))
    table = claim.work / "table.json"
    table.write_text(json.dumps({"made_by": "this claim", "entries": PLANS}))
    settings = {"/source/count": 3 * STEP, "/transmitter/policy": {"kind": "table", "file": str(table)}, "/channel": {"kind": "trace", "file": str(trace)}, "/output/records": False}
    port = free_port()
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--threads", 1], claim.work / "receiver.log", settings=settings)
    log = claim.work / "transmitter.log"
    log.unlink(missing_ok=True)
    try:
        listening(receiver, port)
        transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1, "--feedback", EVERY, "--fallback-snr", -5, "--answers", "--json"], log, settings=settings)
        if transmitter.wait() != 0:
            raise NotMeasured(f"the transmitter failed, see {log}")
    finally:
        receiver.end()
    believed = {line["image"]: line["believed_snr_db"] for line in answers(log)}
    for what, begin, end, good in (("after the start", 0, STEP, True), ("after the step to 0 dB", STEP, 2 * STEP, False), ("after the step back to 20 dB", 2 * STEP, 3 * STEP, True)):
        # The first image from which every plan is the right one, up to the next step.
        wrong = [image for image in range(begin, end) if (believed[image] >= 10) != good]
        follows = (max(wrong) + 1 - begin) if wrong else 0
        claim.check(f"images until the plan follows, {what}", follows, follows <= 2 * EVERY, f"two reports, {2 * EVERY}")
    # Silence: the receiver is stopped (SIGSTOP) while images are paced; its reports end, and the plan falls back.
    log.unlink()
    receiver = Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--threads", 1], claim.work / "receiver.log", settings=settings)
    try:
        listening(receiver, port)
        transmitter = Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--threads", 1, "--feedback", 190, "--report-timeout", 5, "--fallback-snr", -5, "--rate", 30, "--answers", "--json"], log, settings=settings)
        started = time.monotonic()
        while len(answers(log)) < 195 and time.monotonic() < started + 60:
            time.sleep(0.05)
        receiver.child.send_signal(signal.SIGSTOP)  # one report was sent, the next is not due yet
        time.sleep(6)
        receiver.child.send_signal(signal.SIGCONT)
        transmitter.wait()
    finally:
        receiver.end()
    fallen = [line["image"] for line in answers(log) if line["believed_snr_db"] == -5 and line["image"] >= 190]
    claim.check("images planned for the fallback after 5 s without a report", len(fallen), len(fallen) > 0, "at least one")
    said = "no report for too long" in log.read_text()
    claim.check("and it says so", "yes" if said else "no", said, "a line in the log")


measure("feedback between two nodes", body)
