// DeepJSCC (Bourtsoulatze, Kurka and Gunduz 2019): convolutions map a picture to channel symbols,
// with no bits, no header and no code between.
#pragma once

#include <optional>
#include <vector>

#include "channel/trained_range.h"
#include "core/nn/picture_layers.h"
#include "phy/signal/power_scope.h"
#include "transmitter/transmitter.h"

namespace semwave {

struct DeepJsccTransmitterSettings {
  PowerScope power = PowerScope::image;  // a place of the latent grid is a token
  std::optional<TrainedRange> trained{};
};

class DeepJsccTransmitter final : public Transmitter {
 public:
  /// Adds its parameters to `set`, which must outlive it. `architecture.deepjscc` is there.
  DeepJsccTransmitter(ParameterSet& set, const Architecture& architecture,
                      const DeepJsccTransmitterSettings& settings);

  /// Images of any size, all of a shard of one. Sides that its strides do not divide are padded by
  /// their edge. Where the size is not that of the architecture, 32 bits tell it beside the symbols
  /// (Burst::told, which costs no channel use): height - 1, then width - 1, 16 bits each, the
  /// highest first. Plans mean nothing to it; the channel's state only with SNR attention.
  Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                 const PooledVector<Plan>& plans, TransmitTrace* trace) const override;
  /// Of an image of the architecture's size.
  std::optional<Forecast> forecast(const ChannelState& state, const Plan& plan,
                                   std::uint32_t image) const override;
  double dense_operations(int height, int width) const override;

 private:
  Var encode(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states) const;
  Bits size_told(int height, int width) const;

  Architecture architecture_;
  DeepJsccShape shape_;
  DeepJsccTransmitterSettings settings_;
  std::vector<PictureConvolution> convolutions_;
  std::vector<Prelu> prelus_;
  std::vector<ChannelAttention> attention_;  // behind each convolution but the last, or empty
};

}  // namespace semwave
