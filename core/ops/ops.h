// The differentiable operations of the network. Each is one file of this folder: forward and
// backward side by side, one backend kernel per direction. Every op counts the operations it
// executes in pass.operations (multiply-add = 2; elementwise work is not counted, docs/results.md
// says what is).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

/// activation(x W^T + bias) + residual. `weight` [out, in] must be packed; `bias` may be null.
/// Counts 2 n in out.
Var linear(Pass& pass, const Var& x /*[n, in]*/, const Parameter& weight, const Parameter* bias,
           Activation activation = Activation::none, const Var& residual = {} /*[n, out]*/);

/// Backend::layer_norm; `modulation` [images, 2 dim] may be undefined.
Var layer_norm(Pass& pass, const Var& x /*[n, dim]*/, const Parameter& gamma, const Parameter& beta,
               const Var& modulation, const RaggedPtr& layout);

/// Ragged multi-head attention; counts 4 dim rows^2 per image. `bias` is added to the scores, by
/// the positions of query and key: Backend::attention. `received` [n, 1], where it is asked
/// for, is the attention each row received, mean over heads and rows of its image, without
/// gradient; it counts nothing.
Var attention(Pass& pass, const Var& qkv /*[n, 3 dim]*/, const RaggedPtr& layout, int heads,
              const Var& bias = {} /*[heads, places, places]*/, Var* received = nullptr);

/// Windows as rows for a convolution by `linear`: [B, H, W, C] -> [B*out*out, C*kernel*kernel].
Var patches(Pass& pass, const Var& x, Window window);

/// The convolution of pictures of any size: [B, H, W, C] -> [B, out(H), out(W), out]. `weight` is
/// [out, C*kernel*kernel] (PyTorch's [out, C, kernel, kernel]) and packed. Windows are made as many
/// at a time as stay in cache, and once more in the backward pass, so that memory is that of the
/// results alone. Counts 2 B out(H) out(W) C kernel^2 out.
Var convolution(Pass& pass, const Var& x, const Parameter& weight, const Parameter& bias,
                Window window);
/// Its adjoint, a transposed convolution: [B, h, w, in] -> [B, height, width, out], where
/// h = window.out(height), w = window.out(width). `weight` is [in, out*kernel*kernel] (PyTorch's
/// [in, out, kernel, kernel]), packed both ways. Counts 2 B h w in out kernel^2.
Var transposed_convolution(Pass& pass, const Var& x, const Parameter& weight, const Parameter& bias,
                           Window window, int height, int width);

/// Backend::prelu over the last axis; `slope` is [C], or [1] for all channels.
Var prelu(Pass& pass, const Var& x, const Parameter& slope);
Var sigmoid(Pass& pass, const Var& x);
/// Each channel of each image times a number of its own: x [B, H, W, C], scale [B, C].
Var scale_channels(Pass& pass, const Var& x, const Var& scale);

/// Largest value of each window, per channel: [B, H, W, C] -> [B, out, out, C].
Var max_pool(Pass& pass, const Var& x, Window window);

/// Sequence pooling -> [images, dim]; counts 2 dim n.
Var pool(Pass& pass, const Var& x /*[n, dim]*/, const Var& score /*[n, 1]*/,
         const RaggedPtr& layout);

/// y[r] = x[index[r]], zeros for -1.
Var gather_rows(Pass& pass, const Var& x, PooledVector<std::int32_t> index);
/// Rows of all inputs one after another; undefined Vars are passed over; equal columns.
Var concat_rows(Pass& pass, const PooledVector<Var>& x);
/// Columns side by side; equal rows.
Var concat_columns(Pass& pass, const Var& a, const Var& b);
/// y[r] = x[r] + table[index[r]] (a position embedding).
Var add_rows(Pass& pass, const Var& x, const Var& table, PooledVector<std::int32_t> index);
/// scale x + shift, a constant of x's shape or undefined.
Var affine(Pass& pass, const Var& x, float scale, const Tensor& shift = {});
/// The same numbers under another shape of equal size.
Var reshape(Pass& pass, const Var& x, Shape shape);

/// A selection whose forward is x itself (rows that were kept, m = 1) and whose derivative reaches
/// the score through sigmoid (straight-through, Bengio et al. 2013).
Var straight_through(Pass& pass, const Var& x /*[n, dim]*/, const Var& score /*[n, 1]*/);

/// Which experts a row uses, and the order in which the rows go to them: a sparse choice of rows by
/// experts in two views. A row may have fewer than k experts, or none.
struct Routing {
  int experts = 0;
  int k = 0;          // the most experts a row has
  Var probabilities;  // [n, experts] the weight of an expert's answer, used where it was chosen
  PooledVector<std::int32_t> expert;  // [n k] chosen, best first; equal probabilities: lower index
                                      // first; -1: none
  PooledVector<std::int32_t> row;     // [n k] where (r, j) stands among the dispatched rows; -1: it
                                      // does not
  PooledVector<std::int32_t> source;  // [dispatched] row of each; they are sorted by expert, then
                                      // by row
  PooledVector<std::int32_t> group_starts;  // [experts + 1] dispatched rows of each expert
};
/// Top k of the softmax of the logits, which is the weight.
Routing route(Pass& pass, const Var& logits /*[n, experts]*/, int k);
/// The same from a choice made elsewhere.
Routing dispatch(const Var& probabilities /*[n, experts]*/, PooledVector<std::int32_t> expert,
                 int k);
/// The softmax of each row.
Var softmax(Pass& pass, const Var& x);

/// Each group of rows through its own weight; rows of group g are [group_starts[g], group_starts[g
/// + 1]).
Var grouped_linear(Pass& pass, const Var& x, std::span<const std::int32_t> group_starts,
                   std::span<const Parameter* const> weight, std::span<const Parameter* const> bias,
                   Activation activation = Activation::none);

/// residual + sum over the k chosen experts of probability times output.
Var combine(Pass& pass, const Var& residual, const Var& expert_output /*[dispatched, dim]*/,
            const Routing& routing);

/// Switch balance loss weight N sum f_i P_i (Fedus et al. 2021; f: share of argmax, no gradient)
/// and z-loss weight_z mean(logsumexp^2), both over all rows of the *batch*: sums go to
/// pass.statistics under `name`, the gradient is added when the tape runs backward after
/// BatchStatistics::reduce. Nothing happens without statistics. `router_loss_value` reads the
/// totals.
void router_losses(Pass& pass, const std::string& name, const Var& logits, const Routing& routing,
                   float balance_weight, float z_weight);
struct RouterLoss {
  double balance = 0, z = 0;
};  // unweighted: sum f_i P_i N and mean logsumexp^2
RouterLoss router_loss_value(const BatchStatistics& statistics, const std::string& name);

/// Each returns [1]: a sum over rows times scale.
Var cross_entropy(Pass& pass, const Var& logits /*[n, C]*/, std::span<const std::int32_t> label,
                  float smoothing, float scale);
Var squared_error(Pass& pass, const Var& x, const Tensor& target,
                  const Tensor& weight /*[n] or undefined*/, float scale);
/// Sum of scalars; undefined Vars are passed over.
Var sum(Pass& pass, const PooledVector<Var>& terms);

}  // namespace semwave
