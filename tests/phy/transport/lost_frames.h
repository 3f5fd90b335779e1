// Frames of a Transport through AWGN, for the tests that hold predicted losses against what
// happens.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "core/cpu/complex_normals.h"
#include "core/random/random.h"
#include "phy/transport/transport.h"
#include "tests/phy/code/coded_frames.h"

namespace semwave {

struct LostFrames {
  int frames = 0;
  int lost = 0;            // any code block's CRC fails, or any information bit is wrong
  int wrong_but_held = 0;  // code blocks with a wrong bit whose CRC holds

  double share() const { return static_cast<double>(lost) / frames; }
};

/// Random messages, noise keyed by the frame; stops early once `enough` frames were lost.
inline LostFrames lose(const Transport& transport, double snr_db, int frames,
                       int enough = 1 << 30) {
  constexpr int together = 32;  // LDPC decodes many at once
  const std::size_t bits = transport.bits(), uses = transport.uses(), blocks = transport.blocks();
  const double deviation = std::pow(10.0, -snr_db / 20);
  LostFrames counted;
  while (counted.frames < frames && counted.lost < enough) {
    const auto count = static_cast<std::size_t>(std::min(together, frames - counted.frames));
    Bits sent, heard(count * bits), held(count * blocks);
    Symbols y(count * uses);
    for (std::size_t f = 0; f < count; ++f) {
      const auto frame = static_cast<std::uint32_t>(counted.frames) + static_cast<std::uint32_t>(f);
      const Bits message = random_message(bits, frame);
      sent.insert(sent.end(), message.begin(), message.end());
      add_complex_normals(std::span(y).subspan(f * uses, uses), transport.encode(message), 0u, 31,
                          Purpose::noise, frame, 0, static_cast<float>(deviation));
    }
    transport.decode(y, Symbols(y.size(), {1, 0}),
                     PooledVector<float>(y.size(), static_cast<float>(deviation * deviation)),
                     heard, held);
    for (std::size_t f = 0; f < count; ++f) {
      bool lost = false;
      for (std::size_t b = 0; b < blocks; ++b) {
        const auto first = static_cast<std::ptrdiff_t>(f * bits) +
                           transport.layout().block_start(static_cast<int>(b));
        const auto last = first + transport.layout().block_bits(static_cast<int>(b));
        const bool right =
            std::equal(sent.begin() + first, sent.begin() + last, heard.begin() + first);
        counted.wrong_but_held += !right && held[f * blocks + b];
        lost = lost || !right || !held[f * blocks + b];
      }
      counted.lost += lost;
      ++counted.frames;
    }
  }
  return counted;
}

/// Where predicted_loss falls to `loss`.
inline double snr_db_for(std::int64_t bits, const ModulationCoding& coding, double loss) {
  double low = -30, high = 60;
  while (high - low > 1e-3) {
    const double middle = (low + high) / 2;
    (predicted_loss(bits, coding, middle) > loss ? low : high) = middle;
  }
  return high;
}

}  // namespace semwave
