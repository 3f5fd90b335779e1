// The shape of a DeepJSCC network (Bourtsoulatze, Kurka and Gunduz 2019): convolutions at the
// transmitter, their mirror image at the receiver. It takes pictures of any size.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config/json.h"
#include "core/tensor/backend.h"

namespace semwave {

struct DeepJsccShape {
  std::vector<int> channels{16, 32, 32, 32};  // of each convolution but the last
  std::vector<int> strides{2, 2, 1, 1, 1};    // of all
  int kernel = 5;                             // odd: a convolution of stride 1 keeps the size
  /// Payload symbols over values of a picture whose sides the strides divide. The last convolution
  /// has latent() channels, which are latent() / 2 complex symbols at each of its places, and a
  /// place stands for stride()^2 pixels: ratio = latent() / (2 stride()^2 image channels).
  double ratio = 1.0 / 16;
  bool snr_attention = false;  // between the convolutions, at both ends (ADJSCC, Xu et al. 2022)

  int stride() const;  // of all convolutions together
  int latent(int image_channels) const;
  int convolutions() const { return static_cast<int>(strides.size()); }
  Window window(int convolution) const {
    return {kernel, strides[static_cast<std::size_t>(convolution)], kernel / 2};
  }
  /// Channels that convolution i makes of those before it.
  int in(int convolution, int image_channels) const;
  int out(int convolution, int image_channels) const;
  /// Places of the latent grid along a side of so many pixels, which is padded to a multiple of
  /// stride().
  int places(int side) const { return (side + stride() - 1) / stride(); }
  /// Payload of a picture, complex symbols.
  std::int64_t symbols(int height, int width, int image_channels) const {
    return std::int64_t{places(height)} * places(width) * latent(image_channels) / 2;
  }
  /// Multiply-adds count 2. Of one end: both do the same work.
  double operations(int height, int width, int image_channels) const;
  /// Trained numbers of both ends, at least.
  double least_parameters(int image_channels) const;

  static const Fields& fields();
  /// From resolved JSON; throws Error at `place` where the numbers do not fit together.
  static DeepJsccShape from_json(const Json& resolved, int image_channels, const Place& place);
  Json to_json() const;
};

}  // namespace semwave
