#!/usr/bin/env python3
"""Bar 1: the quickstart's run itself, anew, with two threads: at most 60 s and less than 600 MiB."""
from bar import measure


def body(bar):
    settings = {"/model": bar.options.model} if bar.options.model else {}
    rows, ended = bar.run("scenarios/quickstart.json", settings, "run", threads=bar.options.threads or 2, fresh=True)
    images = sum(row["images"] for row in rows)
    bar.note(f"{len(rows)} points, {images} images, {images / ended.seconds:.0f} images/s with everything")
    bar.check("wall time", f"{ended.seconds:.1f} s", ended.seconds <= 60, "at most 60 s on 2 cores")
    bar.check("largest resident memory", f"{ended.memory_mib:.0f} MiB", ended.memory_mib < 600, "less than 600 MiB")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")


measure("the quickstart's run, wall time and memory", body, arguments)
