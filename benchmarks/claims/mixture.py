#!/usr/bin/env python3
"""A mixture of 8 experts, one a token, inside the real pipeline against a dense feed-forward of the same size: batch 64, two threads."""
import os
import statistics

import turns  # noqa: F401  (the modules of benchmarks/ are found through it)
import rounds
from claim import ROOT, NotMeasured, measure

LIMITS = {1.0: 1.2, 0.25: 1.5}  # keep -> most of the dense receiver's time
LEAST_SHARE = 0.02              # of the tokens, for an expert to count as working


class Kind:
    """A kind of receiver at one keep ratio: pipeline and receiver are timed in the same repetitions."""

    def __init__(self, server, kind, keep, shard):
        self.server, self.request = server, (kind, keep, shard)
        self.whole = rounds.Candidate(f"{kind}, keep {keep:g}, pipeline", self.turn)
        self.receiver = rounds.Candidate(f"{kind}, keep {keep:g}, receiver", None)
        self.notes = {}

    def turn(self, repetitions):
        kind, keep, shard = self.request
        self.notes = self.server.ask(f"{kind} {keep} 64 2 {repetitions} {shard}")
        self.receiver.rounds.append(statistics.median(self.notes["receiver_seconds"]))
        return self.notes["seconds"]


def body(claim):
    if not os.access(claim.options.mixture, os.X_OK):
        raise NotMeasured(f"{claim.options.mixture} is not there: build it (cmake --build build --target benchmark_mixture), or give --mixture")
    server = rounds.Server([claim.options.mixture, "--serve"])
    try:
        rounds.heading("mixture of experts and dense receiver in the pipeline, batch 64, 2 threads", {})
        for keep, most in LIMITS.items():
            made = {kind: Kind(server, kind, keep, claim.options.shard) for kind in ("dense", "mixture")}
            for kind in made:  # trains both, so that no round waits for it
                server.ask(f"{kind} {keep} 64 2 1 {claim.options.shard}")
            rounds.interleave([kind.whole for kind in made.values()], claim.options.rounds, claim.options.repetitions)
            rounds.table(f"keep {keep:g}", [kind.whole for kind in made.values()] + [kind.receiver for kind in made.values()])
            load = made["mixture"].notes["expert_load"]
            excess = made["mixture"].notes["receiver_operations"] / made["dense"].notes["receiver_operations"] - 1
            claim.note(f"{made['mixture'].notes['tokens']:g} tokens per image, {made['mixture'].notes['shard']} images per shard, {100 * excess:+.2f} % operations, "
                     f"shares of the experts {' '.join(f'{share:.2f}' for share in load)}")
            if min(load) < LEAST_SHARE:
                raise NotMeasured(f"an expert works on {100 * min(load):.1f} % of the tokens only")
            claim.note(f"keep {keep:g}, whole pipeline: {rounds.interval(rounds.quotient(made['mixture'].whole, made['dense'].whole))} the time of the dense one")
            ratio = rounds.quotient(made["mixture"].receiver, made["dense"].receiver)
            claim.check(f"time of the receiver, mixture over dense, keep {keep:g}", rounds.interval(ratio), ratio["value"] <= most,
                      f"at most {most}x, median over the rounds")
    except rounds.Failed as reason:
        raise NotMeasured(str(reason)) from None
    finally:
        server.close()


def arguments(parser):
    parser.add_argument("--mixture", default=str(ROOT / "build" / "benchmarks" / "mixture"), help="program that is timed")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repetitions", type=int, default=10, help="in each round")
    parser.add_argument("--shard", type=int, default=0, help="images a thread takes at once (default: what the backend likes)")


measure("8 experts, one a token, against a dense receiver of the same size", body, arguments)
