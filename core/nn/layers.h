// The backbone's layers: parameters with PyTorch's names and shapes, and how they are run. A layer
// holds references into a ParameterSet that must outlive it; running one is const and thread-safe,
// each thread with its own Pass. `operations` of a layer says what running it counts for that many
// rows of one image; without a row nothing is computed but the answer of a class head.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/nn/architecture.h"
#include "core/nn/windows.h"
#include "core/ops/ops.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

class Linear {
 public:
  /// `zero`: starts as zeros (a modulation that starts neutral).
  Linear(ParameterSet& set, const std::string& name, int in, int out, bool zero = false);
  /// A convolution as a product over its windows; stored as [out, channels, kernel, kernel].
  static Linear convolution(ParameterSet& set, const std::string& name, int channels, int kernel,
                            int out);
  Var operator()(Pass& pass, const Var& x, Activation activation = Activation::none,
                 const Var& residual = {}) const {
    return linear(pass, x, *weight_, bias_, activation, residual);
  }
  double operations(double rows) const;
  const Parameter* weight() const { return weight_; }
  const Parameter* bias() const { return bias_; }

 private:
  const Parameter* weight_;
  const Parameter* bias_;
};

/// Layer norm whose scale and shift may depend on the image's condition (adaptive layer norm, Perez
/// et al. 2018).
class LayerNorm {
 public:
  LayerNorm(ParameterSet& set, const std::string& name, int dim, int condition_dim = 0);
  Var operator()(Pass& pass, const Var& x, const RaggedPtr& layout,
                 const Var& condition = {} /*[images, condition_dim]*/) const;
  double operations(double rows) const;

 private:
  /// [images, 2 dim]; nothing is computed for images without rows (they left, or their header was
  /// lost).
  Var modulation(Pass& pass, const Var& condition, const Ragged& layout) const;

  const Parameter* gamma_;
  const Parameter* beta_;
  std::unique_ptr<Linear> modulation_;  // condition -> scale | shift, starts at zero
};

/// Numbers that describe an image's channel and plan -> its condition [images, condition_dim]: a
/// two-layer perceptron.
class Condition {
 public:
  Condition(ParameterSet& set, const std::string& name, int features, int condition_dim);
  Var operator()(Pass& pass, std::span<const float> features /*[images, features]*/) const;
  double operations() const;

 private:
  int features_;
  Linear in_, out_;
};

/// Convolutions, GELU and max-pools between them (none behind the last unless it pools), then a
/// learned position embedding: images -> the full grid of tokens.
class Tokeniser {
 public:
  Tokeniser(ParameterSet& set, const std::string& name, const Architecture& architecture);
  Tokens operator()(Pass& pass, const Tensor& images /*[B, H, W, C]*/) const;
  double operations() const;

 private:
  Var convolve(Pass& pass, const Tensor& images) const;  // [B grid, dim]

  struct Stage {
    TokeniserStage shape;
    Linear product;
    int height, width;  // of what the convolution leaves
  };
  std::vector<Stage> stages_;
  const Parameter* position_;  // [grid, dim]
  int grid_;
};

/// Pre-norm multi-head self-attention with residual, among all rows of an image or in windows with
/// a relative position bias. `grid` matters to windows alone.
class SelfAttention {
 public:
  SelfAttention(ParameterSet& set, const std::string& name, int dim, int heads, int condition_dim,
                const AttentionWindows& windows = {});
  /// `received`, where it is asked for: as attention(), among the rows of a window.
  Var operator()(Pass& pass, const Tokens& x, const Var& condition, const Grid& grid = {},
                 Var* received = nullptr) const;
  /// In windows, of less than the whole grid: the mean over all choices of so many tokens.
  double operations(double rows, const Grid& grid = {}) const;

 private:
  int dim_, heads_;
  AttentionWindows windows_;
  LayerNorm norm_;
  Linear qkv_, out_;
  std::unique_ptr<RelativePositionBias> bias_;  // of windows
};

/// Attention, then a two-layer feed-forward with GELU, both pre-norm with residuals and
/// conditioned.
class Block {
 public:
  Block(ParameterSet& set, const std::string& name, int dim, int heads, int hidden,
        int condition_dim, const AttentionWindows& windows = {});
  /// `received`: the tokens that leave say how much attention they received.
  Tokens operator()(Pass& pass, const Tokens& x, const Var& condition, const Grid& grid = {},
                    bool received = false) const;
  double operations(double rows, const Grid& grid = {}) const;

 private:
  SelfAttention attention_;
  LayerNorm norm_;
  Linear in_, out_;
};

/// Sequence pooling (Hassani et al. 2021, CCT) after a layer norm, then a linear classifier.
class ClassHead {
 public:
  ClassHead(ParameterSet& set, const std::string& name, int dim, int classes, int condition_dim);
  Var operator()(Pass& pass, const Tokens& x, const Var& condition) const;  // [images, classes]
  double operations(double rows) const;

 private:
  int dim_;
  LayerNorm norm_;
  Linear score_, out_;
};

}  // namespace semwave
