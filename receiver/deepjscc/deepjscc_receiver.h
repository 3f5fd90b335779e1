// The hearing end of DeepJSCC: equalised symbols go through transposed convolutions, and a picture
// comes out.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "channel/trained_range.h"
#include "core/nn/picture_layers.h"
#include "phy/signal/equaliser.h"
#include "receiver/receiver.h"

namespace semwave {

struct DeepJsccReceiverSettings {
  Equaliser equaliser = Equaliser::mmse;
  std::optional<TrainedRange> trained{};
};

class DeepJsccReceiver final : public Receiver {
 public:
  /// Adds its parameters to `set`, which must outlive it; beside those of the network
  /// receiver.mean_image [channels], the mean colour of the training images.
  DeepJsccReceiver(ParameterSet& set, const Architecture& architecture,
                   const DeepJsccReceiverSettings& settings);

  /// Pictures come out in Result::pictures. Their size is that of the architecture, or what the
  /// burst told. All images of a shard have the size of the first; one of another size, or with
  /// other than its number of symbols, is lost.
  Result receive(Pass& pass, const Reception& heard) const override;
  /// One colour, [channels].
  std::vector<float> mean_image() const override;
  /// Of an image of the architecture's size.
  double operations(const HeaderOnAir* header) const override;
  /// There is no header.
  bool reads(std::span<const std::complex<float>>, std::span<const std::complex<float>>,
             double) const override {
    return true;
  }
  double dense_operations(int height, int width) const override {
    return shape_.operations(height, width, architecture_.channels);
  }

 private:
  using Size = std::pair<int, int>;  // height, width
  Size size_of(const Reception& heard, std::size_t image) const;
  /// Error variance of an image as dB below the power of its symbols.
  float snr_db(std::span<const float> variance) const;
  Var decode(Pass& pass, const Var& latent, std::span<const float> snr_db) const;

  Backend& backend_;
  Architecture architecture_;
  DeepJsccShape shape_;
  DeepJsccReceiverSettings settings_;
  std::vector<PictureConvolution> convolutions_;
  std::vector<Prelu> prelus_;                // behind each convolution but the last
  std::vector<ChannelAttention> attention_;  // behind those, or empty
  const Parameter* mean_image_;
};

}  // namespace semwave
