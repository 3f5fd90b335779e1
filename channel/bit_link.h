// Bits instead of images: uncoded QAM through the same channel that carries the images. Checks the simulator against closed
// forms, and is the ground of `semwave link`.
#pragma once

#include <cstdint>

#include "channel/channel.h"
#include "channel/modulation.h"

namespace semwave {

class Backend;

struct BitLinkSettings {
  Modulation modulation = Modulation::qpsk;
  ChannelSettings channel;           // snr is Es/N0; the receiver knows the gains
  std::uint64_t seed = 0;
  std::uint32_t visit = 0;           // repeat
  int frame_symbols = 512;           // a frame is what an image is elsewhere: its number keys the draws
};

struct BitErrors {
  std::int64_t bits = 0, bit_errors = 0;
  std::int64_t symbols = 0, symbol_errors = 0;
  std::int64_t frames = 0, frame_errors = 0;

  BitErrors& operator+=(const BitErrors& other);
};

/// Frames [first, first + count), hard decisions. Results of disjoint ranges add up to those of the whole, whatever the cut.
BitErrors run_bit_link(Backend& backend, const BitLinkSettings& settings, std::uint32_t first, std::uint32_t count);

/// Es/N0 in dB of uncoded or coded bits at this Eb/N0.
double es_n0_db(double eb_n0_db, Modulation modulation, double code_rate = 1);

}  // namespace semwave
