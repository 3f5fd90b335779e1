// One device: its memory and its kernels. Abstract and coarse, so a missing kernel is a compile
// error.
//
// Rules every backend keeps (docs/design.md, decisions 7 and 8):
// - a row's result depends on that row alone (attention and pooling: on its image alone), to the
// last bit;
//   sums over k run in ascending order in one accumulator per result;
// - a kernel is single-threaded on the CPU; threads live above;
// - backward kernels *accumulate* into their d... arguments (dx += ...); any d... argument may be
// undefined (a
//   Tensor with defined() == false): then that derivative is not wanted and not computed;
// - zero rows, and images without rows, are legal everywhere.
// Index lists are host vectors. Shapes stand behind each argument; `n` = token rows of the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/tensor.h"

namespace semwave {

struct Ragged;

enum class Activation : std::uint8_t { none, gelu, relu };  // gelu: tanh form

/// A weight in the layout the backend's product wants. Computes x [n, depth] times this [depth,
/// columns].
struct PackedMatrix {
  Tensor panels;
  std::int64_t depth = 0;
  std::int64_t columns = 0;
};

/// How a window walks over an image, square in both directions.
struct Window {
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int out(int in) const { return (in + 2 * padding - kernel) / stride + 1; }
};

/// Some of the rows of windows of each image: [begin, end), or from `begin` on where end is -1.
struct WindowRows {
  int begin = 0;
  int end = -1;
  int count(int all) const { return (end < 0 ? all : end) - begin; }
};

struct AdamW {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  std::int64_t step;  // counts from 1, for bias correction
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceKind kind() const = 0;
  virtual std::string name() const = 0;
  /// Images a shard that keep activations in cache (CPU: a few) or the device busy (GPU: the
  /// batch).
  virtual int preferred_shard() const = 0;

  // Memory. Numbers of `empty` are unspecified. Both may be called from any thread.
  virtual Tensor empty(Shape shape) = 0;
  virtual Tensor zeros(Shape shape) = 0;
  virtual Tensor from_host(Shape shape, const float* values) = 0;
  virtual void to_host(const Tensor& tensor, float* values) const = 0;
  virtual void copy(const Tensor& to, const Tensor& from) = 0;
  virtual void fill(const Tensor& x, float value) = 0;

  // Products
  // -----------------------------------------------------------------------------------------------
  /// Panels of `matrix` [depth, columns], or of its transpose where it is stored as [columns,
  /// depth].
  virtual PackedMatrix pack(const Tensor& matrix, bool transpose) = 0;
  /// y = activation(x W + bias) + residual. `before` (if defined) receives x W + bias for the
  /// backward pass.
  virtual void linear(const Tensor& y /*[n, out]*/, const Tensor& x /*[n, in]*/,
                      const PackedMatrix& w /*[in, out]*/,
                      const Tensor& bias /*[out] or undefined*/, Activation activation,
                      const Tensor& residual /*[n, out] or undefined*/,
                      const Tensor& before /*[n, out] or undefined*/) = 0;
  /// dx += dy W^T, with the panels of W^T.
  virtual void linear_backward_input(const Tensor& dx /*[n, in]*/, const Tensor& dy /*[n, out]*/,
                                     const PackedMatrix& wt /*[out, in]*/) = 0;
  /// dw += dy^T x (the layout of a PyTorch weight), dbias += column sums of dy.
  virtual void linear_backward_weight(const Tensor& dw /*[out, in]*/, const Tensor& dbias /*[out]*/,
                                      const Tensor& dy /*[n, out]*/,
                                      const Tensor& x /*[n, in]*/) = 0;
  /// dx = dy * activation'(before): overwrites dx, which may be dy.
  virtual void activation_backward(const Tensor& dx /*[n, out]*/, const Tensor& dy,
                                   const Tensor& before, Activation activation) = 0;

  // Normalisation
  // -----------------------------------------------------------------------------------------------
  /// y = norm(x) (gamma + scale[image]) + beta + shift[image], norm over the last axis with epsilon
  /// 1e-5 inside the root; modulation = scale | shift of each image. `mean_rstd` keeps both for the
  /// backward pass.
  virtual void layer_norm(
      const Tensor& y /*[n, dim]*/, const Tensor& mean_rstd /*[n, 2] or undefined*/,
      const Tensor& x /*[n, dim]*/, const Tensor& gamma /*[dim]*/, const Tensor& beta /*[dim]*/,
      const Tensor& modulation /*[images, 2 dim] or undefined*/,
      std::span<const std::int32_t> image /*[n]; unused without modulation*/) = 0;
  virtual void layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                                   const Tensor& dmodulation, const Tensor& dy, const Tensor& x,
                                   const Tensor& mean_rstd, const Tensor& gamma,
                                   const Tensor& modulation,
                                   std::span<const std::int32_t> image) = 0;

