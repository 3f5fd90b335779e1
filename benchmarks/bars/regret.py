#!/usr/bin/env python3
"""What an old belief costs: `pareto` with CSI of one slot ago under Clarke's Doppler, less the `oracle` (the same table, perfect CSI), at
f_D tau = 0.05, 0.1 and 0.2. Class model over Rayleigh fading, SNR uniform -5..20 dB an image, paired image by image.
"""
from bar import ROOT, correct, measure, paired, signed, uses

DOPPLERS = [0.05, 0.1, 0.2]
LARGEST_LOSS = 0.01  # at the first of them


def body(bar):
    table = str(ROOT / "scenarios" / "tables" / "fashion_class_rayleigh.json")
    policies = [{"kind": kind, "file": table, "uses": bar.options.uses} for kind in ("pareto", "oracle")]
    for doppler in DOPPLERS:
        channel = {"kind": "rayleigh", "snr_db": {"uniform": [-5, 20]}, "doppler": doppler, "csi": {"transmitter": {"kind": "delayed", "delay": 1}}}
        settings = {"/source/split": "test", "/source/count": bar.options.images, "/channel": channel, "/sweep": {"/transmitter/policy": policies}}
        out = f"doppler_{doppler:g}"
        rows, _ = bar.run("scenarios/tables/fashion_class_rayleigh_validation.json", settings, out)
        records = bar.records(out)
        late, oracle = (records[row["point_sha256"]] for row in rows)
        mean, half = paired(oracle, late, correct)
        more, more_half = paired(oracle, late, uses)
        bar.note(f"f_D tau {doppler:g}: pareto {rows[0]['accuracy']:.4f} with {rows[0]['channel_uses']['total']:.1f} uses, {rows[0]['header_losses']} headers lost; "
                 f"oracle {rows[1]['accuracy']:.4f} with {rows[1]['channel_uses']['total']:.1f}, {rows[1]['header_losses']} lost; uses {signed(more, more_half, 2)}")
        text = f"{signed(100 * mean, 100 * half, 2)} points"
        if doppler == DOPPLERS[0]:
            bar.check(f"regret at f_D tau {doppler:g}, oracle less pareto", text, mean <= LARGEST_LOSS, f"at most {100 * LARGEST_LOSS:g} point")
        else:
            bar.note(f"regret at f_D tau {doppler:g}: {text}")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--uses", type=float, default=110, help="mean channel uses asked for")


measure("regret of a belief one slot old", body, arguments)
