#!/usr/bin/env python3
"""The rebuilt image over AWGN at 10 dB, S = 8, gate before the first block, 10,000 test images: above what the first model reached."""
from claim import mean_interval, measure, psnr

CLAIMS = {1.0: (392, 28.65), 0.5: (192, 26.56), 0.25: (96, 23.13)}  # keep -> payload uses, least mean PSNR in dB


def body(claim):
    settings = {"/source/count": claim.options.images, "/output/records": True}
    if claim.options.model:
        settings["/model"] = claim.options.model
    rows, _ = claim.run("scenarios/image_awgn.json", settings)
    records = claim.records("run")
    for row in rows:
        keep = row["point"]["/transmitter/policy/keep"]
        payload, least = CLAIMS[keep]
        mean, half = mean_interval([psnr(record) for record in records[row["point_sha256"]]])
        spent = row["channel_uses"]
        claim.check(f"payload uses at keep {keep:g}", f"{spent['payload']:g} (+ header {spent['header']:.1f})", spent["payload"] == payload, f"{payload}")
        claim.check(f"mean PSNR at keep {keep:g}", f"{mean:.3f} dB [{mean - half:.3f}, {mean + half:.3f}]", mean >= least, f"at least {least} dB")
        claim.note(f"accuracy {row['accuracy']:.4f}, SSIM {row['ssim']:.4f}, {row['images']} images, headers lost {row['header_losses']}")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")


measure("rebuilt image over AWGN at 10 dB, S = 8, gate before the first block", body, arguments)
