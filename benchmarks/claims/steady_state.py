#!/usr/bin/env python3
"""In steady state a shard takes nothing from the heap, and at batch 64 the time goes to products.

The share counts a fused product (bias, GELU and residual in its epilogue) as a product and attention, with its softmax, as none.
"""
import statistics

import turns
from claim import measure
import rounds
from rounds import interval
from suite import build_folder, demand

ROUNDS, REPETITIONS = 7, 10


def body(claim):
    demand(claim, "heap allocations of a shard, counted", r"^SteadyState\.", 1, "0")
    server = rounds.semwave_server(claim.options.yardstick)
    shares, by_kernel = [], {}
    try:
        for _ in range(claim.options.rounds or ROUNDS):
            made = server.ask(f"profile 64 1 {REPETITIONS}")
            whole = statistics.mean(made["seconds"]) * made["repetitions"]
            shares.append(sum(line["seconds"] for line in made["kernels"] if line["product"]) / whole)
            for line in made["kernels"]:
                by_kernel.setdefault("products" if line["product"] else line["kernel"], []).append(line["seconds"] / whole)
    finally:
        server.close()
    for kernel, share in sorted(by_kernel.items(), key=lambda item: -sum(item[1])):
        per_round = sum(share) / len(shares)
        if per_round >= 0.002:
            claim.note(f"{kernel:<16} {100 * per_round:5.1f} %")
    share = {"value": statistics.median(shares), "low": min(shares), "high": max(shares)}
    claim.check("products' share of the forward time, batch 64, one thread", interval(share, " %", 100, 1), share["value"] >= 0.8,
              "at least 80 %, median over the rounds")


def arguments(parser):
    turns.add_arguments(parser)
    build_folder(parser)


measure("steady state: no allocation, and products", body, arguments)
