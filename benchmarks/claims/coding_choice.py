#!/usr/bin/env python3
"""What a separation sender chooses at 12 pairs of budget and SNR, against the best coding whose simulated loss is at most 1 %: bytes carried."""
from claim import measure
from suite import build_folder, demand


def body(claim):
    demand(claim, "bytes of the chosen coding over those of the best one that loses at most 1 % by simulation", r"^CodingChoice\.", 1, "at least 0.95 at each of 12 pairs")


measure("a sender's choice of modulation and coding", body, build_folder)
