// As many symbols a use as transmit antennas: channel/mimo_ofdm/antennas.h has the signal model.
#pragma once

#include "channel/mimo_ofdm/antennas.h"
#include "channel/mimo_ofdm/passage.h"

namespace semwave {

class Streams final : public Passage {
 public:
  /// Two or more transmit antennas. (One alone sends a symbol a use, whose branches are combined in
  /// maximum ratio: CombinedGains.)
  explicit Streams(const Antennas& antennas);

  int branches() const override { return antennas_.transmit * antennas_.receive; }
  int streams() const override { return antennas_.transmit; }
  double power(std::span<const std::complex<double>> branches, double noise) const override;
  /// Of n streams on m antennas behind zero forcing, (m - n + 1)/n.
  double mean_power() const override;
  void carry(const Crossing& crossing, std::span<const std::complex<double>> x,
             std::span<Carried> out) const override;

 private:
  Antennas antennas_;
};

}  // namespace semwave
