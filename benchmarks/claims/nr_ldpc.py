#!/usr/bin/env python3
"""LDPC codes of 5G NR, QPSK over AWGN, min-sum of 50 iterations: the distance of code blocks of both base graphs to the normal approximation at a frame
error rate of 1e-2, by semwave link; and information bits a second beside those of 802.11n at rate 1/2, ten iterations whatever happens, one core.

The bounds are normal_approximation_snr_db of phy/bounds/capacity.h (constellation-constrained). An SNR at which 1e-2 is met is read between two points,
straight in log FER; its interval is what the intervals of FER there allow. The interval of a ratio is that of both medians, the worst of them together.
"""
import counters
from claim import measure
from waterfall import crossing, link

# Information bits without CRC, rate, Es/N0 of the bound in dB, largest gap in dB, where the waterfall is looked for.
BLOCKS = (
    ("base graph 1", 8448, 1 / 3, -2.073, 0.9, (0.6, 0.7, 0.8)),
    ("base graph 1", 8448, 1 / 2, 0.373, 0.9, (0.5, 0.6, 0.7)),
    ("base graph 1", 8448, 5 / 6, 4.789, 0.9, (0.3, 0.4, 0.5)),
    ("base graph 2", 1000, 1 / 5, -4.430, 1.1, (0.75, 0.9, 1.05)),
    ("base graph 2", 1000, 1 / 3, -1.743, 1.1, (0.6, 0.75, 0.9)),
    ("base graph 2", 1000, 1 / 2, 0.703, 1.1, (0.6, 0.75, 0.9)),
)
SPEED = 0.8  # of 802.11n


def body(claim):
    for graph, bits, rate, bound, most, steps in BLOCKS:
        settings = {"/link/block_bits": bits, "/link/rate": rate, "/stop/frame_errors": claim.options.errors, "/stop/max_frames": 20000}
        grid = [round(bound + step, 3) for step in steps]
        for algorithm, name in (("min_sum", "float"), ("min_sum_fixed", "8 bits")):
            what = f"{graph}, K = {bits}, r = {rate:.3g}, {name}"
            rows = link(claim, f"k{bits}_r{rate:.3f}_{algorithm}", settings | {"/link/decoder/algorithm": algorithm, "/sweep": {"/channel/snr_db": grid}}, "link_nr_ldpc.json")
            found = crossing(rows)
            if found is None:
                claim.check(what, f"no crossing of 1e-2 between {grid[0]} and {grid[-1]} dB", False, f"within {most} dB of the normal approximation")
                continue
            gap, low, high = (one - bound for one in found)
            claim.check(what, f"{found[0]:.2f} dB, {gap:.2f} [{low:.2f}, {high:.2f}] dB above the normal approximation", gap <= most, f"at most {most} dB")
    rates = counters.measured(claim, "ldpc/.*(float|fixed)$", "bits")
    for number in ("float", "fixed"):
        wifi = counters.median_interval(rates[f"ldpc/{number}"])
        for graph in ("bg1", "bg2"):
            nr = counters.median_interval(rates[f"nr_ldpc/{graph}_{number}"])
            claim.check(f"speed, {graph}, {number}", f"{nr[0] / 1e6:.1f} Mbit/s, {nr[0] / wifi[0]:.2f} [{nr[1] / wifi[2]:.2f}, {nr[2] / wifi[1]:.2f}] of 802.11n's {wifi[0] / 1e6:.1f}",
                        nr[0] >= SPEED * wifi[0], f"at least {SPEED} of 802.11n, n = 1296, r = 1/2")


def arguments(parser):
    counters.add_arguments(parser)
    parser.add_argument("--errors", type=int, default=200, help="frame errors a point")


measure("LDPC of 5G NR against the normal approximation and 802.11n", body, arguments)
