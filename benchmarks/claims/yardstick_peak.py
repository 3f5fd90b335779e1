#!/usr/bin/env python3
"""Forward passes of the yardstick against the peak of multiply-adds, measured in the same interleaved run."""
import turns
from claim import measure
from turns import interval


def body(claim):
    made = turns.results(claim, "yardstick_peak.py")
    for key, what in (("batch_1", "batch 1, one thread, of one core's peak"), ("batch_64", "batch 64, two threads, of two cores' peak")):
        claim.note(f"{what}: {1e3 * made[key]['seconds']:.3f} ms, peak {made[key]['peak_gflops']:.0f} GFLOP/s")
        claim.check(what, interval(made[key]["share"], " %", 100, 1), made[key]["share"]["value"] >= 0.55, "at least 55 %, median over the rounds")


measure("the yardstick's share of the peak", body, turns.add_arguments)
