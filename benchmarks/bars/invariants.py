#!/usr/bin/env python3
"""Bar 9: what must hold whatever the network has learned."""
from bar import measure
from suite import build_folder, demand


def body(bar):
    demand(bar, "masked training equals compacted inference", r"^Masked\.|TrainingAndInferenceComputeTheSameNumbers", 2, "to 1e-5")
    demand(bar, "gradients of different shard sizes, balance loss on", r"ShardSizesGiveEqualGradients|GradientDoesNotDependOnTheShards|TheBalanceLossCouples", 3, "equal to 1e-5")
    demand(bar, "mean power 1 over the symbols sent", r"SentSymbolsHaveUnitMeanPower|^UnitPower\.|^HeaderCodec\.SymbolsHaveUnitMeanPower", 4)
    demand(bar, "one flipped header bit is caught", r"AnyOneWrongBitBeforeTheCodeIsCaught|EveryPatternOfUpToThreeFlips", 2)
    demand(bar, "ledger is what a serialised burst takes", r"[Ss]erialis|LedgerCountsTheSymbolsReallySent")
    demand(bar, "layering of #includes", r"^Layering\.", 2)


measure("invariants", body, build_folder)
