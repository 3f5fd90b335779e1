// Layer norm over the last axis, with an optional modulation of scale and shift by each image. Four
// rows run side by side, because one row alone waits for its own sums; each row's arithmetic is
// that of a row alone.
#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

constexpr float epsilon = 1e-5f;

struct Forward {
  std::int64_t dim;
  const float *x, *gamma, *beta, *modulation;
  const std::int32_t* image;
  float *y, *mean_rstd;
};

template <int rows>
void forward(const Forward& a, std::int64_t first) {
  const float* x = a.x + first * a.dim;
  float* y = a.y + first * a.dim;
  Vector sums[rows] = {}, squares[rows] = {};
  float mean[rows], rstd[rows];
  for_vectors(a.dim, [&](std::int64_t at, auto count) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) sums[r] += load_count(x + r * a.dim + at, count);
  });
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) mean[r] = sum_of(sums[r]) / static_cast<float>(a.dim);
  for_vectors(a.dim, [&](std::int64_t at, auto count) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Vector d = load_count(x + r * a.dim + at, count, broadcast(mean[r])) - mean[r];
      squares[r] += d * d;
    }
  });
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
    rstd[r] = 1.0f / __builtin_sqrtf(sum_of(squares[r]) / static_cast<float>(a.dim) + epsilon);
  if (a.mean_rstd) {
    for (int r = 0; r < rows; ++r) {
      a.mean_rstd[2 * (first + r)] = mean[r];
      a.mean_rstd[2 * (first + r) + 1] = rstd[r];
    }
  }
  for_vectors(a.dim, [&](std::int64_t at, auto count) {
    const Vector gamma = load_count(a.gamma + at, count), beta = load_count(a.beta + at, count);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Vector h = (load_count(x + r * a.dim + at, count) - mean[r]) * rstd[r];
      Vector g = gamma, b = beta;
      if (a.modulation) {
        const float* scale = a.modulation + 2 * a.dim * a.image[first + r] + at;
        g += load_count(scale, count);
        b += load_count(scale + a.dim, count);
      }
      store_count(y + r * a.dim + at, h * g + b, count);
    }
  });
}

struct Backward {
  std::int64_t dim;
  const float *dy, *x, *mean_rstd, *gamma, *modulation;
  const std::int32_t* image;
  float *dx, *dgamma, *dbeta, *dmodulation;
};

template <class Count>
void add(float* to, Vector value, Count count) {
  store_count(to, load_count(to, count) + value, count);
}

// With h = (x - mean) rstd and e = dy (gamma + scale): dx = rstd (e - mean(e) - h mean(e h)).
template <int rows>
void backward(const Backward& a, std::int64_t first) {
  const float* x = a.x + first * a.dim;
  const float* dy = a.dy + first * a.dim;
  float mean[rows], rstd[rows], mean_e[rows], mean_eh[rows];
  Vector sums_e[rows] = {}, sums_eh[rows] = {};
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) {
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a tensor with rows has memory
    mean[r] = a.mean_rstd[2 * (first + r)];
    rstd[r] = a.mean_rstd[2 * (first + r) + 1];
  }
  const auto scaled = [&](int r, std::int64_t at, auto count, Vector gamma) {  // e
    if (a.modulation)
      gamma += load_count(a.modulation + 2 * a.dim * a.image[first + r] + at, count);
    return load_count(dy + r * a.dim + at, count) * gamma;
  };
  for_vectors(a.dim, [&](std::int64_t at, auto count) {
    const Vector gamma = load_count(a.gamma + at, count);
    Vector for_gamma{}, for_beta{};
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Vector d = load_count(dy + r * a.dim + at, count);
      const Vector h = (load_count(x + r * a.dim + at, count) - mean[r]) * rstd[r];
      const Vector e = scaled(r, at, count, gamma);
      sums_e[r] += e;
      sums_eh[r] += e * h;
      for_gamma += d * h;
      for_beta += d;
      if (a.dmodulation) {
        float* to = a.dmodulation + 2 * a.dim * a.image[first + r] + at;
        add(to, d * h, count);
        add(to + a.dim, d, count);
      }
    }
    if (a.dgamma) add(a.dgamma + at, for_gamma, count);
    if (a.dbeta) add(a.dbeta + at, for_beta, count);
  });
  if (!a.dx) return;
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) {
    mean_e[r] = sum_of(sums_e[r]) / static_cast<float>(a.dim);
    mean_eh[r] = sum_of(sums_eh[r]) / static_cast<float>(a.dim);
  }
  for_vectors(a.dim, [&](std::int64_t at, auto count) {
    const Vector gamma = load_count(a.gamma + at, count);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Vector h = (load_count(x + r * a.dim + at, count) - mean[r]) * rstd[r];
      const Vector e = scaled(r, at, count, gamma);
      add(a.dx + (first + r) * a.dim + at, ((e - mean_e[r]) - h * mean_eh[r]) * rstd[r], count);
    }
  });
}

float* data_or_null(const Tensor& x) {
  return x.defined() ? x.data() : nullptr;
}

}  // namespace

void CpuBackend::layer_norm(const Tensor& y, const Tensor& mean_rstd, const Tensor& x,
                            const Tensor& gamma, const Tensor& beta, const Tensor& modulation,
                            std::span<const std::int32_t> image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(y.size() == x.size() && beta.size() == dim &&
         (!modulation.defined() || static_cast<std::int64_t>(image.size()) == rows));
  assert(!mean_rstd.defined() || mean_rstd.size() == 2 * rows);
  const Forward all{
      dim,          x.data(), gamma.data(),           beta.data(), data_or_null(modulation),
      image.data(), y.data(), data_or_null(mean_rstd)};
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) forward<4>(all, row);
  for (; row < rows; ++row) forward<1>(all, row);
}

void CpuBackend::layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                                     const Tensor& dmodulation, const Tensor& dy, const Tensor& x,
                                     const Tensor& mean_rstd, const Tensor& gamma,
                                     const Tensor& modulation,
                                     std::span<const std::int32_t> image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(dy.size() == x.size() && mean_rstd.size() == 2 * rows);
  assert((!modulation.defined() && !dmodulation.defined()) ||
         static_cast<std::int64_t>(image.size()) == rows);
  const Backward all{dim,
                     dy.data(),
                     x.data(),
                     mean_rstd.data(),
                     gamma.data(),
                     data_or_null(modulation),
                     image.data(),
                     data_or_null(dx),
                     data_or_null(dgamma),
                     data_or_null(dbeta),
                     data_or_null(dmodulation)};
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) backward<4>(all, row);
  for (; row < rows; ++row) backward<1>(all, row);
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
