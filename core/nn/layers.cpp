#include "core/nn/layers.h"

#include <algorithm>

#include "core/ops/operations.h"

namespace semwave {

Linear::Linear(ParameterSet& set, const std::string& name, int in, int out, bool zero)
    : weight_(&set.add(name + ".weight", {out, in}, zero ? Init::zeros : Init::kaiming_uniform,
                       true, true)),
      bias_(&set.add(name + ".bias", {out}, Init::zeros)) {}

Linear Linear::convolution(ParameterSet& set, const std::string& name, int channels, int kernel,
                           int out) {
  Linear made(set, name, channels * kernel * kernel, out);
  set.find(name + ".weight")->stored = {out, channels, kernel, kernel};
  return made;
}

double Linear::operations(double rows) const {
  const Shape& shape = weight_->value.shape();
  return operations::linear(rows, static_cast<double>(shape[1]), static_cast<double>(shape[0]));
}

LayerNorm::LayerNorm(ParameterSet& set, const std::string& name, int dim, int condition_dim)
    : gamma_(&set.add(name + ".weight", {dim}, Init::ones)),
      beta_(&set.add(name + ".bias", {dim}, Init::zeros)) {
  if (condition_dim > 0)
    modulation_ = std::make_unique<Linear>(set, name + ".modulation", condition_dim, 2 * dim, true);
}

Var LayerNorm::operator()(Pass& pass, const Var& x, const RaggedPtr& layout,
                          const Var& condition) const {
  return layer_norm(pass, x, *gamma_, *beta_,
                    modulation_ ? modulation(pass, condition, *layout) : Var{}, layout);
}

Var LayerNorm::modulation(Pass& pass, const Var& condition, const Ragged& layout) const {
  PooledVector<std::int32_t> present, place;
  for (int i = 0; i < layout.images(); ++i) {
    place.push_back(layout.rows_of(i) > 0 ? static_cast<std::int32_t>(present.size()) : -1);
    if (layout.rows_of(i) > 0) present.push_back(i);
  }
  if (present.size() == place.size()) return (*modulation_)(pass, condition);
  return gather_rows(pass, (*modulation_)(pass, gather_rows(pass, condition, present)), place);
}

double LayerNorm::operations(double rows) const {
  return modulation_ && rows > 0 ? modulation_->operations(1) : 0;
}

Condition::Condition(ParameterSet& set, const std::string& name, int features, int condition_dim)
    : features_(features),
      in_(set, name + ".fc1", features, condition_dim),
      out_(set, name + ".fc2", condition_dim, condition_dim) {}

Var Condition::operator()(Pass& pass, std::span<const float> features) const {
  const std::int64_t images = static_cast<std::int64_t>(features.size()) / features_;
  const Var x(pass.backend.from_host({images, features_}, features.data()));
  return out_(pass, in_(pass, x, Activation::gelu), Activation::gelu);
}

double Condition::operations() const {
  return in_.operations(1) + out_.operations(1);
}

Tokeniser::Tokeniser(ParameterSet& set, const std::string& name, const Architecture& architecture)
    : grid_(architecture.grid()) {
  int height = architecture.height, width = architecture.width, channels = architecture.channels;
  for (std::size_t i = 0; i < architecture.tokeniser.size(); ++i) {
    const TokeniserStage& stage = architecture.tokeniser[i];
    stages_.push_back({stage,
                       Linear::convolution(set, name + ".conv" + std::to_string(i), channels,
                                           stage.window.kernel, stage.channels),
                       stage.window.out(height), stage.window.out(width)});
    height = stage.out(height);
    width = stage.out(width);
    channels = stage.channels;
  }
  position_ = &set.add(name + ".position", {grid_, architecture.dim}, Init::normal_002);
}

Var Tokeniser::convolve(Pass& pass, const Tensor& images) const {
  const std::int64_t count = images.shape()[0];
  Var x(images);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    const bool last = i + 1 == stages_.size(), pools = stage.shape.max_pool > 1;
    x = stage.product(pass, patches(pass, x, stage.shape.window),
                      last && !pools ? Activation::none : Activation::gelu);
    if (!last || pools)
      x = reshape(pass, x, {count, stage.height, stage.width, stage.shape.channels});
    if (pools) x = max_pool(pass, x, TokeniserStage::pool_window(stage.shape.max_pool));
  }
  return reshape(pass, x, {count * grid_, x.value().columns()});
}

