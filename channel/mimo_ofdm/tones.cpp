#include "channel/mimo_ofdm/tones.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "channel/csi/known_gains.h"

namespace semwave {

using Complex = std::complex<double>;

Ledger Tones::uses(std::int64_t header, std::int64_t payload, const FadingLaw&,
                   int receiver_pilots) const {
  return ofdm_->uses(header, payload, receiver_pilots > 0);
}

double Tones::power(std::span<const Complex> branches, double noise) const {
  if (noise <= 0) return 1;
  MeanCarried carried(noise);
  PooledVector<Complex> taps(branches.begin(), branches.end()),
      tones(static_cast<std::size_t>(ofdm_->settings().subcarriers));
  for (std::size_t l = 0; l < taps.size(); ++l) taps[l] *= std::sqrt(ofdm_->taps()[l].power);
  ofdm_->tone_gains(taps, tones);
  for (const Complex h : tones) carried.add(std::norm(h));
  return carried.power();
}

PooledVector<Complex> Tones::modulated(std::span<const Complex> x, std::size_t symbols,
                                       bool pilots) const {
  const auto n = static_cast<std::size_t>(ofdm_->settings().subcarriers),
             prefix = static_cast<std::size_t>(ofdm_->settings().prefix), length = n + prefix;
  PooledVector<Complex> samples(symbols * length), tones(n);
  std::size_t next = 0;
  for (std::size_t q = 0; q < symbols; ++q) {
    for (std::size_t k = 0; k < n; ++k)
      tones[k] = ofdm_->is_pilot(static_cast<std::int64_t>(q), static_cast<int>(k), pilots)
                     ? ofdm_->pilot(static_cast<int>(k))
                 : next < x.size() ? x[next++]
                                   : Complex();
    ofdm_->to_time(tones);
    std::copy(tones.end() - static_cast<std::ptrdiff_t>(prefix), tones.end(),
              samples.begin() + static_cast<std::ptrdiff_t>(q * length));
    std::copy(tones.begin(), tones.end(),
              samples.begin() + static_cast<std::ptrdiff_t>(q * length + prefix));
  }
  assert(next == x.size());
  return samples;
}

void Tones::carry(const Crossing& crossing, std::span<const Complex> x,
                  std::span<Carried> out) const {
  const auto& [fading, image, draws, receiver, disturbance] = crossing;
  const Ofdm& ofdm = *ofdm_;
  const OfdmSettings& settings = ofdm.settings();
  const auto n = static_cast<std::size_t>(settings.subcarriers),
             prefix = static_cast<std::size_t>(settings.prefix), length = n + prefix;
  const bool estimates = fading.receiver_pilots[static_cast<std::size_t>(image)] > 0,
             comb = settings.layout == PilotLayout::tones;
  const auto symbols =
      static_cast<std::size_t>(ofdm.symbols(static_cast<std::int64_t>(x.size()), estimates));
  const PooledVector<Complex> on_air = modulated(x, symbols, estimates);
  const std::span<const Complex> samples(on_air);

  // Through the taps, symbol by symbol, and back to tones.
  const double noise = fading.known_noise(image);
  KnownGains knowledge(fading, image, receiver, draws,
                       fading.intervals(static_cast<std::int64_t>(symbols)));
  PooledVector<Complex> tap_gains(ofdm.taps().size()), gains(n), known(n), tones(n);
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
