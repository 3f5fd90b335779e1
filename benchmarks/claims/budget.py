#!/usr/bin/env python3
"""Claim: semwave budget against what runs report.

Uses and operations: the largest deviation over every point of five scenarios (fixed plans and a table, a fading channel with
estimated state, a class from few uses, lost tokens, features as bits), with fewer images than they ask for. Time: start to end of one scenario, predicted and run in
turns, prediction over the median of the runs.
"""
import json
import statistics
import subprocess
import time

from claim import ROOT, NotMeasured, last_words, measure

SCENARIOS = [
    ("scenarios/quickstart.json", {}),
    # Which headers are lost is partly luck: at -5 dB, where two thirds are, 600 images would know the receiver's work to no better than 2 %.
    ("scenarios/rayleigh_sweep.json", {"/source/count": 5000, "/channel/csi": {"transmitter": {"kind": "estimated", "pilots": 2}, "receiver": {"kind": "estimated", "pilots": 4}},
                                       "/sweep": {"/channel/snr_db": [-5, 5, 15], "/transmitter/policy/keep": [0.25, 1.0]}}),
    ("scenarios/class_awgn.json", {}),
    # Predictions look at 1,000 images here: the run has others too.
    ("scenarios/erasure.json", {"/source/count": 4000}),
    ("scenarios/digital.json", {"/source/count": 4000, "/stop": {}, "/sweep": {"/channel/snr_db": [0, 10], "/transmitter/policy/keep": [0.0625, 0.25]}}),
]
TIMED = "scenarios/quickstart.json"


def predict(claim, scenario, settings):
    """(rows of the points, the line of all together)."""
    command = claim.command("budget", ROOT / scenario, settings) + ["--json"]
    child = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if child.returncode != 0:
        raise NotMeasured(f"semwave budget {scenario} ended with status {child.returncode}: {child.stderr.strip()}")
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    return [line for line in lines if "point" in line], lines[-1]


def deviations(claim):
    figures = {"channel uses": [], "operations of the transmitter": [], "operations of the receiver": []}
    for index, (scenario, changes) in enumerate(SCENARIOS):
        settings = {"/source/count": claim.options.images} | changes
        predicted, _ = predict(claim, scenario, settings)
        rows, _ = claim.run(scenario, settings, out=f"run_{index}")
        if len(predicted) != len(rows):
            raise NotMeasured(f"{scenario}: {len(predicted)} points predicted, {len(rows)} run")
        for ours, theirs in zip(predicted, rows):
            where = f"{scenario} {json.dumps(theirs['point'])}"
            figures["channel uses"].append((abs(ours["channel_uses"]["total"] / theirs["channel_uses"]["total"] - 1), where))
            for end in ("transmitter", "receiver"):
                figures["operations of the " + end].append((abs(ours["flops"][end] / theirs["flops"][end] - 1), where))
        claim.note(f"{scenario}: {len(rows)} points of {settings['/source/count']} images")
    for what, found in figures.items():
        worst, where = max(found)
        claim.check(f"{what}, largest deviation of {len(found)} points", f"{100 * worst:.3f} %", worst <= 0.02, "at most 2 %")
        claim.note(f"at {where}")


def times(claim):
    settings = {"/source/count": claim.options.timed_images}
    predictions, runs = [], []
    for turn in range(claim.options.turns):
        predictions.append(predict(claim, TIMED, settings)[1]["seconds"])
        log = claim.work / f"time_{turn}.log"
        started = time.monotonic()
        ended = claim.execute(claim.command("run", ROOT / TIMED, settings), log)
        if ended.status != 0:
            raise NotMeasured(f"semwave run {TIMED} ended with status {ended.status}: {last_words(log)}")
        runs.append(time.monotonic() - started)
    median = statistics.median(runs)
    ratios = sorted(prediction / median for prediction in predictions)
    ratio = statistics.median(ratios)
    claim.note(f"runs {', '.join(f'{seconds:.2f}' for seconds in runs)} s; predictions {', '.join(f'{seconds:.2f}' for seconds in predictions)} s")
    claim.check(f"time, predicted over the median of {len(runs)} runs", f"{ratio:.3f} [{ratios[0]:.3f}, {ratios[-1]:.3f}]", 0.7 <= ratio <= 1.3, "within 30 %")
    claim.note("in brackets: the smallest and the largest of the predictions")


def body(claim):
    deviations(claim)
    times(claim)


def arguments(parser):
    parser.add_argument("--images", type=int, default=1000, help="images a point, uses and operations, but for the fading channel")
    parser.add_argument("--timed-images", type=int, default=400, help="images a point, time")
    parser.add_argument("--turns", type=int, default=5, help="predictions and runs, one after the other")


measure("predicted channel uses, operations and time against what runs report", body, arguments)
