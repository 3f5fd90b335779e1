#!/usr/bin/env python3
"""All 24 Kodak pictures as tokens through the semantic pair over AWGN, at most one use for 16 values with the header counted: PSNR, operations, seconds,
memory, and whether dropped tokens save the time that they save in operations.

Wants the pictures: --kodak DIR or $SEMWAVE_KODAK (kodim01.png ...). Not measured without them.
"""
import os
import statistics

from claim import NotMeasured, mean_interval, measure
from kodak_pictures import by_size, linked

SCENARIO = "scenarios/kodak_tokens.json"
WANTED = {1: 26.5, 4: 28.0, 7: 29.3, 10: 30.3, 13: 30.8}  # dB of PSNR, by dB of SNR
PICTURES = 4  # for the times


def quality(claim, base):
    rows, _ = claim.run(SCENARIO, base | {"/output/records": True, "/metrics": ["psnr"]}, "quality")
    records = claim.records("quality")
    for row in rows:
        snr = row["point"]["/channel/snr_db"]
        mean, half = mean_interval([record["psnr_db"] for record in records[row["point_sha256"]]])
        claim.check(f"{row['images']} pictures, {snr} dB, cbr {row['cbr']:.4f}", f"{mean:.2f} [{mean - half:.2f}, {mean + half:.2f}] dB",
                    mean >= WANTED[snr] and row["cbr"] <= 1 / 16, f"at least {WANTED[snr]} dB within a cbr of 0.0625")


def cost(claim, base):
    point = base | {"/sweep": {"/channel/snr_db": [10]}, "/metrics": ["psnr"], "/stop/max_images": PICTURES}
    shares, seconds, memory = [], {1: [], 0.5: []}, 0
    for turn in range(claim.options.rounds):
        made = {}
        for keep in (1, 0.5) if turn % 2 == 0 else (0.5, 1):
            [row], ended = claim.run(SCENARIO, point | {"/transmitter/policy/keep": keep}, f"keep_{keep}", threads=1, fresh=True)
            made[keep] = row["seconds"]["transmitter"] / PICTURES, row["flops"]["transmitter"]
            seconds[keep].append((row["seconds"]["transmitter"] + row["seconds"]["receiver"]) / PICTURES)
            memory = max(memory, ended.memory_mib)
            if turn == 0:
                claim.note(f"keep {keep}: {(row['flops']['transmitter'] + row['flops']['receiver']) / 1e9:.1f} G operations per picture, both ends")
        (time, operations), (less_time, fewer) = made[1], made[0.5]
        shares.append((1 - less_time / time) / (1 - fewer / operations))
    for keep, values in seconds.items():
        claim.note(f"keep {keep}: {statistics.median(values):.2f} s per picture, both ends, one thread")
    low, high = sorted(shares)[0], sorted(shares)[-1]
    claim.check("time saved over operations saved, transmitter, keep 0.5", f"{statistics.median(shares):.3f} [{low:.3f}, {high:.3f}]",
                statistics.median(shares) >= 0.85, "at least 0.85, median over the rounds")
    claim.check("largest resident memory, one thread", f"{memory:.0f} MiB", memory < 1024, "below 1024 MiB")


def body(claim):
    sizes = by_size(claim.options.kodak or os.environ.get("SEMWAVE_KODAK", ""))
    if not sizes:
        raise NotMeasured("no Kodak folder is named: --kodak DIR or $SEMWAVE_KODAK")
    base = {"/source/path": str(linked(claim.work / "all", [picture for pictures in sizes.values() for picture in pictures]))}
    if claim.options.model:
        base["/model"] = os.path.abspath(claim.options.model)
    quality(claim, base)
    cost(claim, base)


def arguments(parser):
    parser.add_argument("--kodak", default="", help="folder of Kodak's PNG files")
    parser.add_argument("--model", default="", help="another checkpoint")
    parser.add_argument("--rounds", type=int, default=5, help="turns of the times")


measure("Kodak as tokens in windows", body, arguments)
