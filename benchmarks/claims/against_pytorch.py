#!/usr/bin/env python3
"""Forward passes of the yardstick against tuned PyTorch, in one interleaved run with outputs compared first."""
import turns
from claim import measure


def body(claim):
    made = turns.results(claim, "against_pytorch.sh", "--only", "forward")
    turns.ratio(claim, "batch 1, one thread", made["batch_1"], 2.5)
    turns.ratio(claim, "batch 64, two threads", made["batch_64"], 1.6)


measure("the yardstick's forward pass against PyTorch", body, turns.add_arguments)
