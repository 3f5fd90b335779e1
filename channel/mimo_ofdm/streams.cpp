#include "channel/mimo_ofdm/streams.h"

#include <array>
#include <cassert>
#include <cmath>

#include "channel/csi/known_gains.h"

namespace semwave {

using Complex = std::complex<double>;

Streams::Streams(const Antennas& antennas) : antennas_(antennas) {
  assert(antennas.transmit > 1 && antennas.receive >= antennas.transmit);
}

double Streams::power(std::span<const Complex> branches, double noise) const {
  if (noise <= 0) return 1;
  MeanCarried carried(noise);
  const Detection detection = detect(antennas_, branches, noise);
  for (int i = 0; i < antennas_.transmit; ++i)
    carried.add(detection.gain[static_cast<std::size_t>(i)] *
                detection.gain[static_cast<std::size_t>(i)]);
  return carried.power();
}

double Streams::mean_power() const {
  return static_cast<double>(antennas_.receive - antennas_.transmit + 1) / antennas_.transmit;
}

void Streams::carry(const Crossing& crossing, std::span<const Complex> x,
                    std::span<Carried> out) const {
  const auto& [fading, image, draws, receiver, disturbance] = crossing;
  const auto n = static_cast<std::size_t>(antennas_.transmit),
             m = static_cast<std::size_t>(antennas_.receive);
  const auto uses = static_cast<std::int64_t>((x.size() + n - 1) / n);
  KnownGains gains(fading, image, receiver, draws, fading.intervals(uses));
  const double variance = fading.known_noise(image) + gains.error_variance(),
               amplitude = 1 / std::sqrt(static_cast<double>(n));
  std::array<Complex, most_antennas * most_antennas> h, known, through;  // through: W H / sqrt(n)
  std::array<Complex, most_antennas> sent, noise;
  Detection detection;
  std::int64_t before = -1;
  for (std::size_t first = 0; first < x.size(); first += n) {
    const auto use = static_cast<std::int64_t>(first / n);
    if (const std::int64_t index = fading.coherence_index(use); index != before) {
      before = index;
      for (std::size_t b = 0; b < n * m; ++b) {
        const KnownGains::Gain gain = gains.at(index, static_cast<int>(b));
        h[b] = gain.is;
        known[b] = gain.known;
      }
      detection = detect(antennas_, std::span(known).first(n * m), variance);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t t = 0; t < n; ++t) {
          through[i * n + t] = 0;
          for (std::size_t r = 0; r < m; ++r)
            through[i * n + t] += detection.weights[i * m + r] * h[r * n + t] * amplitude;
        }
    }
    for (std::size_t t = 0; t < n; ++t) sent[t] = first + t < x.size() ? x[first + t] : Complex();
    for (std::size_t r = 0; r < m; ++r)
      noise[r] = disturbance.sample(use * antennas_.receive + static_cast<std::int64_t>(r));
    for (std::size_t i = 0; i < n && first + i < x.size(); ++i) {
      Carried& heard = out[first + i];
      heard = {.gain = through[i * n + i],
               .known = detection.gain[i],
               .residue = 0,
               .variance = variance};
      for (std::size_t r = 0; r < m; ++r) heard.residue += detection.weights[i * m + r] * noise[r];
      for (std::size_t t = 0; t < n; ++t)
        if (t != i) heard.residue += through[i * n + t] * sent[t];
    }
  }
}

}  // namespace semwave
