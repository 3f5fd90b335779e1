// Uses that carry several symbols at once: streams of several antennas, tones of OFDM. The burst is
// known as a whole, the signal really goes through antennas or samples, and each symbol comes out
// as one gain and one residue, which holds noise and what other symbols left behind.
#pragma once

#include <complex>
#include <span>

#include "channel/csi/csi.h"
#include "channel/fading/fading.h"
#include "channel/impairment/disturbance.h"
#include "channel/mimo_ofdm/antennas.h"
#include "channel/mimo_ofdm/ofdm.h"
#include "core/random/random.h"

namespace semwave {

/// y = gain x + residue, and what the receiver knows: a gain, and the variance of the noise it
/// expects (the error of that gain on top).
struct Carried {
  std::complex<double> gain{1.0, 0.0}, known{1.0, 0.0}, residue;
  double variance = 0;
};

/// The data symbols of one image, header first, two or more at a time from as many transmit
/// antennas.
void carry_streams(const Antennas& antennas, const Csi& receiver, const Fading& fading, int image,
                   const Draws& draws, const Disturbance& disturbance,
                   std::span<const std::complex<double>> x, std::span<Carried> out);

/// The same over the tones of OFDM. The residue holds what reaches beyond the prefix; nobody tells
/// the receiver of it.
void carry_tones(const Ofdm& ofdm, const Csi& receiver, const Fading& fading, int image,
                 const Draws& draws, const Disturbance& disturbance,
                 std::span<const std::complex<double>> x, std::span<Carried> out);

}  // namespace semwave
