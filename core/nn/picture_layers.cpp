#include "core/nn/picture_layers.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/ops/operations.h"

namespace semwave {

namespace {

constexpr float first_slope = 0.25f;  // of a PReLU

Tensor scaled(Backend& backend, const Tensor& x, double factor) {
  Tensor made = backend.zeros(x.shape());
  backend.add_scaled(made, x, static_cast<float>(factor));
  return made;
}

}  // namespace

PictureConvolution::PictureConvolution(ParameterSet& set, const std::string& name, int in, int out,
                                       Window window, bool transposed)
    : window_(window), transposed_(transposed) {
  const int area = window.kernel * window.kernel, from = transposed ? in : out,
            to = transposed ? out : in;
  Parameter& weight =
      set.add(name + ".weight", {from, to * area}, Init::kaiming_uniform, true, true);
  const double reach = double(in) * area / (transposed ? window.stride * window.stride : 1),
               bound = std::sqrt(6 / ((1 + double{first_slope} * double{first_slope}) * reach));
  // kaiming_uniform draws within the root of one over the columns.
  set.backend().copy(weight.value,
                     scaled(set.backend(), weight.value, bound * std::sqrt(double(to) * area)));
  weight.stored = {from, to, window.kernel, window.kernel};
  weight.both_ways = transposed;
  weight_ = &weight;
  bias_ = &set.add(name + ".bias", {out}, Init::zeros);
}

Var PictureConvolution::operator()(Pass& pass, const Var& x) const {
  if (!transposed_) return convolution(pass, x, *weight_, *bias_, window_);
  const Shape& shape = x.value().shape();
  return transposed_convolution(pass, x, *weight_, *bias_, window_,
                                static_cast<int>(shape[1]) * window_.stride,
                                static_cast<int>(shape[2]) * window_.stride);
}

Prelu::Prelu(ParameterSet& set, const std::string& name, int channels) {
  const Parameter& slope = set.add(name + ".weight", {channels}, Init::zeros);
  set.backend().fill(slope.value, first_slope);
  slope_ = &slope;
}

namespace {

/// Of all convolutions of a tokeniser over this grid; the transposed ones count the same.
double tokeniser_operations(const Architecture& a, const Grid& grid) {
  double sum = 0, in = a.channels, pixels = double(grid.tokens()) * a.stride() * a.stride();
  for (const TokeniserStage& stage : a.tokeniser) {
    pixels /= stage.window.stride * stage.window.stride;
    sum +=
        operations::linear(pixels, in * stage.window.kernel * stage.window.kernel, stage.channels);
    in = stage.channels;
  }
  return sum;
}

}  // namespace

PictureTokeniser::PictureTokeniser(ParameterSet& set, const std::string& name,
                                   const Architecture& architecture)
    : architecture_(architecture) {
  int in = architecture.channels;
  for (std::size_t i = 0; i < architecture.tokeniser.size(); ++i) {
    const TokeniserStage& stage = architecture.tokeniser[i];
    const std::string number = std::to_string(i);
    convolutions_.emplace_back(set, name + ".conv" + number, in, stage.channels, stage.window,
                               false);
    in = stage.channels;
    if (i + 1 < architecture.tokeniser.size())
      prelus_.emplace_back(set, name + ".prelu" + number, in);
  }
}

Tokens PictureTokeniser::operator()(Pass& pass, const Tensor& images) const {
  const Shape& shape = images.shape();
  const Grid grid = architecture_.grid_of(static_cast<int>(shape[1]), static_cast<int>(shape[2]));
  Var x = pad_by_edge(pass, Var(images), architecture_.stride());
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    x = convolutions_[i](pass, x);
    if (i < prelus_.size()) x = prelus_[i](pass, x);
  }
  return {reshape(pass, x, {shape[0] * grid.tokens(), architecture_.dim}),
          Ragged::full(static_cast<int>(shape[0]), grid.tokens())};
}

double PictureTokeniser::operations(const Grid& grid) const {
  return tokeniser_operations(architecture_, grid);
}

