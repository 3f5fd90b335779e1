// Losses: a term a row, in double; one block adds the terms in an order given by their count.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"
#include "core/cuda/softmax.h"
#include "core/cuda/sums.h"

namespace semwave::cuda {
namespace {

constexpr int sum_threads = 256;

__global__ void add_sum_kernel(float* loss, const double* terms, std::int64_t count, double scale) {
  __shared__ double of_threads[sum_threads];
  const int thread = static_cast<int>(threadIdx.x);
  double sum = 0;
  for (std::int64_t i = thread; i < count; i += sum_threads) sum += terms[i];
  of_threads[thread] = sum;
  for (int half = sum_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) of_threads[thread] += of_threads[thread + half];
  }
  if (thread == 0) loss[0] += static_cast<float>(of_threads[0] * scale);
}

}  // namespace

void add_sum(float* loss, const double* terms, std::int64_t count, float scale,
             cudaStream_t stream) {
  if (count > 0)
    launch("sum of a loss", add_sum_kernel, 1, sum_threads, stream, loss, terms, count,
           static_cast<double>(scale));
}

void CudaBackend::cross_entropy(const Tensor& loss, const Tensor& p, const Tensor& x,
                                std::span<const std::int32_t> label, float smoothing, float scale) {
  const std::int64_t classes = x.columns(), rows = static_cast<std::int64_t>(label.size());
  assert(x.size() == rows * classes && (!p.defined() || p.size() == x.size()));
  const Tensor kept = p.defined() ? p : empty(x.shape());
  const Upload<std::int32_t> labels(stream_, label);
  const Scratch<double> scratch(stream_, rows);
  const std::int32_t* right = labels.data();
  double* terms = scratch.data();
  float* probabilities = kept.data();
  const float* logits = x.data();
  for_each_warp("cross_entropy", *stream_, rows, [=] __device__(std::int64_t row, int lane) {
    const float* of_row = logits + row * classes;
    const float log_sum = softmax_row(probabilities + row * classes, of_row, classes, lane);
    double sum = 0;
    for (std::int64_t c = lane; c < classes; c += warp_size) sum += static_cast<double>(of_row[c]);
    const double mean = warp_sum(sum) / static_cast<double>(classes),
                 s = static_cast<double>(smoothing);
    if (lane == 0)
      terms[row] = static_cast<double>(log_sum) -
                   (1.0 - s) * static_cast<double>(of_row[right[row]]) - s * mean;
  });
  add_sum(loss.data(), terms, rows, scale, *stream_);
}

void CudaBackend::cross_entropy_backward(const Tensor& dx, const Tensor& dloss, const Tensor& p,
                                         std::span<const std::int32_t> label, float smoothing,
                                         float scale) {
  if (!dx.defined()) return;
  const std::int64_t classes = p.columns();
  assert(dx.size() == p.size() && p.size() == static_cast<std::int64_t>(label.size()) * classes);
  const Upload<std::int32_t> labels(stream_, label);
  const std::int32_t* right = labels.data();
  float* to = dx.data();
  const float *d = dloss.data(), *probabilities = p.data(),
              everywhere = smoothing / static_cast<float>(classes);
  for_each("cross_entropy_backward", *stream_, dx.size(), [=] __device__(std::int64_t i) {
    const float target =
        i % classes == right[i / classes] ? everywhere + (1.0f - smoothing) : everywhere;
    to[i] += d[0] * scale * (probabilities[i] - target);
  });
}

void CudaBackend::squared_error(const Tensor& loss, const Tensor& x, const Tensor& target,
                                const Tensor& weight, float scale) {
  const std::int64_t dim = x.columns(), rows = x.rows();
  assert(target.size() == x.size() && (!weight.defined() || weight.size() == rows));
  const Scratch<double> scratch(stream_, rows);
  double* terms = scratch.data();
  const float *from = x.data(), *aim = target.data(), *w = data_or_null(weight);
  for_each_warp("squared_error", *stream_, rows, [=] __device__(std::int64_t row, int lane) {
    float sum = 0.0f;
    for (std::int64_t c = lane; c < dim; c += warp_size) {
      const float d = from[row * dim + c] - aim[row * dim + c];
      sum = fmaf(d, d, sum);
    }
    sum = warp_sum(sum);
    if (lane == 0) terms[row] = static_cast<double>(sum) * (w ? static_cast<double>(w[row]) : 1.0);
  });
  add_sum(loss.data(), terms, rows, scale, *stream_);
}

void CudaBackend::squared_error_backward(const Tensor& dx, const Tensor& dloss, const Tensor& x,
                                         const Tensor& target, const Tensor& weight, float scale) {
  if (!dx.defined()) return;
  const std::int64_t dim = x.columns();
  float* to = dx.data();
  const float *d = dloss.data(), *from = x.data(), *aim = target.data(), *w = data_or_null(weight);
  for_each("squared_error_backward", *stream_, dx.size(), [=] __device__(std::int64_t i) {
    const float factor = 2.0f * d[0] * scale * (w ? w[i / dim] : 1.0f);
    to[i] = fmaf(from[i] - aim[i], factor, to[i]);
  });
}

}  // namespace semwave::cuda
