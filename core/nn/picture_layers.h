// Layers of networks that work on whole pictures [B, H, W, C] of any size. Names and shapes are
// PyTorch's.
#pragma once

#include <span>
#include <string>

#include "core/nn/layers.h"
#include "core/ops/ops.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"

namespace semwave {

/// A convolution as torch.nn.Conv2d, or as torch.nn.ConvTranspose2d with the output padding that
/// gives each side `stride` times as many pixels. Weights begin uniform within
/// +-sqrt(6 / ((1 + 0.25^2) n)), where n values reach one of the result, so that signals neither
/// grow nor shrink from layer to layer (He et al. 2015, with the slope that Prelu begins at).
class PictureConvolution {
 public:
  PictureConvolution(ParameterSet& set, const std::string& name, int in, int out, Window window,
                     bool transposed);
  Var operator()(Pass& pass, const Var& x /*[B, H, W, in]*/) const;

 private:
  Window window_;
  bool transposed_;
  const Parameter* weight_;
  const Parameter* bias_;
};

/// A learned slope below zero for each channel (He et al. 2015); it begins at 0.25.
class Prelu {
 public:
  Prelu(ParameterSet& set, const std::string& name, int channels);
  Var operator()(Pass& pass, const Var& x) const { return prelu(pass, x, *slope_); }

 private:
  const Parameter* slope_;
};

/// Each channel times a number between 0 and 1 that a two-layer perceptron makes of the mean of
/// every channel and the SNR: the attention feature module of ADJSCC (Xu et al. 2022,
/// arXiv 2012.00533).
class ChannelAttention {
 public:
  ChannelAttention(ParameterSet& set, const std::string& name, int channels);
  Var operator()(Pass& pass, const Var& x /*[B, H, W, C]*/,
                 std::span<const float> snr_db /*[B]*/) const;
  /// Of one image of so many pixels, as a pass counts them.
  static double operations(double pixels, int channels);

 private:
  static int hidden(int channels) { return channels < 32 ? 4 : channels / 8; }
  Linear in_, out_;
};

/// Pictures of any size -> tokens, by the convolutions of Architecture::tokeniser with a PReLU
/// between them. Tokens know their place by what the edge does to them alone: blocks add relative
/// positions.
class PictureTokeniser {
 public:
  PictureTokeniser(ParameterSet& set, const std::string& name, const Architecture& architecture);
  /// The whole grid Architecture::grid_of(H, W) of each image.
  Tokens operator()(Pass& pass, const Tensor& images /*[B, H, W, C]*/) const;
  double operations(const Grid& grid) const;

 private:
  const Architecture architecture_;
  std::vector<PictureConvolution> convolutions_;
  std::vector<Prelu> prelus_;
};

/// The tokeniser the other way round: tokens of whole grids -> pictures, by transposed convolutions
/// with a PReLU between them (a sub-pixel convolution is one with a kernel as large as its stride).
class PictureHead {
 public:
  PictureHead(ParameterSet& set, const std::string& name, const Architecture& architecture);
  /// [images, height, width, C]
  Var operator()(Pass& pass, const Var& x /*[images grid, dim]*/, const Grid& grid, int height,
                 int width) const;
  double operations(const Grid& grid) const;

 private:
  const Architecture architecture_;
  std::vector<PictureConvolution> convolutions_;
  std::vector<Prelu> prelus_;
};

/// Sides grown to the next multiples of `multiple` by repeating the last row and column.
Var pad_by_edge(Pass& pass, const Var& x /*[B, H, W, C]*/, int multiple);
/// The upper left part of each picture.
Var crop(Pass& pass, const Var& x /*[B, H, W, C]*/, int height, int width);

}  // namespace semwave
