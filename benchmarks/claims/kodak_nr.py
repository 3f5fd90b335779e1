#!/usr/bin/env python3
"""All 24 Kodak pictures through HEIC, LDPC of 5G NR and QAM over AWGN at one use for 16 values: PSNR near what BPG with 5G LDPC is published at; beside it this
project's DeepJSCC, and what that is published at, for which there is no claim.

Wants the pictures: --kodak DIR or $SEMWAVE_KODAK (kodim01.png ...). Not measured without them.
"""
import os

from claim import NotMeasured, mean_interval, measure
from kodak_pictures import by_size, linked

WANTED = {1: (28.2, 29.2), 4: (29.4, 30.4), 7: (31.2, 32.2), 10: (32.5, 34.0), 13: (33.6, 34.6)}  # dB of PSNR, by dB of SNR
DEEPJSCC = {1: 28.2, 4: 29.5, 7: 30.5, 10: 31.5, 13: 32.1}  # as plotted in arXiv 2211.00937


def scores(claim, scenario, settings, out, into):
    rows, _ = claim.run(scenario, settings | {"/output/records": True, "/metrics": ["psnr"]}, out)
    records = claim.records(out)
    for row in rows:
        into.setdefault(row["point"]["/channel/snr_db"], []).extend(record["psnr_db"] for record in records[row["point_sha256"]])


def body(claim):
    sizes = by_size(claim.options.kodak or os.environ.get("SEMWAVE_KODAK", ""))
    if not sizes:
        raise NotMeasured("no Kodak folder is named: --kodak DIR or $SEMWAVE_KODAK")
    heic, deepjscc = {}, {}
    for (width, height), pictures in sizes.items():
        folder = linked(claim.work / f"{width}x{height}", pictures)
        transmitter = {"kind": "separation", "codec": "heic", "budget": width * height * 3 // 16, "codings": "nr-256qam"}
        scores(claim, "scenarios/kodak.json", {"/source/path": str(folder), "/model": {"image": [height, width, 3]}, "/transmitter": transmitter,
                                               "/sweep": {"/channel/snr_db": list(WANTED)}}, f"heic_{width}x{height}", heic)
    everything = linked(claim.work / "all", [picture for pictures in sizes.values() for picture in pictures])
    scores(claim, "scenarios/kodak_deepjscc.json", {"/source/path": str(everything)}, "deepjscc", deepjscc)
    for snr, (low, high) in WANTED.items():
        mean, half = mean_interval(heic[snr])
        claim.check(f"HEIC + 5G NR LDPC + QAM, {len(heic[snr])} pictures, {snr} dB", f"{mean:.2f} [{mean - half:.2f}, {mean + half:.2f}] dB", low <= mean <= high, f"{low} to {high} dB")
    for snr, published in DEEPJSCC.items():
        mean, half = mean_interval(deepjscc[snr])
        claim.note(f"DeepJSCC, {len(deepjscc[snr])} pictures, {snr} dB: {mean:.2f} [{mean - half:.2f}, {mean + half:.2f}] dB, published {published} dB")


def arguments(parser):
    parser.add_argument("--kodak", default="", help="folder of Kodak's PNG files")


measure("Kodak through HEIC and 5G NR LDPC, and through DeepJSCC", body, arguments)
