#include "receiver/deepjscc/deepjscc_receiver.h"

#include <algorithm>
#include <cmath>

#include "phy/signal/signal.h"

namespace semwave {

DeepJsccReceiver::DeepJsccReceiver(ParameterSet& set, const Architecture& architecture,
                                   const DeepJsccReceiverSettings& settings)
    : backend_(set.backend()),
      architecture_(architecture),
      shape_(architecture.deepjscc.value()),
      settings_(settings) {
  // The convolutions of the transmitter, the other way round.
  for (int i = shape_.convolutions() - 1; i >= 0; --i) {
    const std::string name = "receiver.decoder." + std::to_string(shape_.convolutions() - 1 - i);
    const int out = shape_.in(i, architecture.channels);
    convolutions_.emplace_back(set, name + ".conv", shape_.out(i, architecture.channels), out,
                               shape_.window(i), true);
    if (i == 0) continue;
    prelus_.emplace_back(set, name + ".prelu", out);
    if (shape_.snr_attention) attention_.emplace_back(set, name + ".attention", out);
  }
  mean_image_ = &set.add("receiver.mean_image", {architecture.channels}, Init::zeros);
}

DeepJsccReceiver::Size DeepJsccReceiver::size_of(const Reception& heard, std::size_t image) const {
  if (heard.told.empty() || heard.told[image].empty())
    return {architecture_.height, architecture_.width};
  const Bits& told = heard.told[image];
  if (told.size() != 32) return {0, 0};
  int sides[2] = {0, 0};
  for (std::size_t b = 0; b < 32; ++b) sides[b / 16] = sides[b / 16] << 1 | (told[b] & 1);
  return {sides[0] + 1, sides[1] + 1};
}

float DeepJsccReceiver::snr_db(std::span<const float> variance) const {
  double mean = 0;
  for (const float one : variance) mean += one / static_cast<double>(variance.size());
  if (settings_.trained) mean = settings_.trained->variance(mean);
  return static_cast<float>(-10 * std::log10(std::max(mean, 1e-10)));
}

Var DeepJsccReceiver::decode(Pass& pass, const Var& latent, std::span<const float> snr_db) const {
  Var x = latent;
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    x = convolutions_[i](pass, x);
    if (i < prelus_.size()) x = prelus_[i](pass, x);
    if (i < attention_.size()) x = attention_[i](pass, x, snr_db);
  }
  return sigmoid(pass, x);
}

Result DeepJsccReceiver::receive(Pass& pass, const Reception& heard) const {
  const std::size_t count = heard.starts.size() - 1;
  Result result;
  result.logits = Var(pass.backend.zeros({static_cast<std::int64_t>(count), 1}));
  result.lost.assign(count, 1);
  result.expert_rows.assign(1, 0);
  if (count == 0) return result;

  const Equalised equalised =
      equalise(pass, heard.symbols, heard.gains, heard.noise_variance, settings_.equaliser);
  PooledVector<float> variance(static_cast<std::size_t>(heard.starts.back()));
  pass.backend.to_host(equalised.variance, variance.data());
  const auto [height, width] = size_of(heard, 0);
  const std::int64_t symbols = shape_.symbols(height, width, architecture_.channels);
  PooledVector<std::int32_t> kept;  // symbols of the images that have all of theirs
  PooledVector<float> snr;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t begin = heard.starts[i], end = heard.starts[i + 1];
    if (end - begin != symbols || symbols == 0 || size_of(heard, i) != Size{height, width})
      continue;
    result.lost[i] = 0;
    result.rebuilt.push_back(static_cast<std::int32_t>(i));
    snr.push_back(snr_db(std::span(variance).subspan(static_cast<std::size_t>(begin),
                                                     static_cast<std::size_t>(symbols))));
    for (std::int32_t s = begin; s < end; ++s) kept.push_back(s);
  }
  if (result.rebuilt.empty()) return result;

  const Var whole = result.rebuilt.size() == count
                        ? equalised.symbols
                        : gather_rows(pass, equalised.symbols, std::move(kept));
  const Var latent =
      reshape(pass, whole,
              {static_cast<std::int64_t>(result.rebuilt.size()), shape_.places(height),
               shape_.places(width), shape_.latent(architecture_.channels)});
  result.pictures = crop(pass, decode(pass, latent, snr), height, width);
  return result;
}

std::vector<float> DeepJsccReceiver::mean_image() const {
  std::vector<float> out(static_cast<std::size_t>(mean_image_->value.size()));
  backend_.to_host(mean_image_->value, out.data());
  return out;
}

double DeepJsccReceiver::operations(const HeaderOnAir*) const {
  return shape_.operations(architecture_.height, architecture_.width, architecture_.channels);
}

}  // namespace semwave
