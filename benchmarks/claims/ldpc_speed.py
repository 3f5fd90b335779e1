#!/usr/bin/env python3
"""LDPC decoding, n = 1296, rate 1/2, ten iterations whatever happens, one core: information bits a second of min-sum in float and in 8 bits."""
import counters
from claim import measure


def body(claim):
    rates = counters.measured(claim, "^ldpc/(float|fixed)$", "bits")
    for name, least, wanted in (("float", 40, "at least 40"), ("fixed", 100, "aim 100")):
        value, low, high = (one / 1e6 for one in counters.median_interval(rates[f"ldpc/{name}"]))
        claim.check(f"min-sum, {name}", f"{value:.1f} [{low:.1f}, {high:.1f}] Mbit/s", value >= least, f"{wanted} Mbit/s, median over the turns")


measure("LDPC decoding, n = 1296, r = 1/2, ten fixed iterations, one core", body, counters.add_arguments)
