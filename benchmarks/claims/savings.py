#!/usr/bin/env python3
"""Operations that are not executed become time that is not spent: keep 0.25 after block 2, and exit at half depth."""
import turns
from claim import measure
from turns import interval


def body(claim):
    made = turns.results(claim, "savings.sh")
    for batch, threads, least in ((1, "one thread", 0.85), (64, "two threads", 0.92)):
        for what, name in (("keep", "keep 0.25 after block 2"), ("half", "exit at half depth")):
            value = made[f"{what}_{batch}"]
            claim.check(f"time saved over operations saved, {name}, batch {batch}, {threads}", interval(value, "", digits=3), value["value"] >= least,
                      f"at least {least}, median over the rounds")


measure("realised savings of the yardstick", body, turns.add_arguments)
