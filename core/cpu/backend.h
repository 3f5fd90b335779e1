// The CPU backend: single-threaded kernels on float32 vectors. Each kernel lives in the file of its
// op.
#pragma once

#include "core/base/pooled_vector.h"
#include "core/cpu/variant.h"
#include "core/tensor/backend.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

class CpuBackend final : public Backend {
 public:
  DeviceKind kind() const override { return DeviceKind::cpu; }
  std::string name() const override;
  int preferred_shard() const override { return 8; }

  Tensor empty(Shape shape) override;
  Tensor zeros(Shape shape) override;
  Tensor from_host(Shape shape, const float* values) override;
  void to_host(const Tensor& tensor, float* values) const override;
  void copy(const Tensor& to, const Tensor& from) override;
  void fill(const Tensor& x, float value) override;

  PackedMatrix pack(const Tensor& matrix, bool transpose) override;
  void linear(const Tensor& y, const Tensor& x, const PackedMatrix& w, const Tensor& bias,
              Activation activation, const Tensor& residual, const Tensor& before) override;
  void linear_backward_input(const Tensor& dx, const Tensor& dy, const PackedMatrix& wt) override;
  void linear_backward_weight(const Tensor& dw, const Tensor& dbias, const Tensor& dy,
                              const Tensor& x) override;
  void activation_backward(const Tensor& dx, const Tensor& dy, const Tensor& before,
                           Activation activation) override;

  void layer_norm(const Tensor& y, const Tensor& mean_rstd, const Tensor& x, const Tensor& gamma,
                  const Tensor& beta, const Tensor& modulation,
                  std::span<const std::int32_t> image) override;
  void layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                           const Tensor& dmodulation, const Tensor& dy, const Tensor& x,
                           const Tensor& mean_rstd, const Tensor& gamma, const Tensor& modulation,
                           std::span<const std::int32_t> image) override;

  void attention(const Tensor& y, const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                 int heads, const Tensor& bias) override;
  void received_attention(const Tensor& y, const Tensor& weights, const Ragged& layout,
                          int heads) override;
  void attention_backward(const Tensor& dqkv, const Tensor& dbias, const Tensor& dy,
                          const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                          int heads) override;

  void patches(const Tensor& y, const Tensor& x, Window window, WindowRows rows) override;
  void patches_backward(const Tensor& dx, const Tensor& dy, Window window,
                        WindowRows rows) override;
  void max_pool(const Tensor& y, PooledVector<std::int32_t>& source, const Tensor& x,
                Window window) override;
  void max_pool_backward(const Tensor& dx, const Tensor& dy,
                         std::span<const std::int32_t> source) override;

  void pool(const Tensor& y, const Tensor& weights, const Tensor& x, const Tensor& score,
            const Ragged& layout) override;
  void pool_backward(const Tensor& dx, const Tensor& dscore, const Tensor& dy, const Tensor& x,
                     const Tensor& weights, const Ragged& layout) override;

  void gather_rows(const Tensor& y, const Tensor& x, std::span<const std::int32_t> index) override;
  void scatter_add_rows(const Tensor& dx, const Tensor& dy,
                        std::span<const std::int32_t> index) override;
  void set_columns(const Tensor& y, const Tensor& x, std::int64_t column) override;
  void add_columns(const Tensor& dx, const Tensor& dy, std::int64_t column) override;
  void add_scaled(const Tensor& y, const Tensor& x, float scale) override;
  void straight_through_backward(const Tensor& dscore, const Tensor& dy, const Tensor& x,
                                 const Tensor& score) override;

  void prelu(const Tensor& y, const Tensor& x, const Tensor& slope) override;
  void prelu_backward(const Tensor& dx, const Tensor& dslope, const Tensor& dy, const Tensor& x,
                      const Tensor& slope) override;
  void sigmoid(const Tensor& y, const Tensor& x) override;
  void sigmoid_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) override;
  void scale_channels(const Tensor& y, const Tensor& x, const Tensor& scale) override;
  void scale_channels_backward(const Tensor& dx, const Tensor& dscale, const Tensor& dy,
                               const Tensor& x, const Tensor& scale) override;

  void softmax(const Tensor& y, const Tensor& x) override;
  void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) override;
  void combine(const Tensor& y, const Tensor& residual, const Tensor& e, const Tensor& p,
               std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
               int k) override;
  void combine_backward(const Tensor& dresidual, const Tensor& de, const Tensor& dp,
                        const Tensor& dy, const Tensor& e, const Tensor& p,
                        std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
                        int k) override;

  void cross_entropy(const Tensor& loss, const Tensor& p, const Tensor& x,
                     std::span<const std::int32_t> label, float smoothing, float scale) override;
  void cross_entropy_backward(const Tensor& dx, const Tensor& dloss, const Tensor& p,
                              std::span<const std::int32_t> label, float smoothing,
                              float scale) override;
  void squared_error(const Tensor& loss, const Tensor& x, const Tensor& target,
                     const Tensor& weight, float scale) override;
  void squared_error_backward(const Tensor& dx, const Tensor& dloss, const Tensor& x,
                              const Tensor& target, const Tensor& weight, float scale) override;

  double sum_of_squares(const Tensor& x) override;
  void adamw(const Tensor& value, const Tensor& gradient, const Tensor& first_moment,
             const Tensor& second_moment, const AdamW& settings, float gradient_scale) override;
};

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
