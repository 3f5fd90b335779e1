#!/usr/bin/env python3
"""Claim 10: uncoded BPSK, 4-, 16- and 64-QAM over AWGN and Rayleigh, with several antennas and over OFDM, through the channel that carries the images."""
from claim import measure
from suite import build_folder, demand


def body(claim):
    demand(claim, "bit error rates against the closed forms, quick", r"^GoldenFigures\.", 9, "|z| < 4 each, one chi-square over all")
    if not claim.options.quick:
        demand(claim, "bit error rates against the closed forms, long", r"^GoldenFiguresLong\.", 2, "|z| < 4 each, one chi-square over all")


def arguments(parser):
    build_folder(parser)
    parser.add_argument("--quick", action="store_true", help="leave out the long statistics")


measure("golden figures of the conventions", body, arguments)
