// Hears a label and answers with it. No network, no image.
#pragma once

#include "core/tensor/parameter.h"
#include "receiver/receiver.h"

namespace semwave {

class LabelReceiver final : public Receiver {
 public:
  /// `mean_image` [H, W, C] must outlive it.
  LabelReceiver(Backend& backend, const Parameter& mean_image, int classes)
      : backend_(backend), mean_image_(mean_image), classes_(classes) {}

  Result receive(Pass& pass, const Reception& heard) const override;
  std::vector<float> mean_image() const override;
  double operations(const HeaderOnAir*) const override { return 0; }
  bool reads(std::span<const std::complex<float>> symbols,
             std::span<const std::complex<float>> gains, double noise_variance) const override;
  double dense_operations(int, int) const override { return 0; }

 private:
  std::optional<int> label(std::span<const std::complex<float>> symbols,
                           std::span<const std::complex<float>> gains, double noise_variance) const;

  Backend& backend_;
  const Parameter& mean_image_;
  int classes_;
};

}  // namespace semwave