  // Attention
  // -----------------------------------------------------------------------------------------------
  /// Softmax attention among the rows of each image; qkv rows are q | k | v, heads side by side in
  /// each; scale 1/sqrt(dim/heads). `weights` keeps the softmax of each image, [heads, rows, rows]
  /// one after another (attention_weights_size floats). `bias` is added to the scores before the
  /// softmax, by the positions of query and key; every position of the layout is below `places`
  /// then.
  virtual void attention(const Tensor& y /*[n, dim]*/, const Tensor& weights /*or undefined*/,
                         const Tensor& qkv /*[n, 3 dim]*/, const Ragged& layout, int heads,
                         const Tensor& bias /*[heads, places, places] or undefined*/) = 0;
  virtual void attention_backward(const Tensor& dqkv, const Tensor& dbias, const Tensor& dy,
                                  const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                                  int heads) = 0;
  /// y[j] = mean over heads and rows i of the same image of weights[head, i, j]: the attention that
  /// row j received.
  virtual void received_attention(const Tensor& y /*[n, 1]*/, const Tensor& weights,
                                  const Ragged& layout, int heads) = 0;
  static std::int64_t attention_weights_size(const Ragged& layout, int heads);

  // Convolution
  // -----------------------------------------------------------------------------------------------
  /// Rows of windows for a product: y[image, row, column][c, ky, kx] (the order of a PyTorch
  /// weight), zero outside. Of large images some rows at a time.
  virtual void patches(const Tensor& y /*[B*rows*out, C*kernel*kernel]*/,
                       const Tensor& x /*[B, H, W, C]*/, Window window, WindowRows rows = {}) = 0;
  /// What windows saw goes back to its place: dx[pixel] += the values of all windows that hold it,
  /// in ascending order. It is the second half of a transposed convolution, too.
  virtual void patches_backward(const Tensor& dx, const Tensor& dy, Window window,
                                WindowRows rows = {}) = 0;
  /// Largest value of each window, per channel; what lies outside takes no part (padding < kernel).
  /// `source` keeps which value of x it was.
  virtual void max_pool(const Tensor& y /*[B, out, out, C]*/,
                        PooledVector<std::int32_t>& source /*[y.size()]*/,
                        const Tensor& x /*[B, H, W, C]*/, Window window) = 0;
  /// dx[source[i]] += dy[i].
  virtual void max_pool_backward(const Tensor& dx, const Tensor& dy,
                                 std::span<const std::int32_t> source) = 0;

  // Sequence pooling (CCT): y = sum softmax(score) x over the rows of an image; zeros for an image
  // without rows ----
  virtual void pool(const Tensor& y /*[images, dim]*/, const Tensor& weights /*[n]*/,
                    const Tensor& x /*[n, dim]*/, const Tensor& score /*[n, 1]*/,
                    const Ragged& layout) = 0;
  virtual void pool_backward(const Tensor& dx, const Tensor& dscore, const Tensor& dy,
                             const Tensor& x, const Tensor& weights, const Ragged& layout) = 0;

  // Rows
  // -----------------------------------------------------------------------------------------------
  /// y[r] = x[index[r]]; an index of -1 gives a row of zeros.
  virtual void gather_rows(const Tensor& y /*[m, dim]*/, const Tensor& x /*[n, dim]*/,
                           std::span<const std::int32_t> index /*[m]*/) = 0;
  /// dx[index[r]] += dy[r]; an index of -1 is passed over.
  virtual void scatter_add_rows(const Tensor& dx /*[n, dim]*/, const Tensor& dy /*[m, dim]*/,
                                std::span<const std::int32_t> index /*[m]*/) = 0;
  /// Columns of y [n, ...] starting at `column` are set to x [n, dim].
  virtual void set_columns(const Tensor& y, const Tensor& x, std::int64_t column) = 0;
  /// dx [n, dim] += those columns of dy.
  virtual void add_columns(const Tensor& dx, const Tensor& dy, std::int64_t column) = 0;
  /// y += scale x, any shape.
  virtual void add_scaled(const Tensor& y, const Tensor& x, float scale) = 0;
  /// ds[r] += <dy[r], x[r]> sigmoid'(score[r]): the straight-through derivative of y = x m, m = 1
  /// forward, sigmoid(score) backward.
  virtual void straight_through_backward(const Tensor& dscore /*[n, 1]*/,
                                         const Tensor& dy /*[n, dim]*/, const Tensor& x,
                                         const Tensor& score /*[n, 1]*/) = 0;

