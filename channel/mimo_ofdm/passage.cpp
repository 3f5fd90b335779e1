#include "channel/mimo_ofdm/passage.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace semwave {

Ledger Passage::uses(std::int64_t header, std::int64_t payload, const FadingLaw& fading,
                     int receiver_pilots) const {
  return uses_of_symbols(header, payload, streams(), fading, receiver_pilots);
}

Ledger uses_of_symbols(std::int64_t header, std::int64_t payload, int streams,
                       const FadingLaw& fading, int receiver_pilots) {
  const std::int64_t all = (header + payload + streams - 1) / streams;
  Ledger uses;
  uses.header = payload > 0 ? std::min(all, (header + streams - 1) / streams) : all;
  uses.payload = all - uses.header;

  std::int64_t gains = all > 0 ? 1 : 0;
  if (fading.gains && fading.coherence == Coherence::block) {
    const std::int64_t usable =
        std::max<std::int64_t>(1, fading.block - std::int64_t{streams} * receiver_pilots);
    gains = (all + usable - 1) / usable;
  }
  uses.pilots = gains * streams * receiver_pilots;
  return uses;
}

void MeanCarried::add(double power) {
  carried_ += std::log2(1 + power / noise_);
  ++parts_;
}

double MeanCarried::power() const {
  return std::expm1(carried_ / parts_ * std::numbers::ln2) * noise_;
}

}  // namespace semwave
