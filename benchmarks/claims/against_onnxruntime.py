#!/usr/bin/env python3
"""Forward passes of the yardstick against ONNX Runtime, in one interleaved run with outputs compared first."""
import turns
from claim import measure


def body(claim):
    made = turns.results(claim, "against_onnxruntime.sh")
    turns.ratio(claim, "batch 1, one thread", made["batch_1"], 1.2)
    turns.ratio(claim, "batch 64, two threads", made["batch_64"], 1.2)


measure("the yardstick's forward pass against ONNX Runtime", body, turns.add_arguments)
