#!/usr/bin/env python3
"""The Python module: channels bit-equal to those of `semwave run`, as fast as the library; the JPEG row of the baseline study from one call.

Wants the Python module (apt-get install pybind11-dev python3-dev python3-numpy, then build again).
"""
import json
import math
import os
import re
import subprocess

import turns  # noqa: F401  (the modules of benchmarks/ are found through it)
import rounds
from claim import ROOT, NotMeasured, measure

SLOWEST = 1.1
SHAPES = [("awgn", 1000, 1000), ("rayleigh", 1000, 1000), ("awgn", 1, 1000000), ("rayleigh", 1, 1000000)]
RUNS = {
    "AWGN": {"/channel": {"kind": "awgn", "snr_db": 5}},
    "Rayleigh, estimated": {"/channel": {"kind": "rayleigh", "snr_db": 8, "csi": {"receiver": "estimated", "pilots": 2}}},
    "Rayleigh, blocks": {"/channel": {"kind": "rayleigh", "snr_db": 10, "coherence": "block", "block_uses": 20}},
    "TDL": {"/channel": {"kind": "tdl", "snr_db": 12}},
    "MIMO": {"/channel": {"kind": "mimo", "snr_db": 12}},
}
PLAN = {"/transmitter/policy": {"kind": "fixed", "keep": 0.5, "depth": 4, "symbols_per_token": 4}, "/sweep": {}, "/metrics": ["accuracy", "psnr"], "/output/records": True}

# Runs in the Python that has the module: the pictures of a data set through model and channel step by step; or one call of the baseline.
CHILD = """
import json, sys
import numpy, semwave
asked = json.loads(sys.stdin.readline())
images, labels, _ = semwave.dataset("fashion-mnist", count=asked["images"])
if "baseline" in asked:
    print(json.dumps(semwave.baseline(images, labels=labels, frame=False, progress=False, **asked["baseline"])[0]))
    sys.exit()
model = semwave.Model.load(asked["scenario"], **asked["settings"])
sent = model.transmit(images)
heard = model.channel.apply(sent)
answer = model.receive(heard)
for i in range(len(images)):
    levels = numpy.floor((numpy.clip(answer.pictures[i], 0, 1) * numpy.float32(255)).astype(float) + 0.5) / 255
    print(json.dumps({"decision": int(answer.decisions[i]), "gain": float(heard.mean_gain[i]), "uses": heard.uses[i].as_dict(), "error": float(numpy.mean((levels - images[i] / 255) ** 2))}))
"""


def environment(claim):
    return os.environ | {"PYTHONPATH": claim.options.module}


def ask(claim, request):
    child = subprocess.run([claim.options.python, "-c", CHILD], input=json.dumps(request) + "\n", env=environment(claim), capture_output=True, text=True)
    if child.returncode != 0:
        raise NotMeasured((child.stderr.strip() or "Python said nothing").splitlines()[-1])
    return [json.loads(line) for line in child.stdout.splitlines()]


def equal(one, record):
    """The square error decides the PSNR; its sum is made in another order, so its last digits may differ."""
    decision = -1 if record["decision"] is None else record["decision"]
    error = 10 ** (-record["psnr_db"] / 10)
    return one["decision"] == decision and one["gain"] == record["gain"] and one["uses"] == record["uses"] and abs(one["error"] / error - 1) < 1e-9


def bits(claim):
    count = claim.options.images
    for number, (name, changes) in enumerate(RUNS.items()):
        settings = PLAN | changes | {"/source/count": count}
        rows, _ = claim.run("scenarios/quickstart.json", settings, out=f"run_{number}")
        records = claim.records(f"run_{number}")[rows[0]["point_sha256"]]
        ours = ask(claim, {"scenario": str(ROOT / "scenarios" / "quickstart.json"), "settings": settings, "images": count})
        same = sum(equal(one, record) for one, record in zip(ours, records))
        claim.check(f"{name}: decision, gain, uses and picture of the same ids", f"{same} of {len(records)} images equal", same == len(records) == count, "all")


def speed(claim):
    program, script = claim.options.channel_apply, ROOT / "benchmarks" / "python_channel.py"
    if not os.access(program, os.X_OK):
        raise NotMeasured(f"{program} is not there: build it (cmake --build build --target benchmark_channel_apply), or give --channel-apply")
    servers = [rounds.Server([program, "--serve"]), rounds.Server([claim.options.python, script], environment(claim))]
    try:
        rounds.heading("10^6 symbols through a channel, one thread", {})
        for kind, images, symbols in SHAPES:
            def candidate(name, server, request):
                return rounds.Candidate(name, lambda repetitions: server.ask(f"{request} {repetitions}")["seconds"])

            # The library is asked twice: all at once, and some images at a time; the faster way counts.
            ways = [candidate(f"C++, {at_once} images at once", servers[0], f"{kind} {images} {symbols} {at_once}") for at_once in sorted({images, max(1, 16384 // symbols)})]
            ours = candidate("Python, out=", servers[1], f"{kind} {images} {symbols}")
            rounds.interleave(ways + [ours], claim.options.rounds, claim.options.repetitions)
            rounds.table(f"{kind}, {images} x {symbols}", ways + [ours])
            ratio = rounds.quotient(ours, min(ways, key=lambda one: one.median))
            claim.check(f"{kind}, {images} x {symbols} symbols, time over the library's", rounds.interval(ratio), ratio["value"] <= SLOWEST, f"at most {SLOWEST:g}x, median over the rounds")
    finally:
        for server in servers:
            server.close()


def study(claim):
    """The row of JPEG in the last table of the study: 10 dB AWGN, 384 uses."""
    page = (ROOT / "docs" / "studies" / "baseline" / "README.md").read_text()
    found = re.search(r"^\| JPEG \| [\d.]+ \| [\d.]+ \| (\d+) \| ([\d.]+) % \| ([\d.]+) \| ([\d.]+) % \|$", page, re.M)
    if not found:
        raise NotMeasured("docs/studies/baseline/README.md has no row of JPEG")
    classifier = str(ROOT / "models" / "fashion_classifier_decoded.safetensors")
    (row,) = ask(claim, {"images": 1000, "baseline": {"uses": 384, "channel": {"kind": "awgn", "snr_db": 10}, "codec": "jpeg", "classifier": classifier, "seed": 7}})
    ours = (f"{row['channel_uses']['total']:.0f}", f"{100 * row['accuracy']:.1f}", f"{row['psnr_db']:.2f}", f"{100 * row['separation']['unfit']:.1f}")
    low, high = row["accuracy_ci95"]
    claim.note(f"accuracy {row['accuracy']:.4f} [{low:.4f}, {high:.4f}], {row['images']} images")
    claim.check("baseline(): uses, accuracy, PSNR, nothing fits", " ".join(ours), ours == found.groups() and math.isfinite(row["psnr_db"]), f"the study's row, {' '.join(found.groups())}")


def body(claim):
    bits(claim)
    study(claim)
    speed(claim)


def arguments(parser):
    parser.add_argument("--python", default="/usr/bin/python3", help="Python with NumPy that the module was built for")
    parser.add_argument("--module", default=str(ROOT / "build" / "python"), help="folder that holds the package semwave")
    parser.add_argument("--channel-apply", default=str(ROOT / "build" / "benchmarks" / "channel_apply"), help="program that is timed")
    parser.add_argument("--images", type=int, default=500, help="of the comparison with semwave run")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    parser.add_argument("--repetitions", type=int, default=10, help="bursts a turn")


measure("channels and the baseline from Python", body, arguments)
