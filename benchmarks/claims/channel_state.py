#!/usr/bin/env python3
"""Doppler autocorrelation, Rician moments, error variance of every kind of knowledge at either end, against their closed forms: 20,000 links
each, four standard errors."""
from claim import measure
from suite import build_folder, demand


def body(claim):
    demand(claim, "Clarke's autocorrelation J0(2 pi f_D tau n), power and fourth moment", r"^Doppler\.", 3, "within four standard errors")
    demand(claim, "Rician moments, K from -10 to 15 dB", r"^Rician\.", 2, "within four standard errors")
    demand(claim, "error variances the receiver is told, pilots counted", r"^ReceiverCsi\.", 3, "within four standard errors")
    demand(claim, "beliefs of the transmitter, kind by kind", r"^TransmitterCsi\.", 2, "within four standard errors")


measure("channel state against its closed forms", body, build_folder)
