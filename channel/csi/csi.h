// Channel state information: how well an end knows the link, each end by itself. Definitions:
// docs/conventions.md.
#pragma once

#include <cstdint>

namespace semwave {

enum class CsiKind : std::uint8_t {
  perfect,    // the gain and N0 as they are
  estimated,  // least squares on pilots, which are channel uses: error variance N0/pilots
  delayed,    // the gain of some bursts ago
  quantised,  // a few bits
  none,       // nothing but what was agreed beforehand
};

struct Csi {
  CsiKind kind = CsiKind::perfect;
  int pilots = 4;  // estimated: channel uses for each gain, at least 1
  int delay = 1;   // delayed: bursts (slots), 0 or more
  int bits = 3;    // quantised: of an SNR over quantised_from_db..quantised_to_db, of each real
                   // dimension of a gain over +-quantised_gain
};

inline constexpr double quantised_from_db = -10, quantised_to_db = 30;  // believed SNR
inline constexpr double quantised_gain = 3;  // the receiver's gain, each real dimension

/// What the transmitter believes about the link of one image.
struct ChannelState {
  double snr_db = 0;               // of the channel as believed, gain included where it is known
  int age = 0;                     // bursts since it was learned
  CsiKind how = CsiKind::perfect;  // how it was learned
};

/// The middle of the cell of `value` among 2^bits cells of equal width over [from, to]; what lies
/// outside falls into the outer cells.
double quantise(double value, double from, double to, int bits);

}  // namespace semwave
