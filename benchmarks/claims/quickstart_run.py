#!/usr/bin/env python3
"""Claim 1: the quickstart's run itself, anew, with two threads: at most 60 s and less than 600 MiB."""
from claim import measure


def body(claim):
    settings = {"/model": claim.options.model} if claim.options.model else {}
    rows, ended = claim.run("scenarios/quickstart.json", settings, "run", threads=claim.options.threads or 2, fresh=True)
    images = sum(row["images"] for row in rows)
    claim.note(f"{len(rows)} points, {images} images, {images / ended.seconds:.0f} images/s with everything")
    claim.check("wall time", f"{ended.seconds:.1f} s", ended.seconds <= 60, "at most 60 s on 2 cores")
    claim.check("largest resident memory", f"{ended.memory_mib:.0f} MiB", ended.memory_mib < 600, "less than 600 MiB")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")


measure("the quickstart's run, wall time and memory", body, arguments)
