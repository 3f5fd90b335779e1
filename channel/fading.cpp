// Gains and noise levels of one realisation: functions of (seed, link, slot, use), so nothing is stored.
#include <cassert>
#include <cmath>

#include "channel/channel.h"
#include "core/random.h"

namespace semwave {

std::int64_t Fading::coherence_index(std::int64_t use) const {
  switch (coherence) {
    case Coherence::symbol:
      return use;
    case Coherence::block:
      assert(block >= 1);
      return use / block;
    case Coherence::image:
      return 0;
  }
  assert(false);
  return 0;
}

std::complex<double> Fading::gain(int image, std::int64_t use) const {
  assert(image >= 0 && image < images() && use >= 0);
  if (kind == FadingKind::none || noiseless) return {1.0, 0.0};
  const auto place = static_cast<std::uint32_t>(coherence_index(use));
  return complex_normal(philox(seed, Purpose::fading, links_[static_cast<std::size_t>(image)], slot, place));
}

double Fading::noise_variance(int image) const { return noiseless ? 0.0 : std::pow(10.0, -snr_db(image) / 10); }

}  // namespace semwave
