#include "core/nn/deepjscc_shape.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "core/nn/picture_layers.h"
#include "core/ops/operations.h"

namespace semwave {
namespace {

Field whole_numbers(std::string name, Json fallback, int most, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::list,
          .summary = std::move(summary),
          .fallback = std::move(fallback),
          .minimum = 1,
          .maximum = 16,
          .element = std::make_shared<const Field>(Field{.type = FieldType::integer,
                                                         .summary = "of one convolution",
                                                         .minimum = 1,
                                                         .maximum = double(most)})};
}

/// Channels of the last convolution that give a ratio, as a real number.
double wanted_latent(const DeepJsccShape& shape, int image_channels) {
  return 2.0 * shape.stride() * shape.stride() * image_channels * shape.ratio;
}

}  // namespace

int DeepJsccShape::stride() const {
  int product = 1;
  for (const int one : strides) product *= one;
  return product;
}

int DeepJsccShape::latent(int image_channels) const {
  return static_cast<int>(std::lround(wanted_latent(*this, image_channels)));
}

int DeepJsccShape::in(int convolution, int image_channels) const {
  return convolution == 0 ? image_channels : channels[static_cast<std::size_t>(convolution) - 1];
}

int DeepJsccShape::out(int convolution, int image_channels) const {
  return convolution + 1 == convolutions() ? latent(image_channels)
                                           : channels[static_cast<std::size_t>(convolution)];
}

double DeepJsccShape::operations(int height, int width, int image_channels) const {
  double sum = 0, rows = places(height) * stride(), columns = places(width) * stride();
  for (int i = 0; i < convolutions(); ++i) {
    const double step = strides[static_cast<std::size_t>(i)];
    rows /= step;
    columns /= step;
    sum += operations::linear(rows * columns, double(kernel) * kernel * in(i, image_channels),
                              out(i, image_channels));
    if (snr_attention && i + 1 < convolutions())
      sum += ChannelAttention::operations(rows * columns, out(i, image_channels));
  }
  return sum;
}

double DeepJsccShape::least_parameters(int image_channels) const {
  double sum = 0;
  for (int i = 0; i < convolutions(); ++i)
    sum += 2.0 * kernel * kernel * in(i, image_channels) * out(i, image_channels);
  return sum;
}

const Fields& DeepJsccShape::fields() {
  static const Fields all{
      .summary = "convolutions that code pictures of any size",
      .fields = {
          whole_numbers("channels", Json::array({16, 32, 32, 32}), 1024,
                        "of each convolution but the last, whose channels follow from the ratio"),
          whole_numbers("strides", Json::array({2, 2, 1, 1, 1}), 8, "of each convolution"),
          fields::integer("kernel", 5, 1, 15, "side of the windows; odd"),
          fields::number("ratio", 1.0 / 16, 1e-6, 8,
                         "payload symbols over values of a picture; the last convolution has 2 x "
                         "(product of strides)^2 x image channels x ratio channels"),
          fields::boolean("snr_attention", false,
                          "between the convolutions channels are weighed by the SNR, at both "
                          "ends, so that one network serves a range of SNRs")}};
  return all;
}

DeepJsccShape DeepJsccShape::from_json(const Json& resolved, int image_channels,
                                       const Place& place) {
  DeepJsccShape made;
  made.channels = resolved.at("channels").get<std::vector<int>>();
  made.strides = resolved.at("strides").get<std::vector<int>>();
  made.kernel = resolved.at("kernel");
  made.ratio = resolved.at("ratio");
  made.snr_attention = resolved.at("snr_attention");
  if (made.strides.size() != made.channels.size() + 1)
    throw Error((place / "strides").str(),
                "expected one for each of the " + std::to_string(made.channels.size() + 1) +
                    " convolutions, found " + std::to_string(made.strides.size()));
  if (made.kernel % 2 == 0)
    throw Error((place / "kernel").str(),
                "must be odd, so that a window has a middle; found " + std::to_string(made.kernel));
  double stride = 1;
  for (const int one : made.strides) stride *= one;
  if (stride > 64)
    throw Error((place / "strides").str(), "reduce a picture by more than 64 each way");
  const double wanted = wanted_latent(made, image_channels);
  const int latent = made.latent(image_channels);
  if (latent < 2 || latent % 2 != 0 || latent > 4096 || std::abs(wanted - latent) > 0.01 * latent) {
    const auto text = [&](int channels) {
      return std::to_string(channels / 2) + "/" +
             std::to_string(static_cast<int>(stride * stride) * image_channels);
    };
    const int below = std::clamp(static_cast<int>(wanted / 2) * 2, 2, 4094);
    throw Error((place / "ratio").str(),
                canonical(made.ratio) +
                    " gives no whole number of symbols at each place of the grid; the nearest "
                    "ratios are " +
                    text(below) + " and " + text(below + 2));
  }
  return made;
}

Json DeepJsccShape::to_json() const {
  return {{"channels", channels},
          {"strides", strides},
          {"kernel", kernel},
          {"ratio", ratio},
          {"snr_attention", snr_attention}};
}

}  // namespace semwave
