#!/usr/bin/env python3
"""The yardstick's forward pass and the peak of multiply-adds in turns: batch 1 on one thread, batch 64 on two, for each number of images a
shard that is asked for. One thread is held against one core's peak, two threads against two cores'."""
import argparse
import os
import sys

import rounds
from rounds import Failed


def measure(semwave, options, results):
    for key, batch, threads, repetitions in (("batch_1", 1, 1, options.repetitions_1), ("batch_64", 64, 2, options.repetitions_64)):
        peak = rounds.peak_candidate(semwave, threads)
        taken = {}
        for shard in [options.shard] + (options.shards if batch > 1 else []):
            notes = {}
            candidate = rounds.semwave_candidate(semwave, "forward", batch, threads, shard, notes)
            candidate.name += f", {shard or 'the usual'} images a shard" if batch > 1 else ""
            taken[shard] = (candidate, notes)
        rounds.interleave([peak] + [candidate for candidate, _ in taken.values()], options.rounds, repetitions)
        title = f"forward, batch {batch}, {threads} thread{'s' if threads > 1 else ''}, {taken[options.shard][1]['shard']} images a shard are usual"
        rounds.table(title, [candidate for candidate, _ in taken.values()])
        shares = {}
        for shard, (candidate, notes) in taken.items():
            print(f"{candidate.name}: ", end="")
            shares[shard] = rounds.share_of_peak(peak, candidate, notes["operations"])
        ours = taken[options.shard][0]
        results[key] = {"share": shares[options.shard], "seconds": ours.median, "peak_gflops": 1e-9 / peak.median}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", default=os.environ.get("YARDSTICK", str(rounds.ROOT / "build" / "benchmarks" / "yardstick")), help="semwave's program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repetitions-1", type=int, default=100, help="in each round, batch 1")
    parser.add_argument("--repetitions-64", type=int, default=20, help="in each round, batch 64")
    parser.add_argument("--shard", type=int, default=0, help="images a thread takes at once (default: what the backend likes)")
    parser.add_argument("--shards", type=int, nargs="*", default=[], help="other numbers to be shown beside it")
    parser.add_argument("--json", default="", help="writes the shares there")
    options = parser.parse_args()
    results, semwave = {}, None
    try:
        semwave = rounds.semwave_server(options.yardstick)
        rounds.heading("the yardstick and the machine's peak", {})
        measure(semwave, options, results)
    except (Failed, OSError) as reason:
        print(f"yardstick_peak: {reason}", file=sys.stderr)
        return 1
    finally:
        if semwave:
            semwave.close()
    rounds.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
