// Sequence pooling: a softmax over the scores of an image's rows weighs the rows.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"
#include "core/cuda/softmax.h"
#include "core/tensor/ragged.h"

namespace semwave::cuda {

void CudaBackend::pool(const Tensor& y, const Tensor& weights, const Tensor& x, const Tensor& score,
                       const Ragged& layout) {
  const std::int64_t dim = y.columns();
  assert(y.rows() == layout.images() && x.size() == layout.rows() * dim &&
         score.size() == layout.rows());
  const Tensor kept = weights.defined() ? weights : empty({layout.rows()});
  const Upload<std::int32_t> list(stream_, layout.starts);
  const std::int32_t* starts = list.data();
  float *w = kept.data(), *to = y.data();
  const float *s = score.data(), *from = x.data();
  for_each_warp(
      "pool weights", *stream_, layout.images(), [=] __device__(std::int64_t image, int lane) {
        softmax_row(w + starts[image], s + starts[image], starts[image + 1] - starts[image], lane);
      });
  for_each("pool", *stream_, y.size(), [=] __device__(std::int64_t i) {
    const std::int64_t image = i / dim, column = i % dim;
    float sum = 0.0f;
    for (std::int64_t row = starts[image]; row < starts[image + 1]; ++row)
      sum = fmaf(w[row], from[row * dim + column], sum);
    to[i] = sum;
  });
}

void CudaBackend::pool_backward(const Tensor& dx, const Tensor& dscore, const Tensor& dy,
                                const Tensor& x, const Tensor& weights, const Ragged& layout) {
  const std::int64_t dim = dy.columns(), rows = layout.rows();
  if (rows == 0) return;
  const Upload<std::int32_t> list(stream_, layout.starts), images(stream_, layout.image);
  const std::int32_t *starts = list.data(), *image_of = images.data();
  const float *w = weights.data(), *d = dy.data(), *from = x.data();
  if (dx.defined()) {
    float* to = dx.data();
    for_each("pool_backward", *stream_, rows * dim, [=] __device__(std::int64_t i) {
      const std::int64_t row = i / dim;
      to[i] = fmaf(w[row], d[image_of[row] * dim + i % dim], to[i]);
    });
  }
  if (!dscore.defined()) return;
  const Scratch<float> scratch(stream_, rows);  // <dy[image], x[row]>
  float *dw = scratch.data(), *to = dscore.data();
  for_each_warp("pool_backward weights", *stream_, rows,
                [=] __device__(std::int64_t row, int lane) {
                  const float* of_image = d + image_of[row] * dim;
                  float sum = 0.0f;
                  for (std::int64_t c = lane; c < dim; c += warp_size)
                    sum = fmaf(of_image[c], from[row * dim + c], sum);
                  sum = warp_sum(sum);
                  if (lane == 0) dw[row] = sum;
                });
  for_each_warp("pool_backward scores", *stream_, layout.images(),
                [=] __device__(std::int64_t image, int lane) {
                  const std::int64_t first = starts[image];
                  softmax_backward_row(to + first, dw + first, w + first, starts[image + 1] - first,
                                       lane);
                });
}

}  // namespace semwave::cuda
