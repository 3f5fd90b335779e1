// Bursts of known symbols through a channel, for the tests of each kind of channel.
#pragma once

#include <complex>
#include <vector>

#include "channel/channel.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/header/semantic_header.h"

namespace semwave::air {

using Complex = std::complex<double>;

/// The s-th symbol of image `id`: QPSK of power 1, drawn.
inline Complex sent(std::uint32_t id, int s) {
  const RandomWords words = philox(77, Purpose::data_bits, id, 0, static_cast<std::uint32_t>(s));
  return Complex(words[0] & 1 ? 1 : -1, words[0] & 2 ? 1 : -1) / std::sqrt(2.0);
}

/// So many symbols per image; a header of a few dozen symbols where `headers`.
inline Burst burst(Backend& backend, const PooledVector<std::uint32_t>& ids, int symbols,
                   bool headers = false) {
  Burst made{.starts = {0}};
  PooledVector<float> values;
  for (const std::uint32_t id : ids) {
    made.headers.emplace_back();
    if (headers)
      made.headers.back() = semantic_header_on_air(
          {.exit_depth = static_cast<int>(id % 4), .positions_sent = false, .k = 1}, 49, 5);
    made.ledger.emplace_back();
    for (int s = 0; s < symbols; ++s) {
      made.places.push_back(s);
      values.push_back(static_cast<float>(sent(id, s).real()));
      values.push_back(static_cast<float>(sent(id, s).imag()));
    }
    made.starts.push_back(static_cast<std::int32_t>(made.places.size()));
  }
  made.symbols =
      Var(backend.from_host({static_cast<std::int64_t>(made.places.size()), 2}, values.data()));
  return made;
}

inline PooledVector<std::uint32_t> ids(std::uint32_t count, std::uint32_t first = 0) {
  PooledVector<std::uint32_t> made;
  for (std::uint32_t i = 0; i < count; ++i) made.push_back(first + i);
  return made;
}

/// What one end or the other has of a burst, on the host.
struct Heard {
  Reception reception;
  std::vector<Complex> y, known;
  std::vector<double> variance;
};

inline Heard hear(const ChannelSettings& settings, const PooledVector<std::uint32_t>& images,
                  int symbols, bool headers = false, std::uint32_t visit = 0,
                  bool training = false) {
  const auto backend = make_cpu_backend();
  Pass pass{.backend = *backend,
            .draws = {.seed = 9, .visit = visit, .images = images},
            .training = training};
  const Channel channel(settings);
  Heard heard;
  heard.reception =
      channel.apply(pass, burst(*backend, images, symbols, headers), channel.realise(pass.draws));
  const Reception& from = heard.reception;
  for (std::int64_t s = 0; s < from.noise_variance.size(); ++s) {
    const float *y = from.symbols.value().data() + 2 * s, *h = from.gains.data() + 2 * s;
    heard.y.emplace_back(y[0], y[1]);
    heard.known.emplace_back(h[0], h[1]);
    heard.variance.push_back(from.noise_variance.data()[s]);
  }
  return heard;
}

/// Mean over values, and four standard errors of it.
struct Mean {
  double value = 0, four = 0;
};
inline Mean mean_of(const std::vector<double>& values) {
  double mean = 0, square = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values)
    square += (value - mean) * (value - mean) / static_cast<double>(values.size() - 1);
  return {mean, 4 * std::sqrt(square / static_cast<double>(values.size()))};
}

}  // namespace semwave::air
