#!/usr/bin/env python3
"""Claim 6: every expert works, and a dense receiver of equal executed operations stands beside the mixture."""
from claim import correct, measure, paired, psnr, signed


def shares(claim):
    settings = {"/source/count": claim.options.images}
    settings["/sweep"] = {"/channel/snr_db": [{"uniform": [-5, 20]}, 0, 10, 20], "/transmitter/policy/keep": [0.25, 1.0]}
    if claim.options.model:
        settings["/model"] = claim.options.model
    rows, _ = claim.run("scenarios/image_awgn.json", settings, "shares")
    for row in rows:
        load = row["expert_load"]
        least, most = 0.5 / len(load), 2 / len(load)
        snr_db, keep = row["point"]["/channel/snr_db"], row["point"]["/transmitter/policy/keep"]
        where = "-5..20 dB" if isinstance(snr_db, dict) else f"{snr_db} dB"
        claim.check(f"shares of experts, {where}, keep {keep:g}", " ".join(f"{share:.3f}" for share in load),
                  len(load) > 1 and all(least <= share <= most for share in load), f"{least:g} to {most:g}, {row['images']} test images")


def dense(claim):
    rows, records = {}, {}
    for name, scenario, model in (("experts", "gate_learned", claim.options.experts), ("dense", "dense_receiver", claim.options.dense)):
        settings = {"/source/count": claim.options.images, "/output/records": True}
        if model:
            settings["/model"] = model
        (row,), _ = claim.run(f"scenarios/studies/{scenario}.json", settings, name)
        rows[name], records[name] = row, claim.records(name)[row["point_sha256"]]
        claim.note(f"{name}: {len(row['expert_load'])} x feed-forward, accuracy {row['accuracy']:.4f}, PSNR {row['psnr_db']:.3f} dB, "
                 f"receiver {row['flops']['receiver'] / 1e6:.3f} MFLOP executed")
    executed = {name: row["flops"]["receiver"] for name, row in rows.items()}
    excess = executed["experts"] / executed["dense"] - 1
    claim.check("executed receiver operations, experts over dense", f"{100 * excess:+.2f} % (the router)", 0 <= excess <= 0.02, "equal within 2 %")
    mean, half = paired(records["experts"], records["dense"], correct)
    claim.note(f"accuracy, experts less dense, paired over images: {signed(mean, half, 4)}")
    mean, half = paired(records["experts"], records["dense"], psnr)
    claim.note(f"PSNR, experts less dense, paired over images: {signed(mean, half)} dB")


def body(claim):
    shares(claim)
    dense(claim)


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint whose experts are counted, instead of the scenario's")
    parser.add_argument("--experts", default="", help="small checkpoint with experts, instead of the scenario's")
    parser.add_argument("--dense", default="", help="small checkpoint without, instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")


measure("shares of the experts on the test set, and a dense receiver beside them", body, arguments)
