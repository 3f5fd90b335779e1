#!/usr/bin/env python3
"""LDPC codes of 802.11n, QPSK over AWGN, by semwave link: the distance of n = 1944 to the normal approximation at a frame error rate of 1e-2, min-sum
against sum-product there, and the waterfall of n = 648, rate 1/2.

The bounds are those of docs/conventions.md (constellation-constrained). An SNR at which 1e-2 is met is read between two points, straight in
log FER; its interval is what the intervals of FER there allow.
"""
import json
import math

from claim import measure
from waterfall import crossing, link

BOUNDS = {"1/2": 0.71, "2/3": 2.77, "3/4": 3.84, "5/6": 5.03}  # Es/N0, dB
TARGET = 1e-2  # frame error rate


def body(claim):
    for rate, bound in BOUNDS.items():
        name = rate.replace("/", "_")
        common = {"/link/length": 1944, "/link/rate": rate, "/stop/frame_errors": claim.options.errors, "/stop/max_frames": 200000}
        grid = [round(bound + step, 3) for step in (0.3, 0.45, 0.6, 0.75, 0.9)]
        found = crossing(link(claim, f"n1944_{name}", common | {"/sweep": {"/channel/snr_db": grid}}))
        if found is None:
            claim.check(f"n = 1944, r = {rate}", f"no crossing of {TARGET:g} between {grid[0]} and {grid[-1]} dB", False, "within 0.8 dB of the normal approximation")
            continue
        gap, low, high = (one - bound for one in found)
        claim.check(f"n = 1944, r = {rate}, min-sum", f"{found[0]:.2f} dB, {gap:.2f} [{low:.2f}, {high:.2f}] dB above the normal approximation", gap <= 0.8, "at most 0.8 dB")
        # The reference decoder is sixty times slower: a third of the errors, and no point below the loss that is allowed.
        grid = [round(found[0] + step, 3) for step in (-0.25, -0.1, 0.02)]
        reference = {"/link/decoder/algorithm": "sum_product", "/stop/frame_errors": max(1, claim.options.errors // 3), "/sweep": {"/channel/snr_db": grid}}
        exact = crossing(link(claim, f"n1944_{name}_sum_product", common | reference))
        if exact is None:
            claim.check(f"n = 1944, r = {rate}, sum-product", "no crossing near min-sum's", False, "min-sum within 0.25 dB of sum-product")
            continue
        loss = found[0] - exact[0]
        spread = math.hypot(found[2] - found[1], exact[2] - exact[1]) / 2
        claim.check(f"n = 1944, r = {rate}, min-sum behind sum-product", f"{loss:.2f} [{loss - spread:.2f}, {loss + spread:.2f}] dB", loss <= 0.25, "at most 0.25 dB")
    rows = link(claim, "n648", {"/sweep": {"/link/eb_n0_db": [1.0, 1.5, 2.0, 2.5, 3.0]}, "/stop/max_frames": 20000000})
    for row in rows:
        claim.note(f"n = 648, r = 1/2, Eb/N0 {row['eb_n0_db']:.2f} dB: {row['frame_errors']} of {row['frames']} frames, FER {row['fer'] or 0:.2e} {json.dumps(row['fer_ci95'])}")
    last = rows[-1]
    least = min(row["frame_errors"] for row in rows)
    claim.check("n = 648, r = 1/2, waterfall", f"FER {last['fer'] or 0:.2e} [{last['fer_ci95'][0]:.2e}, {last['fer_ci95'][1]:.2e}], at least {least} frame errors a point", (last["fer"] or 1) <= 2e-5 and least >= 100,
              "down to 2e-5 with at least 100 frame errors a point")


def arguments(parser):
    parser.add_argument("--errors", type=int, default=300, help="frame errors a point of n = 1944")


measure("LDPC waterfalls against the normal approximation", body, arguments)
