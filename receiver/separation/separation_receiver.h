// The hearing end of the separation pair: header, channel decoder, image decoder, and a classifier.
// An image is lost where its header is, where any of its code blocks is, or where nothing was sent.
#pragma once

#include <memory>
#include <optional>

#include "channel/separation_settings.h"
#include "core/data/codec/image_codec.h"
#include "core/nn/classifier.h"
#include "phy/header/separation_header.h"
#include "phy/transport/transport.h"
#include "receiver/receiver.h"

namespace semwave {

class SeparationReceiver final : public Receiver {
 public:
  /// Without a classifier (null) images are rebuilt and none is told. Classifier and `mean_image`
  /// [H, W, C] must outlive it.
  SeparationReceiver(const SeparationSettings& settings, const Classifier* classifier, int classes,
                     Backend& backend, const Parameter& mean_image, const Place& place);

  Result receive(Pass& pass, const Reception& heard) const override;
  std::vector<float> mean_image() const override;
  double operations(const HeaderOnAir* header) const override {
    return header && classifier_ ? classifier_->operations() : 0;
  }
  bool reads(std::span<const std::complex<float>> symbols,
             std::span<const std::complex<float>> gains, double noise_variance) const override;
  double dense_operations(int, int) const override {
    return classifier_ ? classifier_->operations() : 0;
  }

 private:
  struct Frame;
  /// What a word of the header says; nullopt where it can be none.
  std::optional<SeparationHeader> header_of(const Bits& word) const;
  /// The stream of one image, or why there is none.
  std::optional<std::vector<std::uint8_t>> decode(const Frame& frame, bool& header_read) const;
  /// Whether a bound carries so many bits over these uses: their capacity suffices, or by a draw
  /// the normal approximation says so.
  bool carries(const Frame& frame, const Draws& draws, std::size_t image, std::size_t bits) const;

  SeparationSettings settings_;
  const Classifier* classifier_;
  int classes_;
  Backend& backend_;
  const Parameter& mean_image_;
  std::shared_ptr<const ImageCodec> codec_;
  mutable TransportCache transports_;
};

}  // namespace semwave
