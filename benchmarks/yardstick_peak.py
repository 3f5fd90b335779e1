#!/usr/bin/env python3
"""The yardstick's forward pass and the peak of multiply-adds in turns: batch 1 on one thread, batch 64 on two, for each number of images a
shard that is asked for. One thread is held against one core's peak, two threads against two cores'."""
import sys

import rounds


def measure(semwave, options, results):
    for key, batch, threads, repetitions in (("batch_1", 1, 1, options.repetitions_1), ("batch_64", 64, 2, options.repetitions_64)):
        peak = rounds.peak_candidate(semwave, threads)
        taken = {}
        for shard in [options.shard] + (options.shards if batch > 1 else []):
            notes = {}
            candidate = rounds.semwave_candidate(semwave, "forward", batch, threads, shard, notes)
            candidate.name += f", {shard or 'the usual'} images per shard" if batch > 1 else ""
            taken[shard] = (candidate, notes)
        rounds.interleave([peak] + [candidate for candidate, _ in taken.values()], options.rounds, repetitions)
        title = f"forward, batch {batch}, {threads} thread{'s' if threads > 1 else ''}, {taken[options.shard][1]['shard']} images per shard are usual"
        rounds.table(title, [candidate for candidate, _ in taken.values()])
        shares = {}
        for shard, (candidate, notes) in taken.items():
            print(f"{candidate.name}: ", end="")
            shares[shard] = rounds.share_of_peak(peak, candidate, notes["operations"])
        ours = taken[options.shard][0]
        results[key] = {"share": shares[options.shard], "seconds": ours.median, "peak_gflops": 1e-9 / peak.median}


def add_arguments(parser):
    parser.add_argument("--shards", type=int, nargs="*", default=[], help="other numbers to be shown beside it")


if __name__ == "__main__":
    sys.exit(rounds.yardstick_program("yardstick_peak", "the yardstick and the machine's peak", __doc__, measure, 100, add_arguments))
