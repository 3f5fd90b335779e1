// What memoryless channels carry: capacity C and dispersion V, the normal approximation made of
// them, ergodic capacity and outage under Rayleigh fading. The bounds that links are held against;
// nothing here decides how a link works.
//
// Complex AWGN: Shannon (1948) and Polyanskiy, Poor and Verdu (2010), "Channel coding rate in the
// finite blocklength regime", theorem 54 taken for two real dimensions. SNRs are linear Es/N0,
// rates in bit per channel use. Pure functions; all arguments finite.
#pragma once

#include <optional>

#include "phy/modulation/modulation.h"

namespace semwave {

/// Mean and variance of the information density of one use, bit and bit^2.
struct Information {
  double capacity = 0;
  double dispersion = 0;
};

/// Complex AWGN with Gaussian input: C = log2(1 + s), V = s (s + 2) / (s + 1)^2 (log2 e)^2. snr >=
/// 0.
Information gaussian_information(double snr);
/// Complex AWGN, points of the constellation equally likely; V is the variance of the information
/// density over both point and noise (that of codebooks drawn at random). By quadrature, to about
/// 1e-9 for those of TS 38.211 and 1e-4 for any other. snr >= 0.
Information constellation_information(Modulation modulation, double snr);
/// Binary symmetric channel: C = 1 - H2(p), V = p (1 - p) log2^2((1 - p)/p). 0 <= p <= 1.
Information symmetric_information(double crossover);
/// Binary erasure channel: C = 1 - p, V = p (1 - p). 0 <= p <= 1. A channel of m bits a use has m C
/// and m^2 V.
Information erasure_information(double loss);

/// E log2(1 + s |h|^2), h ~ CN(0, 1): e^(1/s) E1(1/s) log2 e. snr >= 0.
double rayleigh_capacity(double snr);
/// P(log2(1 + s |h|^2) < rate) = 1 - exp(-(2^rate - 1)/s). snr > 0.
double rayleigh_outage(double snr, double rate);

/// R = C - sqrt(V/n) Qinv(eps) + log2(n)/(2n): an approximation and not a bound; below about 100
/// uses a label, not evidence. uses > 0, 0 < error < 1. May be negative.
double normal_approximation_rate(const Information& information, double uses, double error);
/// The error probability at which that rate is reached. Without dispersion 0 or 1.
double normal_approximation_error(const Information& information, double uses, double rate);
/// The Es/N0 in dB from which on that rate is reached: of a constellation, or of Gaussian input
/// where none is given. Infinite where 100 dB do not suffice (a rate beyond the bits of a symbol).
/// rate > log2(uses)/(2 uses).
double normal_approximation_snr_db(std::optional<Modulation> modulation, double uses, double rate,
                                   double error);

/// Q(x), the upper tail of N(0, 1), and its inverse (1e-300 <= tail < 1).
double normal_tail(double x);
double inverse_normal_tail(double tail);

}  // namespace semwave
