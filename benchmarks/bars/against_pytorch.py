#!/usr/bin/env python3
"""Forward passes of the yardstick against tuned PyTorch, in one interleaved run with outputs compared first."""
import turns
from bar import measure


def body(bar):
    made = turns.results(bar, "against_pytorch.sh", "--only", "forward")
    turns.ratio(bar, "batch 1, one thread", made["batch_1"], 2.5)
    turns.ratio(bar, "batch 64, two threads", made["batch_64"], 1.6)


measure("the yardstick's forward pass against PyTorch", body, turns.add_arguments)
