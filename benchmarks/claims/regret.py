#!/usr/bin/env python3
"""What an old belief costs: `pareto` with CSI of one slot ago under Clarke's Doppler, less the `oracle` (the same table, perfect CSI), at
f_D tau = 0.05, 0.1 and 0.2. Class model over Rayleigh fading, SNR uniform -5..20 dB per image, paired image by image. Every image is met
several times, each time with another SNR, fade and noise; intervals are over the images.
"""
from claim import ROOT, NotMeasured, correct, mean_interval, measure, signed, uses

DOPPLERS = [0.05, 0.1, 0.2]
LARGEST_LOSS = 0.01  # at the first of them


def over_repeats(records, value):
    """Mean of each image over its repeats, in the order of the images."""
    ids = [record["image"] for record in records[0]]
    if any([record["image"] for record in again] != ids for again in records):
        raise NotMeasured("the repeats were not run on the same images")
    return [sum(map(value, one)) / len(one) for one in zip(*records)]


def body(claim):
    table = str(ROOT / "scenarios" / "tables" / "fashion_class_rayleigh.json")
    policies = [{"kind": kind, "file": table, "uses": claim.options.uses} for kind in ("pareto", "oracle")]
    repeats = list(range(claim.options.repeats))
    for doppler in DOPPLERS:
        channel = {"kind": "rayleigh", "snr_db": {"uniform": [-5, 20]}, "doppler": doppler, "csi": {"transmitter": {"kind": "delayed", "delay": 1}}}
        settings = {"/source/split": "test", "/source/count": claim.options.images, "/channel": channel, "/sweep": {"/source/repeat": repeats, "/transmitter/policy": policies}}
        out = f"doppler_{doppler:g}"
        rows, _ = claim.run("scenarios/tables/fashion_class_rayleigh_validation.json", settings, out)
        records = claim.records(out)
        ends = {kind: [row for row in rows if row["point"]["/transmitter/policy"]["kind"] == kind] for kind in ("pareto", "oracle")}
        worth = {kind: over_repeats([records[row["point_sha256"]] for row in own], correct) for kind, own in ends.items()}
        spent = {kind: over_repeats([records[row["point_sha256"]] for row in own], uses) for kind, own in ends.items()}
        mean, half = mean_interval([a - b for a, b in zip(worth["oracle"], worth["pareto"])])
        more, more_half = mean_interval([a - b for a, b in zip(spent["oracle"], spent["pareto"])])
        lost = {kind: sum(row["header_losses"] for row in own) / len(own) for kind, own in ends.items()}
        said = {kind: f"{sum(worth[kind]) / len(worth[kind]):.4f} with {sum(spent[kind]) / len(spent[kind]):.1f} uses, {lost[kind]:.0f} of {claim.options.images} headers lost" for kind in ends}
        claim.note(f"f_D tau {doppler:g}: pareto {said['pareto']}; oracle {said['oracle']}; uses {signed(more, more_half, 2)}")
        text = f"{signed(100 * mean, 100 * half, 2)} points"
        if doppler == DOPPLERS[0]:
            claim.check(f"regret at f_D tau {doppler:g}, oracle less pareto", text, mean <= LARGEST_LOSS, f"at most {100 * LARGEST_LOSS:g} point")
        else:
            claim.note(f"regret at f_D tau {doppler:g}: {text}")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--repeats", type=int, default=4, help="of every image, each with its own SNR, fade and noise")
    parser.add_argument("--uses", type=float, default=110, help="mean channel uses asked for")


measure("regret of a belief one slot old", body, arguments)