Tokens Tokeniser::operator()(Pass& pass, const Tensor& images) const {
  const std::int64_t count = images.shape()[0], at_once = pass.backend.preferred_shard();
  RaggedPtr layout = Ragged::full(static_cast<int>(count), grid_);
  Var x;
  if (pass.recording() || count <= at_once) {
    x = convolve(pass, images);
  } else {
    // The windows of an image are many times the image: a few images at once, and they stay in
    // cache.
    const Shape& shape = images.shape();
    const std::int64_t pixels = shape[1] * shape[2];
    Tensor all = pass.backend.empty({count * grid_, stages_.back().shape.channels});
    for (std::int64_t begin = 0; begin < count; begin += at_once) {
      const std::int64_t end = std::min(count, begin + at_once);
      const Var part = convolve(pass, images.row_range(begin * pixels, end * pixels)
                                          .reshape({end - begin, shape[1], shape[2], shape[3]}));
      pass.backend.copy(all.row_range(begin * grid_, end * grid_), part.value());
    }
    x = Var(all);
  }
  return {add_rows(pass, x, pass.parameter(*position_), layout->positions), layout};
}

double Tokeniser::operations() const {
  double sum = 0;
  for (const Stage& stage : stages_)
    sum += stage.product.operations(double(stage.height) * stage.width);
  return sum;
}

SelfAttention::SelfAttention(ParameterSet& set, const std::string& name, int dim, int heads,
                             int condition_dim, const AttentionWindows& windows)
    : dim_(dim),
      heads_(heads),
      windows_(windows),
      norm_(set, name + ".norm1", dim, condition_dim),
      qkv_(set, name + ".attention.qkv", dim, 3 * dim),
      out_(set, name + ".attention.out", dim, dim) {
  if (windows.side > 0)
    bias_ = std::make_unique<RelativePositionBias>(set, name + ".attention.relative_position_bias",
                                                   windows.side, heads);
}

Var SelfAttention::operator()(Pass& pass, const Tokens& x, const Var& condition, const Grid& grid,
                              Var* received) const {
  const Var normed = norm_(pass, x.rows, x.layout, condition);
  if (!bias_)
    return out_(pass, attention(pass, qkv_(pass, normed), x.layout, heads_, {}, received),
                Activation::none, x.rows);
  WindowedRows cut = cut_into_windows(*x.layout, grid, windows_);
  const Var qkv = qkv_(pass, gather_rows(pass, normed, std::move(cut.order)));
  const Var joined = attention(pass, qkv, cut.layout, heads_, (*bias_)(pass), received);
  if (received) *received = gather_rows(pass, *received, cut.back);
  return out_(pass, gather_rows(pass, joined, std::move(cut.back)), Activation::none, x.rows);
}

double SelfAttention::operations(double rows, const Grid& grid) const {
  return norm_.operations(rows) + qkv_.operations(rows) + out_.operations(rows) +
         (bias_ ? windowed_attention_operations(rows, dim_, grid, windows_)
                : operations::attention(rows, dim_));
}

Block::Block(ParameterSet& set, const std::string& name, int dim, int heads, int hidden,
             int condition_dim, const AttentionWindows& windows)
    : attention_(set, name, dim, heads, condition_dim, windows),
      norm_(set, name + ".norm2", dim, condition_dim),
      in_(set, name + ".fc1", dim, hidden),
      out_(set, name + ".fc2", hidden, dim) {}

Tokens Block::operator()(Pass& pass, const Tokens& x, const Var& condition, const Grid& grid,
                         bool received) const {
  Var heard;
  const Var attended = attention_(pass, x, condition, grid, received ? &heard : nullptr);
  const Var hidden = in_(pass, norm_(pass, attended, x.layout, condition), Activation::gelu);
  return {out_(pass, hidden, Activation::none, attended), x.layout, heard};
}

double Block::operations(double rows, const Grid& grid) const {
  return attention_.operations(rows, grid) + norm_.operations(rows) + in_.operations(rows) +
         out_.operations(rows);
}

ClassHead::ClassHead(ParameterSet& set, const std::string& name, int dim, int classes,
                     int condition_dim)
    : dim_(dim),
      norm_(set, name + ".norm", dim, condition_dim),
      score_(set, name + ".pool", dim, 1),
      out_(set, name + ".out", dim, classes) {}

Var ClassHead::operator()(Pass& pass, const Tokens& x, const Var& condition) const {
  const Var normed = norm_(pass, x.rows, x.layout, condition);
  return out_(pass, pool(pass, normed, score_(pass, normed), x.layout));
}

double ClassHead::operations(double rows) const {
  return norm_.operations(rows) + score_.operations(rows) + operations::pool(rows, dim_) +
         out_.operations(1);
}

}  // namespace semwave
