#!/usr/bin/env python3
"""Claim 9: what must hold whatever the network has learned."""
from claim import measure
from suite import build_folder, demand


def body(claim):
    demand(claim, "masked training equals compacted inference", r"^Masked\.|TrainingAndInferenceComputeTheSameNumbers", 2, "to 1e-5")
    demand(claim, "gradients of different shard sizes, balance loss on", r"ShardSizesGiveEqualGradients|GradientDoesNotDependOnTheShards|TheBalanceLossCouples", 3, "equal to 1e-5")
    demand(claim, "mean power 1 over the symbols sent", r"SentSymbolsHaveUnitMeanPower|^UnitPower\.|^HeaderCodec\.SymbolsHaveUnitMeanPower", 4)
    demand(claim, "one flipped header bit is caught", r"AnyOneWrongBitBeforeTheCodeIsCaught|EveryPatternOfUpToThreeFlips", 2)
    demand(claim, "ledger is what a serialised burst takes", r"[Ss]erialis|LedgerCountsTheSymbolsReallySent")
    demand(claim, "layering of #includes", r"^Layering\.", 2)


measure("invariants", body, build_folder)
