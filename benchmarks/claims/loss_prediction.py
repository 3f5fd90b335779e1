#!/usr/bin/env python3
"""Predicted losses against simulated ones, by semwave link: for random codes, constellations and lengths the SNR at which a block is lost once in a
hundred times, and for some short ones the loss where one in ten thousand is predicted.

`fer_predicted` of a row is what a sender expects that chooses a coding. Prediction and simulation must agree both ways: a sender that expects too
little loses blocks, one that expects too much pays for channel uses it does not need.
"""
import math
import random

from claim import measure
from waterfall import crossing, link

TARGET, RARE = 1e-2, 1e-4
WITHIN_DB = 0.15
LONGEST_RARE = 100  # bits: longer blocks are simulated too slowly to count losses of one in ten thousand
MODULATIONS = ["qpsk", "16-qam", "64-qam", "256-qam"]
# What a sender may choose on each constellation; between two rates of the table as well.
RATES = {"qpsk": (0.0625, 0.833), "16-qam": (0.45, 0.833), "64-qam": (0.59, 0.875), "256-qam": (0.666, 0.833)}
FRACTIONS = ["1/2", "2/3", "3/4", "5/6"]


def draw(source):
    """A link at random: half of them LDPC codes, most of those shortened, the others polar but for a few convolutional ones."""
    modulation = source.choice(MODULATIONS)
    kind = source.choices(["ldpc", "auto", "polar", "convolutional"], [5, 4, 5, 1])[0]
    bits = round(math.exp(source.uniform(math.log(16), math.log(1200))))
    coding = {"code": kind, "modulation": modulation, "block_bits": bits, "crc": True}
    if kind == "ldpc":
        return coding | {"length": source.choice([648, 1296, 1944]), "rate": source.choice(FRACTIONS)}
    if kind == "auto":
        low, high = RATES[modulation]
        possible = [rate for rate in FRACTIONS if low <= value_of(rate) <= high + 1e-3]
        return coding | {"rate": source.choice(possible)}
    if kind == "polar":
        low, high = RATES[modulation]
        return coding | {"rate": round(math.exp(source.uniform(math.log(low), math.log(high))), 4)}
    return coding | {"block_bits": min(bits, 1000)}


def value_of(text):
    over, under = text.split("/")
    return int(over) / int(under)


def predicted_snr(rows, target):
    """Between two points, straight in log FER; None where the target is not met."""
    known = sorted((row["es_n0_db"], row["fer_predicted"]) for row in rows)
    for (left, a), (right, b) in zip(known, known[1:]):
        if a >= target >= b > 0:
            return left + (right - left) * math.log(a / target) / math.log(a / b)
    return None


def body(claim):
    source = random.Random(14)
    apart, rare = [], []
    for case in range(claim.options.cases):
        coding = draw(source)
        common = {"/link": coding, "/stop/frame_errors": 1, "/stop/max_frames": 1}
        near = link(claim, f"case_{case}", common | {"/sweep": {"/channel/snr_db": {"from": -14, "to": 32, "step": 0.25}}})
        expected = predicted_snr(near, TARGET)
        grid = [round(expected + step, 3) for step in (-0.5, -0.2, 0, 0.2, 0.5)]
        rows = link(claim, f"case_{case}", common | {"/stop/frame_errors": claim.options.errors, "/stop/max_frames": 15000, "/sweep": {"/channel/snr_db": grid}})
        found = crossing(rows, TARGET, "loss")
        name = f"{rows[0]['name']}, {coding['block_bits']} bits"
        if found is None:
            apart.append(math.inf)
            claim.check(name, f"no loss of {TARGET:g} within 0.5 dB of the predicted {expected:.2f} dB", False, f"within {WITHIN_DB} dB")
            continue
        apart.append(found[0] - expected)
        claim.note(f"{name}: simulated {found[0]:.2f} [{found[1]:.2f}, {found[2]:.2f}] dB, predicted {expected:.2f} dB")
        if coding["block_bits"] < LONGEST_RARE and len(rare) < claim.options.rare:
            low = predicted_snr(near, RARE)
            (row,) = link(claim, f"case_{case}_rare", common | {"/stop/frame_errors": 20, "/stop/max_frames": 400000, "/sweep": {"/channel/snr_db": [round(low, 3)]}})
            rare.append((name, row["loss"] or 0, row["loss_ci95"]))
    early, late = min(apart), max(apart)
    claim.note(f"within {WITHIN_DB} dB: {sum(abs(one) <= WITHIN_DB for one in apart)} of {len(apart)}")
    claim.check(f"simulated less predicted SNR of a loss of {TARGET:g}, {len(apart)} random links", f"{early:+.3f} to {late:+.3f} dB", max(-early, late) <= WITHIN_DB, f"within {WITHIN_DB} dB, both ways")
    for name, loss, (low, high) in rare:
        claim.check(f"{name}: loss where {RARE:g} is predicted", f"{loss:.2e} [{low:.2e}, {high:.2e}]", low <= 3 * RARE and high >= RARE / 3, "within a factor of three")


def arguments(parser):
    parser.add_argument("--cases", type=int, default=60, help="random links")
    parser.add_argument("--errors", type=int, default=100, help="frame errors per point")
    parser.add_argument("--rare", type=int, default=6, help="links whose rare losses are counted")


measure("predicted against simulated losses of code blocks", body, arguments)
