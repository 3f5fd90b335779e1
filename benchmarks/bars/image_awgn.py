#!/usr/bin/env python3
"""The rebuilt image over AWGN at 10 dB, S = 8, gate before the first block, 10,000 test images: above what the first model reached."""
from bar import mean_interval, measure, psnr

BARS = {1.0: (392, 28.65), 0.5: (192, 26.56), 0.25: (96, 23.13)}  # keep -> payload uses, least mean PSNR in dB


def body(bar):
    settings = {"/source/count": bar.options.images, "/output/records": True}
    if bar.options.model:
        settings["/model"] = bar.options.model
    rows, _ = bar.run("scenarios/image_awgn.json", settings)
    records = bar.records("run")
    for row in rows:
        keep = row["point"]["/transmitter/policy/keep"]
        payload, least = BARS[keep]
        mean, half = mean_interval([psnr(record) for record in records[row["point_sha256"]]])
        spent = row["channel_uses"]
        bar.check(f"payload uses at keep {keep:g}", f"{spent['payload']:g} (+ header {spent['header']:.1f})", spent["payload"] == payload, f"{payload}")
        bar.check(f"mean PSNR at keep {keep:g}", f"{mean:.3f} dB [{mean - half:.3f}, {mean + half:.3f}]", mean >= least, f"at least {least} dB")
        bar.note(f"accuracy {row['accuracy']:.4f}, SSIM {row['ssim']:.4f}, {row['images']} images, headers lost {row['header_losses']}")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")


measure("rebuilt image over AWGN at 10 dB, S = 8, gate before the first block", body, arguments)
