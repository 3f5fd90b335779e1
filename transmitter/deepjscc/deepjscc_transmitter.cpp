#include "transmitter/deepjscc/deepjscc_transmitter.h"

#include "phy/signal/signal.h"

namespace semwave {

DeepJsccTransmitter::DeepJsccTransmitter(ParameterSet& set, const Architecture& architecture,
                                         const DeepJsccTransmitterSettings& settings)
    : architecture_(architecture), shape_(architecture.deepjscc.value()), settings_(settings) {
  for (int i = 0; i < shape_.convolutions(); ++i) {
    const std::string name = "transmitter.encoder." + std::to_string(i);
    const int out = shape_.out(i, architecture.channels);
    convolutions_.emplace_back(set, name + ".conv", shape_.in(i, architecture.channels), out,
                               shape_.window(i), false);
    prelus_.emplace_back(set, name + ".prelu", out);
    if (shape_.snr_attention && i + 1 < shape_.convolutions())
      attention_.emplace_back(set, name + ".attention", out);
  }
}

Var DeepJsccTransmitter::encode(Pass& pass, const Tensor& images,
                                const PooledVector<ChannelState>& states) const {
  PooledVector<float> snr_db;
  for (const ChannelState& state : states)
    snr_db.push_back(static_cast<float>(settings_.trained ? settings_.trained->snr_db(state.snr_db)
                                                          : state.snr_db));
  Var x = pad_by_edge(pass, Var(images), shape_.stride());
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    x = prelus_[i](pass, convolutions_[i](pass, x));
    if (i < attention_.size()) x = attention_[i](pass, x, snr_db);
  }
  return x;
}

Bits DeepJsccTransmitter::size_told(int height, int width) const {
  Bits bits;
  for (const int side : {height, width})
    for (int b = 15; b >= 0; --b) bits.push_back(static_cast<std::uint8_t>((side - 1) >> b & 1));
  return bits;
}

Burst DeepJsccTransmitter::transmit(Pass& pass, const Tensor& images,
                                    const PooledVector<ChannelState>& states,
                                    const PooledVector<Plan>&, TransmitTrace* trace) const {
  const std::size_t count = states.size();
  const int height = static_cast<int>(images.shape()[1]),
            width = static_cast<int>(images.shape()[2]);
  const auto symbols =
      static_cast<std::int32_t>(shape_.symbols(height, width, architecture_.channels));
  Burst burst{.headers = PooledVector<HeaderOnAir>(count),
              .ledger = PooledVector<Ledger>(count, {.payload = symbols})};
  burst.starts.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::int32_t s = 0; s < symbols; ++s) burst.places.push_back(s);
    burst.starts.push_back(static_cast<std::int32_t>(burst.places.size()));
    if (height != architecture_.height || width != architecture_.width)
      burst.told.push_back(size_told(height, width));
  }
  const PooledVector<int> a_place(count, shape_.latent(architecture_.channels) / 2);
  const Var latent = encode(pass, images, states);
  burst.symbols =
      unit_power(pass, reshape(pass, latent, {static_cast<std::int64_t>(burst.places.size()), 2}),
                 power_segments(settings_.power, burst.starts, a_place));
  if (trace) {
    trace->layout = Ragged::full(static_cast<int>(count), 0);
    trace->exit_depth.assign(count, 0);
    trace->answer.assign(count, -1);
  }
  return burst;
}

std::optional<Forecast> DeepJsccTransmitter::forecast(const ChannelState&, const Plan&,
                                                      std::uint32_t) const {
  const auto& [height, width, channels] =
      std::array{architecture_.height, architecture_.width, architecture_.channels};
  return Forecast{.operations = shape_.operations(height, width, channels),
                  .uses = {.payload = shape_.symbols(height, width, channels)}};
}

double DeepJsccTransmitter::dense_operations(int height, int width) const {
  return shape_.operations(height, width, architecture_.channels);
}

}  // namespace semwave
