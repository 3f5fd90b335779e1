#!/usr/bin/env python3
"""Kodak pictures through JPEG and HEIC, LDPC and QAM over AWGN: PSNR monotone in the SNR, and a cliff where the code fails.

Wants the pictures: --kodak DIR or $SEMWAVE_KODAK (kodim01.png ...); landscape and portrait are run by themselves. Not measured without them.
"""
import os

from claim import NotMeasured, measure
from kodak_pictures import by_size, linked

SNRS = [0, 2, 4, 6, 8, 9, 10, 11, 12, 14, 16, 18, 20]
BUDGETS = {"1/16": 16, "1/6": 6}  # channel bandwidth ratio
DESIGN_DB = 10
FALL_DB, STEP_DB = 5, 4  # the cliff: so much PSNR, within so many dB of SNR below the design
SLACK_DB = 0.02


def body(claim):
    folders = by_size(claim.options.kodak or os.environ.get("SEMWAVE_KODAK", ""))
    if not folders:
        raise NotMeasured("no Kodak folder is named: --kodak DIR or $SEMWAVE_KODAK")
    for (width, height), members in folders.items():
        pictures = linked(claim.work / f"{width}x{height}", members[:claim.options.images])
        for ratio, divisor in BUDGETS.items():
            budget = width * height * 3 // divisor
            schemes = [{"kind": "separation", "codec": codec, "budget": budget} | ({"design_snr_db": DESIGN_DB} if designed else {}) for codec in ("jpeg", "heic") for designed in (False, True)]
            rows, _ = claim.run("scenarios/kodak.json", {"/source/path": str(pictures), "/model": {"image": [height, width, 3]}, "/metrics": ["psnr"], "/sweep": {"/transmitter": schemes, "/channel/snr_db": SNRS}},
                              f"{width}x{height}_{divisor}")
            for scheme in schemes:
                worth = {row["point"]["/channel/snr_db"]: row["psnr_db"] for row in rows if row["point"]["/transmitter"] == scheme}
                psnrs = [worth[snr] for snr in SNRS]
                what = f"{width}x{height}, {min(len(members), claim.options.images)} pictures, ratio {ratio}, {scheme['codec']}"
                line = " ".join(f"{snr:g}:{psnr:.2f}" for snr, psnr in zip(SNRS, psnrs))
                if "design_snr_db" in scheme:
                    at = SNRS.index(DESIGN_DB)
                    below = [psnr for snr, psnr in zip(SNRS, psnrs) if snr <= DESIGN_DB - STEP_DB]
                    claim.note(f"{what}, designed for {DESIGN_DB} dB: {line}")
                    claim.check(f"{what}: fall within {STEP_DB} dB below the design SNR", f"{psnrs[at] - max(below):.2f} dB", psnrs[at] - max(below) >= FALL_DB, f"at least {FALL_DB} dB")
                    flat = max(psnrs[at:]) - min(psnrs[at:])
                    claim.check(f"{what}: PSNR above the design SNR stays", f"{flat:.3f} dB", flat <= SLACK_DB, f"within {SLACK_DB} dB")
                else:
                    fall = max([a - b for a, b in zip(psnrs, psnrs[1:])] + [0])
                    claim.note(f"{what}, adapting: {line}")
                    claim.check(f"{what}: largest fall of PSNR as the SNR grows", f"{fall:.3f} dB", fall <= SLACK_DB, f"at most {SLACK_DB} dB")


def arguments(parser):
    parser.add_argument("--kodak", default="", help="folder of Kodak's PNG files")
    parser.add_argument("--images", type=int, default=4, help="pictures of each size")


measure("Kodak pictures through JPEG and HEIC, LDPC and QAM", body, arguments)
