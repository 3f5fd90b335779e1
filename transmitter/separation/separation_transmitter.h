// Separate source and channel coding: the image codec at the best quality whose stream fits the
// budget, carried by the modulation and coding that the believed SNR allows. Nothing in it is
// learned, and nothing looks at what became of earlier images.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "channel/gain_outlook.h"
#include "channel/separation_settings.h"
#include "core/data/codec/image_codec.h"
#include "phy/transport/transport.h"
#include "transmitter/separation/encoded_images.h"
#include "transmitter/separation/stream_fit.h"
#include "transmitter/transmitter.h"

namespace semwave {

class SeparationTransmitter final : public Transmitter {
 public:
  /// `place` is that of the transmitter in the scenario.
  SeparationTransmitter(const SeparationSettings& settings, const Place& place);

  /// Whether the budget holds anything at all; the constructor does so too. Throws Error at `place`
  /// / "budget".
  static void check(const SeparationSettings& settings, const Place& place);

  /// Plans mean nothing to it. An image whose worst quality does not fit is not sent: no header, no
  /// symbol, no use. Not for training.
  Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                 const PooledVector<Plan>& plans, TransmitTrace* trace) const override;
  /// What a stream takes depends on the image.
  std::optional<Forecast> forecast(const ChannelState&, const Plan&, std::uint32_t) const override {
    return std::nullopt;
  }
  /// A codec's work is not multiply-adds: it counts as none, its seconds stand in the row.
  double dense_operations(int, int) const override { return 0; }

 private:
  struct Sent {
    Stream stream;  // null: nothing fits
    StreamFit fit;
    int quality = 0;
    int header_format = 0;
  };
  /// The best quality that fits, by bisection over it.
  Sent choose(const Picture& picture, const ChannelState& state) const;

  SeparationSettings settings_;
  std::string kind_;
  std::shared_ptr<const ImageCodec> codec_;
  GainOutlook outlook_;
  mutable TransportCache transports_;
  mutable std::mutex mutex_;  // of the fitters
  mutable std::map<std::pair<double, CsiKind>, std::unique_ptr<StreamFitter>>
      fitters_;  // by what is believed; forgotten now and then
};

}  // namespace semwave
