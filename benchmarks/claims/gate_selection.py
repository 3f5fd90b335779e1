#!/usr/bin/env python3
"""Claim 4: a learned gate before the first block against random tokens, each network trained for its own gate, equal uses."""
from claim import measure, paired, psnr, signed, correct, uses

LEAST_DB = 2.0


def body(claim):
    rows, records = {}, {}
    for gate, model in (("learned", claim.options.learned), ("random", claim.options.random)):
        settings = {"/source/count": claim.options.images, "/output/records": True}
        if model:
            settings["/model"] = model
        (rows[gate],), _ = claim.run(f"scenarios/studies/gate_{gate}.json", settings, gate)
        records[gate] = claim.records(gate)[rows[gate]["point_sha256"]]
        row = rows[gate]
        claim.note(f"{gate}: PSNR {row['psnr_db']:.3f} dB, accuracy {row['accuracy']:.4f}, uses {row['channel_uses']['total']:.2f}, {row['images']} images")
    learned, random = records["learned"], records["random"]
    different = sum(uses(a) != uses(b) for a, b in zip(learned, random))
    claim.check("images whose uses differ", f"{different} of {len(learned)}", different == 0, "0")
    mean, half = paired(learned, random, psnr)
    claim.check("PSNR, learned less random, paired over images", f"{signed(mean, half)} dB", mean >= LEAST_DB, f"at least {LEAST_DB} dB")
    mean, half = paired(learned, random, correct)
    claim.note(f"accuracy, learned less random, paired: {signed(mean, half, 4)}")


def arguments(parser):
    parser.add_argument("--learned", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--random", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")


measure("learned gate against random tokens before the first block, keep 0.5, 10 dB", body, arguments)
