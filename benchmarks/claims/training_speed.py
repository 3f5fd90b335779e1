#!/usr/bin/env python3
"""The training step of the yardstick (batch 64, AdamW, two threads) against tuned PyTorch and against the machine's peak."""
import turns
from claim import measure
from turns import interval


def body(claim):
    made = turns.results(claim, "against_pytorch.sh", "--only", "train")["train"]
    turns.ratio(claim, "training step", made, 1.6)
    share = made["share_of_peak"]
    claim.check("share of two cores' peak, three forward passes counted", interval(share, " %", 100, 1), share["value"] >= 0.4,
              "at least 40 %, median over the rounds")


measure("the yardstick's training step against PyTorch and the peak", body, turns.add_arguments)