PictureHead::PictureHead(ParameterSet& set, const std::string& name,
                         const Architecture& architecture)
    : architecture_(architecture) {
  for (std::size_t i = architecture.tokeniser.size(); i-- > 0;) {
    const TokeniserStage& stage = architecture.tokeniser[i];
    const int out = i > 0 ? architecture.tokeniser[i - 1].channels : architecture.channels;
    const std::string number = std::to_string(architecture.tokeniser.size() - 1 - i);
    convolutions_.emplace_back(set, name + ".conv" + number, stage.channels, out, stage.window,
                               true);
    if (i > 0) prelus_.emplace_back(set, name + ".prelu" + number, out);
  }
}

Var PictureHead::operator()(Pass& pass, const Var& x, const Grid& grid, int height,
                            int width) const {
  Var y = reshape(pass, x,
                  {x.value().rows() / grid.tokens(), grid.height, grid.width, architecture_.dim});
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    y = convolutions_[i](pass, y);
    if (i < prelus_.size()) y = prelus_[i](pass, y);
  }
  return crop(pass, y, height, width);
}

double PictureHead::operations(const Grid& grid) const {
  return tokeniser_operations(architecture_, grid);
}

ChannelAttention::ChannelAttention(ParameterSet& set, const std::string& name, int channels)
    : in_(set, name + ".fc1", channels + 1, hidden(channels)),
      out_(set, name + ".fc2", hidden(channels), channels) {}

Var ChannelAttention::operator()(Pass& pass, const Var& x, std::span<const float> snr_db) const {
  Backend& backend = pass.backend;
  const Shape& shape = x.value().shape();
  const std::int64_t images = shape[0], pixels = shape[1] * shape[2], channels = shape[3];
  assert(static_cast<std::int64_t>(snr_db.size()) == images);
  // A pooling whose scores are equal is a mean.
  const Var means = pool(pass, reshape(pass, x, {images * pixels, channels}),
                         Var(backend.zeros({images * pixels, 1})),
                         Ragged::full(static_cast<int>(images), static_cast<int>(pixels)));
  PooledVector<float> scaled;
  for (const float one : snr_db) scaled.push_back(one / 10);
  const Var snr(backend.from_host({images, 1}, scaled.data()));
  const Var hidden = in_(pass, concat_columns(pass, means, snr), Activation::relu);
  return scale_channels(pass, x, sigmoid(pass, out_(pass, hidden)));
}

double ChannelAttention::operations(double pixels, int channels) {
  return operations::pool(pixels, channels) +
         operations::linear(1, channels + 1, hidden(channels)) +
         operations::linear(1, hidden(channels), channels);
}

namespace {

/// Pictures of another size, of whose pixels each is one of x, or of the nearest row and column.
Var resized(Pass& pass, const Var& x, std::int64_t height, std::int64_t width) {
  const Shape& shape = x.value().shape();
  if (shape[1] == height && shape[2] == width) return x;
  PooledVector<std::int32_t> index;
  index.reserve(static_cast<std::size_t>(shape[0] * height * width));
  for (std::int64_t image = 0; image < shape[0]; ++image)
    for (std::int64_t row = 0; row < height; ++row)
      for (std::int64_t column = 0; column < width; ++column)
        index.push_back(
            static_cast<std::int32_t>((image * shape[1] + std::min(row, shape[1] - 1)) * shape[2] +
                                      std::min(column, shape[2] - 1)));
  const Var rows = reshape(pass, x, {shape[0] * shape[1] * shape[2], shape[3]});
  return reshape(pass, gather_rows(pass, rows, std::move(index)),
                 {shape[0], height, width, shape[3]});
}

std::int64_t up_to(std::int64_t side, int multiple) {
  return (side + multiple - 1) / multiple * multiple;
}

}  // namespace

Var pad_by_edge(Pass& pass, const Var& x, int multiple) {
  const Shape& shape = x.value().shape();
  return resized(pass, x, up_to(shape[1], multiple), up_to(shape[2], multiple));
}

Var crop(Pass& pass, const Var& x, int height, int width) {
  assert(height <= x.value().shape()[1] && width <= x.value().shape()[2]);
  return resized(pass, x, height, width);
}

}  // namespace semwave
