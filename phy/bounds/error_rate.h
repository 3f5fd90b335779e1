// How often uncoded symbols and their bits are decided wrongly over AWGN: exact for the
// constellations of TS 38.211, the union bound for any other (Proakis, "Digital Communications",
// 4.4). Pure functions; SNRs are linear Es/N0, >= 0.
#pragma once

#include "phy/modulation/modulation.h"

namespace semwave {

/// Of the nearest point. Union bound: the mean over the points of the sum over the others of
/// Q(sqrt(d^2 snr / 2)); at most 1.
double symbol_error_rate(Modulation modulation, double snr);

/// Of hard decisions on each bit's max-log soft bit, in the mean over the bits of a symbol. Union
/// bound: each pair counts with the share of bits in which its labels differ; at most 1/2.
double bit_error_rate(Modulation modulation, double snr);

/// Probability that any of the symbols that `bits` bits fill is decided wrongly, a part of a symbol
/// counted as that part.
double lost_symbols(double bits, Modulation modulation, double snr_db);

}  // namespace semwave
