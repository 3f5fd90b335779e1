#!/usr/bin/env python3
"""Claim 8: the double reference against central differences, and every float kernel against the reference."""
from claim import measure
from suite import build_folder, demand


def body(claim):
    demand(claim, "double reference of the network's ops against central differences", r"^ReferenceGradients\.", 10, "below 1e-6 relative")
    demand(claim, "double reference of power, fade, noise and equaliser against central differences", r"^SignalReference\.", 1, "below 1e-6 relative")
    demand(claim, "float kernels against the reference, random ragged shapes, empty images and one token", r"(^|/)Kernels\.", 15)
    demand(claim, "float kernels of the channel against the reference", r"^SignalKernels\.")
    demand(claim, "a whole network of every op, and the whole link, against central differences", r"GradientOfAWholeNetwork|TheTapeCarriesTheDerivative|GradientIsTheSlope", 3)


measure("derivatives", body, build_folder)
