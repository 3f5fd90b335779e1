// Fresh simulation of a header on air, to hold the table of predicted losses against.
#pragma once

#include <cmath>

#include "core/random/random.h"
#include "phy/header/header_codec.h"

namespace semwave {

struct LossCount {
  int lost = 0, trials = 0;
  double rate() const { return static_cast<double>(lost) / trials; }
};

/// Random headers whose parts have these lengths, in white noise; draws apart from those that made
/// the table.
inline LossCount simulate_headers(const std::vector<int>& part_bits, int format, double snr_db,
                                  int trials, std::uint64_t seed = 77) {
  const double noise_variance = std::pow(10.0, -snr_db / 10);
  LossCount count{.trials = trials};
  for (int t = 0; t < trials; ++t) {
    const auto trial = static_cast<std::uint32_t>(t);
    HeaderOnAir header{.format = format};
    for (std::size_t p = 0; p < part_bits.size(); ++p) {
      header.parts.emplace_back(static_cast<std::size_t>(part_bits[p]));
      for (std::uint32_t i = 0; i < header.parts[p].size(); ++i)
        header.parts[p][i] =
            philox(seed, Purpose::data_bits, static_cast<std::uint32_t>(p), trial, i / 32)[0] >>
                (i % 32) &
            1u;
    }
    Symbols symbols = encode_header(header);
    for (std::uint32_t u = 0; u < symbols.size(); ++u)
      symbols[u] +=
          std::complex<float>(std::sqrt(noise_variance) *
                              complex_normal(philox(seed, Purpose::header_noise, 0, trial, u)));
    const Symbols gains(symbols.size(), {1, 0});
    const auto second_bits = [&](const Bits&) { return part_bits.size() > 1 ? part_bits[1] : 0; };
    const auto read = decode_header(symbols, gains, noise_variance, part_bits[0], second_bits);
    count.lost += !read || *read != header.parts;
  }
  return count;
}

}  // namespace semwave
