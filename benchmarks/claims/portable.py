#!/usr/bin/env python3
"""A portable build (-DSEMWAVE_PORTABLE=ON: AVX-512, AVX2 or plain kernels, chosen when it starts) against the native one on this machine:
the network, LDPC decoding, demapping.

Where qemu-x86_64 is installed, the portable program also runs on processors without AVX-512 and without any AVX.
"""
import os
import re
import shutil
import subprocess

import counters
import turns
from claim import ROOT, NotMeasured, measure
import rounds

REQUESTS = {"forward, batch 1, one thread": ("forward", 1, 1, 100), "forward, batch 64, two threads": ("forward", 64, 2, 10),
            "training step, batch 64, two threads": ("train", 64, 2, 4)}
CODES = {"^ldpc/(float|fixed)$": "bits", "^demapping/": "bytes"}  # cases of build/benchmarks/codes, with their counters
CODES_ROUNDS = 15
PROCESSORS = {"Haswell": "AVX2", "Nehalem": "no particular instructions"}


def speed(claim):
    native, portable = (rounds.semwave_server(program) for program in (claim.options.yardstick, os.path.join(claim.options.portable, "benchmarks", "yardstick")))
    try:
        for what, (request, batch, threads, repetitions) in REQUESTS.items():
            one, other = (rounds.semwave_candidate(server, request, batch, threads, 0) for server in (native, portable))
            rounds.interleave([one, other], claim.options.rounds or 11, repetitions)
            ratio = rounds.quotient(other, one)
            claim.check(f"time of the portable build over the native one, {what}", rounds.interval(ratio, digits=3), ratio["value"] <= 1.10,
                      "at most 1.10x, median over the rounds")
    finally:
        native.close()
        portable.close()


def codes(claim):
    """One repetition of every case by each program in turn."""
    programs = (claim.options.codes, os.path.join(claim.options.portable, "benchmarks", "codes"))
    ratios = {}
    for turn in range(claim.options.rounds or CODES_ROUNDS):
        speeds = {}
        for program in programs if turn % 2 == 0 else reversed(programs):
            speeds[program] = counters.values(program, 1, "|".join(CODES), CODES)
        for case, [native] in speeds[programs[0]].items():
            ratios.setdefault(case, []).append(native / speeds[programs[1]][case][0])
    for case, values in ratios.items():
        value, low, high = counters.median_interval(values)
        claim.check(f"time of the portable build over the native one, {case}", f"{value:.3f}x [{low:.3f}, {high:.3f}]", value <= 1.10,
                    "at most 1.10x, median over the rounds")


def processors(claim):
    if not shutil.which("qemu-x86_64"):
        claim.note("qemu-x86_64 is not installed (package qemu-user): other processors were not tried")
        return
    for processor, variant in PROCESSORS.items():
        command = ["qemu-x86_64", "-cpu", processor, os.path.join(claim.options.portable, "semwave")]
        said = subprocess.run([*command, "devices"], capture_output=True, text=True, cwd=ROOT).stdout
        ran = subprocess.run([*command, "run", "scenarios/quickstart.json", "--set", "/channel/snr_db=10", "--set", "/stop/max_images=10", "--quiet"],
                             capture_output=True, text=True, cwd=ROOT)
        claim.check(f"a {processor} picks {variant} and runs a scenario", f"status {ran.returncode}", variant in said and ran.returncode == 0, "status 0")


PARTS = {"network": speed, "codes": codes, "processors": processors}


def body(claim):
    try:
        for name, part in PARTS.items():
            if re.search(claim.options.only, name):
                part(claim)
    except rounds.Failed as reason:
        raise NotMeasured(f"{reason}; cmake -S . -B {claim.options.portable} -DSEMWAVE_PORTABLE=ON && cmake --build {claim.options.portable}") from None


def arguments(parser):
    turns.add_arguments(parser)
    parser.add_argument("--codes", default=str(ROOT / "build" / "benchmarks" / "codes"), help="native program that times codes and demappers")
    parser.add_argument("--only", default="", help="parts to measure, by regular expression: " + ", ".join(PARTS))
    parser.add_argument("--portable", default=str(ROOT / "build-portable"), help="build folder of the portable build")


measure("portable build against native build", body, arguments)
