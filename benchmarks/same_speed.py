#!/usr/bin/env python3
"""Two checkouts of semwave, each built, against each other: processor time of the same work, in turns.

For changes that must cost no speed: git clone . ../before, check out the earlier commit there and build it, then
same_speed.py --before ../before. Each work runs once in each program per round, on one thread, the order changing from round to
round. What is compared is the processor time of a whole run, by the median over the rounds of its
ratio; the interval holds 95 % of the medians of resampled rounds.
"""
import random
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "claims"))
from claim import ROOT, NotMeasured, last_words, measure

MOST = 1.03
# name: (verb, scenario, settings)
WORKS = {
    "images of Fashion-MNIST, keep 0.5": ("run", "scenarios/quickstart.json", ["/sweep={}", "/source/count=4000", '/transmitter/policy={"kind": "fixed", "keep": 0.5, "depth": 2}']),
    "images over Rayleigh, class alone": ("run", "scenarios/quickstart.json", ["/sweep={}", "/source/count=4000", '/metrics=["accuracy"]', '/channel={"kind": "rayleigh", "snr_db": 10}']),
    "a training of 50 steps": ("train", "scenarios/train_fashion.json", ["/train/epochs=1", "/source/count=6400", "/train/validate_images=0"]),
    "a timeline without its network": ("run", "scenarios/doppler_timeline.json", ["/sweep={}", "/metrics=[]", "/timeline/slots=3000", "/timeline/links=64", "/output/records=false"]),
    "LDPC, 1296 bits, rate 1/2, 3 dB": ("link", "scenarios/link_ldpc.json", ["/sweep={}", '/link={"code": "ldpc", "length": 1296, "block_bits": 632}', "/stop={\"frame_errors\": 0, \"max_frames\": 40000}", '/channel={"kind": "awgn", "snr_db": 3}']),
    "64-QAM without a code": ("link", "scenarios/link_ldpc.json", ["/sweep={}", '/link={"code": "none", "modulation": "64-qam", "block_bits": 6000}', "/stop={\"frame_errors\": 0, \"max_frames\": 8000}", '/channel={"kind": "awgn", "snr_db": 15}']),
}


def processor_seconds(command, log):
    """Of a finished child, user and system together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, "wb") as sink:
        status = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, cwd=ROOT).returncode
    if status != 0:
        raise NotMeasured(f"{' '.join(command)} ended with status {status}: {last_words(log)}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def interval(values):
    draw = random.Random(1)
    medians = sorted(median(draw.choices(values, k=len(values))) for _ in range(1000))
    return medians[25], medians[974]


def body(claim):
    roots = {"before": Path(claim.options.before).resolve(), "now": ROOT}
    claim.work.mkdir(parents=True, exist_ok=True)
    for name, (verb, scenario, settings) in WORKS.items():
        if claim.options.only not in name:
            continue
        ratios = []
        for turn in range(claim.options.rounds):
            spent = {}
            for side in ("before", "now") if turn % 2 == 0 else ("now", "before"):
                program = str(claim.options.semwave) if side == "now" else str(roots[side] / "build" / "semwave")
                command = [program, verb, str(roots[side] / scenario), "--quiet", "--threads", "1"]
                for setting in settings:
                    command += ["--set", setting]
                if verb == "train":
                    command += ["--out", str(claim.work / f"{side}_{turn}_{random.randrange(1 << 30)}")]
                spent[side] = processor_seconds(command, claim.work / f"{side}.log")
            ratios.append(spent["now"] / spent["before"])
        low, high = interval(ratios)
        value = median(ratios)
        claim.check(f"{name}, time over before", f"{value:.3f} [{low:.3f}, {high:.3f}]", value <= MOST, f"at most {MOST:g}")


def arguments(parser):
    parser.add_argument("--before", required=True, help="the other checkout, with build/semwave")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each work")
    parser.add_argument("--only", default="", help="only works whose name holds this")


measure("processor time of the same work, against another checkout", body, arguments)
