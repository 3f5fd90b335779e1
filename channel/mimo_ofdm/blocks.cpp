#include "channel/mimo_ofdm/blocks.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "channel/csi/known_gains.h"
#include "channel/mimo_ofdm/ofdm.h"

namespace semwave {

using Complex = std::complex<double>;

void carry_streams(const Antennas& antennas, const Csi& receiver, const Fading& fading, int image,
                   const Draws& draws, const Disturbance& disturbance, std::span<const Complex> x,
                   std::span<Carried> out) {
  const auto n = static_cast<std::size_t>(antennas.transmit),
             m = static_cast<std::size_t>(antennas.receive);
  const KnownGains gains(fading, image, receiver, draws);
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
      detection = detect(antennas, std::span(known).first(n * m), variance);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t t = 0; t < n; ++t) {
          through[i * n + t] = 0;
          for (std::size_t r = 0; r < m; ++r)
            through[i * n + t] += detection.weights[i * m + r] * h[r * n + t] * amplitude;
        }
    }
    for (std::size_t t = 0; t < n; ++t) sent[t] = first + t < x.size() ? x[first + t] : Complex();
    for (std::size_t r = 0; r < m; ++r)
      noise[r] = disturbance.sample(use * antennas.receive + static_cast<std::int64_t>(r));
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

void carry_tones(const Ofdm& ofdm, const Csi& receiver, const Fading& fading, int image,
                 const Draws& draws, const Disturbance& disturbance, std::span<const Complex> x,
                 std::span<Carried> out) {
  const OfdmSettings& settings = ofdm.settings();
  const auto n = static_cast<std::size_t>(settings.subcarriers),
             prefix = static_cast<std::size_t>(settings.prefix), length = n + prefix;
  const bool estimates = fading.receiver_pilots_[static_cast<std::size_t>(image)] > 0,
             comb = settings.layout == PilotLayout::tones;
  const auto symbols =
      static_cast<std::size_t>(ofdm.symbols(static_cast<std::int64_t>(x.size()), estimates));

  // On air.
  PooledVector<Complex> samples(symbols * length), tones(n);
  std::size_t next = 0;
  for (std::size_t q = 0; q < symbols; ++q) {
    for (std::size_t k = 0; k < n; ++k)
      tones[k] = ofdm.is_pilot(static_cast<std::int64_t>(q), static_cast<int>(k), estimates)
                     ? ofdm.pilot(static_cast<int>(k))
                 : next < x.size() ? x[next++]
                                   : Complex();
    ofdm.to_time(tones);
    std::copy(tones.end() - static_cast<std::ptrdiff_t>(prefix), tones.end(),
              samples.begin() + static_cast<std::ptrdiff_t>(q * length));
    std::copy(tones.begin(), tones.end(),
              samples.begin() + static_cast<std::ptrdiff_t>(q * length + prefix));
  }
  assert(next == x.size());

  // Through the taps, symbol by symbol, and back to tones.
  const double noise = fading.known_noise(image);
  const KnownGains knowledge(fading, image, receiver, draws);
  PooledVector<Complex> tap_gains(ofdm.taps().size()), gains(n), known(n);
  std::int64_t before = -1;
  std::size_t heard = 0, since_pilot = 0;
  for (std::size_t q = 0; q < symbols; ++q) {
    if (const std::int64_t index = fading.coherence_index(static_cast<std::int64_t>(q));
        index != before) {
      before = index;
      for (std::size_t l = 0; l < tap_gains.size(); ++l)
        tap_gains[l] = std::sqrt(ofdm.taps()[l].power) * knowledge.is(index, static_cast<int>(l));
      ofdm.tone_gains(tap_gains, gains);
    }
    for (std::size_t t = 0; t < n; ++t) {
      const std::size_t at = q * length + prefix + t;
      Complex sum = disturbance.sample(static_cast<std::int64_t>(q * n + t));
      for (std::size_t l = 0; l < tap_gains.size(); ++l)
        if (const auto delay = static_cast<std::size_t>(ofdm.taps()[l].delay); delay <= at)
          sum += tap_gains[l] * samples[at - delay];
      tones[t] = sum;
    }
    ofdm.to_tones(tones);
    if (estimates && (comb || ofdm.is_pilot(static_cast<std::int64_t>(q), 0, true))) {
      for (std::size_t k = 0; k < n; ++k)
        if (ofdm.is_pilot(static_cast<std::int64_t>(q), static_cast<int>(k), true))
          known[k] = tones[k] / ofdm.pilot(static_cast<int>(k));
      if (comb) ofdm.interpolate(known);
      since_pilot = 0;
    }
    for (std::size_t k = 0; k < n && heard < x.size(); ++k) {
      if (ofdm.is_pilot(static_cast<std::int64_t>(q), static_cast<int>(k), estimates)) continue;
      Carried& carried = out[heard];
      carried.gain = gains[k];
      carried.residue = tones[k] - gains[k] * x[heard];
      if (estimates) {
        // Held since the last pilot symbol, over which time the taps have moved on.
        const double moved =
            comb ? 0
                 : 2 * ofdm.correlation(0).real() *
                       (1 - fading.law.correlation(
                                fading.law.doppler ? static_cast<double>(since_pilot) : 0));
        carried.known = known[k];
        carried.variance =
            noise + (comb ? ofdm.interpolation_error(static_cast<int>(k), noise) : noise + moved);
      } else {
        carried.known = receiver.kind == CsiKind::none        ? Complex(1)
                        : receiver.kind == CsiKind::quantised ? quantised(gains[k], receiver.bits)
                                                              : gains[k];
        carried.variance = noise + knowledge.error_variance();
      }
      ++heard;
    }
    ++since_pilot;
  }
}

}  // namespace semwave
