// A symbol on each tone of OFDM: channel/mimo_ofdm/ofdm.h has the signal model.
#pragma once

#include <memory>

#include "channel/mimo_ofdm/ofdm.h"
#include "channel/mimo_ofdm/passage.h"
#include "core/base/pooled_vector.h"

namespace semwave {

class Tones final : public Passage {
 public:
  explicit Tones(std::shared_ptr<const Ofdm> ofdm) : ofdm_(std::move(ofdm)) {}
  const Ofdm& ofdm() const { return *ofdm_; }

  int branches() const override { return static_cast<int>(ofdm_->taps().size()); }
  std::int64_t frame_uses() const override {
    return std::int64_t{ofdm_->settings().subcarriers} + ofdm_->settings().prefix;
  }
  Ledger uses(std::int64_t header, std::int64_t payload, const FadingLaw& fading,
              int receiver_pilots) const override;
  double power(std::span<const std::complex<double>> branches, double noise) const override;
  /// What the prefix keeps.
  double mean_power() const override { return ofdm_->correlation(0).real(); }
  /// The residue holds what reaches beyond the prefix; nobody tells the receiver of it.
  void carry(const Crossing& crossing, std::span<const std::complex<double>> x,
             std::span<Carried> out) const override;

 private:
  /// [symbols x frame_uses()] samples on air.
  PooledVector<std::complex<double>> modulated(std::span<const std::complex<double>> x,
                                               std::size_t symbols, bool pilots) const;

  std::shared_ptr<const Ofdm> ofdm_;
};

}  // namespace semwave
