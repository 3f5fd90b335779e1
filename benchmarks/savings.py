#!/usr/bin/env python3
"""How much of the operations that are not executed becomes time that is not spent: (1 - t/t0) / (1 - f/f0) on the yardstick.

keep: 12 of 49 tokens go on after block 2 of 6, the others' rows are removed. half: images leave after block 3. The same kernels in the same
run, in turns; operations are those the passes have counted.
"""
import sys

import rounds

SETTINGS = {"keep": "12 of 49 tokens after block 2 of 6", "half": "3 of 6 blocks"}


def realised(full, part, share):
    """Of the medians, and smallest and largest of one round."""
    each = [(1 - b / a) / (1 - share) for a, b in zip(full.rounds, part.rounds)]
    return {"value": (1 - part.median / full.median) / (1 - share), "low": min(each), "high": max(each)}


def measure(semwave, options, results):
    for batch, threads, repetitions in ((1, 1, options.repetitions_1), (64, 2, options.repetitions_64)):
        notes = {what: {} for what in ("forward", *SETTINGS)}
        taken = {what: rounds.semwave_candidate(semwave, what, batch, threads, options.shard, notes[what]) for what in notes}
        rounds.interleave(list(taken.values()), options.rounds, repetitions)
        title = f"batch {batch}, {threads} thread{'s' if threads > 1 else ''}" + (f", {notes['forward']['shard']} images per shard" if batch > 1 else "")
        rounds.table(title, list(taken.values()))
        for what, description in SETTINGS.items():
            share = notes[what]["operations"] / notes["forward"]["operations"]
            made = realised(taken["forward"], taken[what], share)
            results[f"{what}_{batch}"] = made
            executed, all_of_it = (1e-6 * notes[which]["operations"] / batch for which in (what, "forward"))
            saved = 100 * (1 - taken[what].median / taken["forward"].median)
            print(f"{what} ({description}): operations {executed:.2f} of {all_of_it:.2f} MFLOP per image ({100 * (1 - share):.1f} % saved), "
                  f"time {saved:.1f} % saved, realised {rounds.interval(made, '', digits=3)}", flush=True)


if __name__ == "__main__":
    sys.exit(rounds.yardstick_program("savings", "realised savings on the yardstick", __doc__, measure, 200))