  // Channels of pictures: rows are pixels
  // -------------------------------------------------------------------------------
  /// y = x where x > 0, else slope x (PReLU, He et al. 2015).
  virtual void prelu(const Tensor& y /*[n, C]*/, const Tensor& x,
                     const Tensor& slope /*[C], or [1] for all*/) = 0;
  virtual void prelu_backward(const Tensor& dx, const Tensor& dslope, const Tensor& dy,
                              const Tensor& x, const Tensor& slope) = 0;
  /// y = 1 / (1 + exp(-x)), any shape.
  virtual void sigmoid(const Tensor& y, const Tensor& x) = 0;
  virtual void sigmoid_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) = 0;
  /// y[r] = x[r] scale[r / (n / images)], channel by channel: each image has as many rows.
  virtual void scale_channels(const Tensor& y /*[n, C]*/, const Tensor& x,
                              const Tensor& scale /*[images, C]*/) = 0;
  virtual void scale_channels_backward(const Tensor& dx, const Tensor& dscale, const Tensor& dy,
                                       const Tensor& x, const Tensor& scale) = 0;

  // Experts
  // -----------------------------------------------------------------------------------------------
  virtual void softmax(const Tensor& y /*[n, E]*/, const Tensor& x) = 0;
  virtual void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) = 0;
  /// y[r] = residual[r] + sum_j p[r, expert[r k + j]] e[row[r k + j]], j ascending; a choice
  /// whose row is -1 adds nothing.
  virtual void combine(const Tensor& y /*[n, dim]*/, const Tensor& residual,
                       const Tensor& e /*[n k, dim]*/, const Tensor& p /*[n, E]*/,
                       std::span<const std::int32_t> expert /*[n k]*/,
                       std::span<const std::int32_t> row /*[n k]*/, int k) = 0;
  virtual void combine_backward(const Tensor& dresidual, const Tensor& de, const Tensor& dp,
                                const Tensor& dy, const Tensor& e, const Tensor& p,
                                std::span<const std::int32_t> expert,
                                std::span<const std::int32_t> row, int k) = 0;

  // Losses, each a sum over rows times `scale`
  // -------------------------------------------------------------------
  /// -sum_c t_c log softmax(x)_c with t = (1 - smoothing) onehot + smoothing / C. `p` keeps the
  /// softmax.
  virtual void cross_entropy(const Tensor& loss /*[1], added to*/, const Tensor& p /*[n, C]*/,
                             const Tensor& x /*[n, C]*/,
                             std::span<const std::int32_t> label /*[n]*/, float smoothing,
                             float scale) = 0;
  virtual void cross_entropy_backward(const Tensor& dx, const Tensor& dloss /*[1]*/,
                                      const Tensor& p, std::span<const std::int32_t> label,
                                      float smoothing, float scale) = 0;
  /// Sum of weight[r] |x[r] - target[r]|^2.
  virtual void squared_error(const Tensor& loss /*[1], added to*/, const Tensor& x /*[n, dim]*/,
                             const Tensor& target, const Tensor& weight /*[n] or undefined: 1*/,
                             float scale) = 0;
  virtual void squared_error_backward(const Tensor& dx, const Tensor& dloss, const Tensor& x,
                                      const Tensor& target, const Tensor& weight, float scale) = 0;

  // Optimiser
  // -----------------------------------------------------------------------------------------------
  virtual double sum_of_squares(const Tensor& x) = 0;
  /// Decoupled weight decay (Loshchilov and Hutter 2019); gradient multiplied by `gradient_scale`
  /// first (clipping).
  virtual void adamw(const Tensor& value, const Tensor& gradient, const Tensor& first_moment,
                     const Tensor& second_moment, const AdamW& settings, float gradient_scale) = 0;
};

std::unique_ptr<Backend> make_cpu_backend();  // the fastest this machine runs
/// Every variant of the CPU kernels that this program holds and this machine runs, fastest first
/// (portable builds hold several).
std::vector<std::unique_ptr<Backend>> make_cpu_backends();
/// Throws Error where the program was built without CUDA or no device is found.
std::unique_ptr<Backend> make_cuda_backend();

}  // namespace semwave
