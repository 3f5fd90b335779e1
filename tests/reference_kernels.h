// The kernels of core/tensor/backend.h once more, as plain loops over a scalar type, meant to be
// read and believed: no blocking, no vectors, no code of the library. In double they are checked by
// central differences (gradients_test.cpp); every backend's float kernels are compared with them
// (kernels_test.cpp). Arrays are row-major vectors; shapes stand behind each argument. Backward
// kernels add to their d... arguments; a null pointer means that derivative is not wanted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace reference {

using Size = std::size_t;
using Index = std::vector<std::int32_t>;
template <typename T>
using Array = std::vector<T>;

enum class Activation : std::uint8_t { none, gelu, relu };

constexpr double pi = 3.14159265358979323846;

template <typename T>
T activate(T x, Activation kind) {
  if (kind == Activation::none) return x;
  if (kind == Activation::relu) return x > T(0) ? x : T(0);
  const T inner = std::sqrt(T(2) / T(pi)) * (x + T(0.044715) * x * x * x);
  return T(0.5) * x * (T(1) + std::tanh(inner));
}

template <typename T>
T activate_derivative(T x, Activation kind) {
  if (kind == Activation::none) return T(1);
  if (kind == Activation::relu) return x > T(0) ? T(1) : T(0);
  const T c = std::sqrt(T(2) / T(pi));
  const T t = std::tanh(c * (x + T(0.044715) * x * x * x));
  return T(0.5) * (T(1) + t) +
         T(0.5) * x * (T(1) - t * t) * c * (T(1) + T(3) * T(0.044715) * x * x);
}

template <typename T>
T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

// Products
// -------------------------------------------------------------------------------------------------
template <typename T>
Array<T> linear(const Array<T>& x /*[n, in]*/, const Array<T>& w /*[out, in]*/,
                const Array<T>* bias, Activation activation, const Array<T>* residual, Size n,
                Size in, Size out, Array<T>* before = nullptr) {
  Array<T> y(n * out);
  if (before) before->assign(n * out, T(0));
  for (Size r = 0; r < n; ++r)
    for (Size o = 0; o < out; ++o) {
      T sum = bias ? (*bias)[o] : T(0);
      for (Size i = 0; i < in; ++i) sum += x[r * in + i] * w[o * in + i];
      if (before) (*before)[r * out + o] = sum;
      y[r * out + o] = activate(sum, activation) + (residual ? (*residual)[r * out + o] : T(0));
    }
  return y;
}

template <typename T>
void linear_backward_input(Array<T>& dx, const Array<T>& dy, const Array<T>& w, Size n, Size in,
                           Size out) {
  for (Size r = 0; r < n; ++r)
    for (Size i = 0; i < in; ++i)
      for (Size o = 0; o < out; ++o) dx[r * in + i] += dy[r * out + o] * w[o * in + i];
}

template <typename T>
void linear_backward_weight(Array<T>* dw, Array<T>* dbias, const Array<T>& dy, const Array<T>& x,
                            Size n, Size in, Size out) {
  for (Size r = 0; r < n; ++r)
    for (Size o = 0; o < out; ++o) {
      if (dbias) (*dbias)[o] += dy[r * out + o];
      for (Size i = 0; dw && i < in; ++i) (*dw)[o * in + i] += dy[r * out + o] * x[r * in + i];
    }
}

template <typename T>
Array<T> activation_backward(const Array<T>& dy, const Array<T>& before, Activation activation) {
  Array<T> dx(dy.size());
  for (Size i = 0; i < dy.size(); ++i) dx[i] = dy[i] * activate_derivative(before[i], activation);
  return dx;
}

// Layer normalisation
// -------------------------------------------------------------------------------------------------
template <typename T>
struct Moments {
  T mean, rstd;
};

template <typename T>
Moments<T> moments(const T* x, Size dim) {
  T mean = 0, variance = 0;
  for (Size c = 0; c < dim; ++c) mean += x[c] / T(dim);
  for (Size c = 0; c < dim; ++c) variance += (x[c] - mean) * (x[c] - mean) / T(dim);
  return {mean, T(1) / std::sqrt(variance + T(1e-5))};
}

template <typename T>
Array<T> layer_norm(const Array<T>& x /*[n, dim]*/, const Array<T>& gamma, const Array<T>& beta,
                    const Array<T>* modulation /*[images, 2 dim]*/, const Index& image, Size n,
                    Size dim) {
  Array<T> y(n * dim);
  for (Size r = 0; r < n; ++r) {
    const Moments<T> m = moments(&x[r * dim], dim);
    for (Size c = 0; c < dim; ++c) {
      const Size at = modulation ? static_cast<Size>(image[r]) * 2 * dim + c : 0;
      const T scale = gamma[c] + (modulation ? (*modulation)[at] : T(0));
      const T shift = beta[c] + (modulation ? (*modulation)[at + dim] : T(0));
      y[r * dim + c] = (x[r * dim + c] - m.mean) * m.rstd * scale + shift;
    }
  }
  return y;
}

template <typename T>
void layer_norm_backward(Array<T>* dx, Array<T>* dgamma, Array<T>* dbeta, Array<T>* dmodulation,
                         const Array<T>& dy, const Array<T>& x, const Array<T>& gamma,
                         const Array<T>* modulation, const Index& image, Size n, Size dim) {
  for (Size r = 0; r < n; ++r) {
    const Moments<T> m = moments(&x[r * dim], dim);
    Array<T> normed(dim), dnormed(dim);
    T mean = 0, mean_normed = 0;
    for (Size c = 0; c < dim; ++c) {
      const Size at = modulation ? static_cast<Size>(image[r]) * 2 * dim + c : 0;
      const T d = dy[r * dim + c];
      normed[c] = (x[r * dim + c] - m.mean) * m.rstd;
      dnormed[c] = d * (gamma[c] + (modulation ? (*modulation)[at] : T(0)));
      mean += dnormed[c] / T(dim);
      mean_normed += dnormed[c] * normed[c] / T(dim);
      if (dgamma) (*dgamma)[c] += d * normed[c];
      if (dbeta) (*dbeta)[c] += d;
      if (dmodulation) (*dmodulation)[at] += d * normed[c];
      if (dmodulation) (*dmodulation)[at + dim] += d;
    }
    for (Size c = 0; dx && c < dim; ++c)
      (*dx)[r * dim + c] += m.rstd * (dnormed[c] - mean - normed[c] * mean_normed);
  }
}

// Softmax and attention
// ------------------------------------------------------------------------------------------------
template <typename T>
Array<T> softmax(const Array<T>& x /*[n, columns]*/, Size n, Size columns) {
  Array<T> y(n * columns);
  for (Size r = 0; r < n; ++r) {
    T top = x[r * columns], total = 0;
    for (Size c = 0; c < columns; ++c) top = std::max(top, x[r * columns + c]);
    for (Size c = 0; c < columns; ++c)
      total += y[r * columns + c] = std::exp(x[r * columns + c] - top);
    for (Size c = 0; c < columns; ++c) y[r * columns + c] /= total;
  }
  return y;
}

template <typename T>
void softmax_backward(Array<T>& dx, const Array<T>& dy, const Array<T>& y, Size n, Size columns) {
  for (Size r = 0; r < n; ++r) {
    T mean = 0;
    for (Size c = 0; c < columns; ++c) mean += dy[r * columns + c] * y[r * columns + c];
    for (Size c = 0; c < columns; ++c)
      dx[r * columns + c] += y[r * columns + c] * (dy[r * columns + c] - mean);
  }
}

// What is added to the scores by the positions of query and key; places 0: nothing.
template <typename T>
struct ScoreBias {
  Array<T> table;   // [heads, places, places]
  Index positions;  // [n]
  Size places = 0;

  Size entry(Size head, Size query, Size key) const {
    return (head * places + static_cast<Size>(positions[query])) * places +
           static_cast<Size>(positions[key]);
  }
};

// The weights [rows, rows] of one image and head.
template <typename T>
Array<T> attention_weights(const Array<T>& qkv, Size first, Size rows, Size dim, Size heads,
                           Size head, const ScoreBias<T>& bias) {
  const Size size = dim / heads;
  Array<T> score(rows * rows);
  for (Size i = 0; i < rows; ++i)
    for (Size j = 0; j < rows; ++j) {
      for (Size c = 0; c < size; ++c)
        score[i * rows + j] += qkv[(first + i) * 3 * dim + head * size + c] *
                               qkv[(first + j) * 3 * dim + dim + head * size + c];
      score[i * rows + j] /= std::sqrt(T(size));
      if (bias.places > 0)
        score[i * rows + j] += bias.table[bias.entry(head, first + i, first + j)];
    }
  return softmax(score, rows, rows);
}

template <typename T>
Array<T> attention(const Array<T>& qkv /*[n, 3 dim]*/, const Index& starts, Size dim, Size heads,
                   const ScoreBias<T>& bias = {}) {
  Array<T> y(qkv.size() / 3);
  const Size size = dim / heads;
  for (Size image = 0; image + 1 < starts.size(); ++image) {
    const Size first = static_cast<Size>(starts[image]),
               rows = static_cast<Size>(starts[image + 1]) - first;
    for (Size head = 0; head < heads; ++head) {
      const Array<T> weights = attention_weights(qkv, first, rows, dim, heads, head, bias);
      for (Size i = 0; i < rows; ++i)
        for (Size j = 0; j < rows; ++j)
          for (Size c = 0; c < size; ++c)
            y[(first + i) * dim + head * size + c] +=
                weights[i * rows + j] * qkv[(first + j) * 3 * dim + 2 * dim + head * size + c];
    }
  }
  return y;
}

template <typename T>
void attention_backward(Array<T>& dqkv, const Array<T>& dy, const Array<T>& qkv,
                        const Index& starts, Size dim, Size heads, const ScoreBias<T>& bias = {},
                        Array<T>* dbias = nullptr) {
  const Size size = dim / heads;
  for (Size image = 0; image + 1 < starts.size(); ++image) {
    const Size first = static_cast<Size>(starts[image]),
               rows = static_cast<Size>(starts[image + 1]) - first;
    for (Size head = 0; head < heads; ++head) {
      const Array<T> weights = attention_weights(qkv, first, rows, dim, heads, head, bias);
      Array<T> dweights(rows * rows), dscore(rows * rows);
      for (Size i = 0; i < rows; ++i)
        for (Size j = 0; j < rows; ++j)
          for (Size c = 0; c < size; ++c) {
            const Size out = (first + i) * dim + head * size + c,
                       value = (first + j) * 3 * dim + 2 * dim + head * size + c;
            dweights[i * rows + j] += dy[out] * qkv[value];
            dqkv[value] += weights[i * rows + j] * dy[out];
          }
      softmax_backward(dscore, dweights, weights, rows, rows);
      for (Size i = 0; dbias && i < rows; ++i)
        for (Size j = 0; j < rows; ++j)
          (*dbias)[bias.entry(head, first + i, first + j)] += dscore[i * rows + j];
      for (Size i = 0; i < rows; ++i)
        for (Size j = 0; j < rows; ++j)
          for (Size c = 0; c < size; ++c) {
            const Size q = (first + i) * 3 * dim + head * size + c,
                       k = (first + j) * 3 * dim + dim + head * size + c;
            dqkv[q] += dscore[i * rows + j] * qkv[k] / std::sqrt(T(size));
            dqkv[k] += dscore[i * rows + j] * qkv[q] / std::sqrt(T(size));
          }
    }
  }
}

// Sequence pooling
// -------------------------------------------------------------------------------------------------
template <typename T>
Array<T> pool_weights(const Array<T>& score, const Index& starts) {
  Array<T> weights;
  for (Size image = 0; image + 1 < starts.size(); ++image) {
    const Array<T> part(score.begin() + starts[image], score.begin() + starts[image + 1]);
    if (part.empty()) continue;
    const Array<T> softened = softmax(part, 1, part.size());
    weights.insert(weights.end(), softened.begin(), softened.end());
  }
  return weights;
}

template <typename T>
Array<T> pool(const Array<T>& x /*[n, dim]*/, const Array<T>& score /*[n]*/, const Index& starts,
              Size dim) {
  const Array<T> weights = pool_weights(score, starts);
  Array<T> y((starts.size() - 1) * dim);
  for (Size image = 0; image + 1 < starts.size(); ++image)
    for (Size r = static_cast<Size>(starts[image]); r < static_cast<Size>(starts[image + 1]); ++r)
      for (Size c = 0; c < dim; ++c) y[image * dim + c] += weights[r] * x[r * dim + c];
  return y;
}

template <typename T>
void pool_backward(Array<T>* dx, Array<T>* dscore, const Array<T>& dy, const Array<T>& x,
                   const Array<T>& score, const Index& starts, Size dim) {
  const Array<T> weights = pool_weights(score, starts);
  for (Size image = 0; image + 1 < starts.size(); ++image) {
    const Size first = static_cast<Size>(starts[image]),
               rows = static_cast<Size>(starts[image + 1]) - first;
    Array<T> dweights(rows), dpart(rows);
    for (Size r = 0; r < rows; ++r)
      for (Size c = 0; c < dim; ++c) {
        dweights[r] += dy[image * dim + c] * x[(first + r) * dim + c];
        if (dx) (*dx)[(first + r) * dim + c] += weights[first + r] * dy[image * dim + c];
      }
    softmax_backward(dpart, dweights,
                     Array<T>(weights.begin() + starts[image], weights.begin() + starts[image + 1]),
                     rows ? 1 : 0, rows);
    for (Size r = 0; dscore && r < rows; ++r) (*dscore)[first + r] += dpart[r];
  }
}

// Rows
// -------------------------------------------------------------------------------------------------
template <typename T>
Array<T> gather_rows(const Array<T>& x, const Index& index, Size dim) {
  Array<T> y(index.size() * dim);
  for (Size r = 0; r < index.size(); ++r)
    for (Size c = 0; index[r] >= 0 && c < dim; ++c)
      y[r * dim + c] = x[static_cast<Size>(index[r]) * dim + c];
  return y;
}

template <typename T>
void scatter_add_rows(Array<T>& dx, const Array<T>& dy, const Index& index, Size dim) {
  for (Size r = 0; r < index.size(); ++r)
    for (Size c = 0; index[r] >= 0 && c < dim; ++c)
      dx[static_cast<Size>(index[r]) * dim + c] += dy[r * dim + c];
}

// What the straight-through backward differentiates in place of x itself.
template <typename T>
Array<T> soft_selection(const Array<T>& x /*[n, dim]*/, const Array<T>& score /*[n]*/, Size dim) {
  Array<T> y(x.size());
  for (Size i = 0; i < x.size(); ++i) y[i] = x[i] * sigmoid(score[i / dim]);
  return y;
}

template <typename T>
void straight_through_backward(Array<T>& dscore, const Array<T>& dy, const Array<T>& x,
                               const Array<T>& score, Size dim) {
  for (Size i = 0; i < x.size(); ++i)
    dscore[i / dim] += dy[i] * x[i] * sigmoid(score[i / dim]) * (T(1) - sigmoid(score[i / dim]));
}

// Experts
// -------------------------------------------------------------------------------------------------
template <typename T>
Array<T> combine(const Array<T>& residual /*[n, dim]*/, const Array<T>& e /*[n k, dim]*/,
                 const Array<T>& p /*[n, experts]*/, const Index& expert, const Index& row, Size k,
                 Size experts, Size dim) {
  Array<T> y = residual;
  for (Size i = 0; i < expert.size(); ++i)
    for (Size c = 0; row[i] >= 0 && c < dim; ++c)
      y[i / k * dim + c] += p[i / k * experts + static_cast<Size>(expert[i])] *
                            e[static_cast<Size>(row[i]) * dim + c];
  return y;
}

template <typename T>
void combine_backward(Array<T>* dresidual, Array<T>* de, Array<T>* dp, const Array<T>& dy,
                      const Array<T>& e, const Array<T>& p, const Index& expert, const Index& row,
                      Size k, Size experts, Size dim) {
  for (Size i = 0; dresidual && i < dy.size(); ++i) (*dresidual)[i] += dy[i];
  for (Size i = 0; i < expert.size(); ++i)
    for (Size c = 0; row[i] >= 0 && c < dim; ++c) {
      const Size probability = i / k * experts + static_cast<Size>(expert[i]),
                 answer = static_cast<Size>(row[i]) * dim + c;
      if (de) (*de)[answer] += p[probability] * dy[i / k * dim + c];
      if (dp) (*dp)[probability] += e[answer] * dy[i / k * dim + c];
    }
}

/// balance N sum f_i P_i + z mean(logsumexp^2); f is a constant (shares of first choices).
template <typename T>
T router_loss(const Array<T>& logits /*[n, experts]*/, const Array<T>& first_choice_share, Size n,
              Size experts, T balance, T z) {
  const Array<T> p = softmax(logits, n, experts);
  T loss = 0;
  for (Size r = 0; r < n; ++r) {
    T total = 0;
    for (Size e = 0; e < experts; ++e) {
      total += std::exp(logits[r * experts + e]);
      loss += balance * T(experts) * first_choice_share[e] * p[r * experts + e] / T(n);
    }
    loss += z * std::log(total) * std::log(total) / T(n);
  }
  return loss;
}

// Losses
// -------------------------------------------------------------------------------------------------
template <typename T>
T cross_entropy(const Array<T>& x /*[n, classes]*/, const Index& label, T smoothing, T scale,
                Size classes) {
  const Array<T> p = softmax(x, label.size(), classes);
  T loss = 0;
  for (Size r = 0; r < label.size(); ++r)
    for (Size c = 0; c < classes; ++c) {
      const T target =
          smoothing / T(classes) + (static_cast<Size>(label[r]) == c ? T(1) - smoothing : T(0));
      loss -= scale * target * std::log(p[r * classes + c]);
    }
  return loss;
}

template <typename T>
void cross_entropy_backward(Array<T>& dx, T dloss, const Array<T>& x, const Index& label,
                            T smoothing, T scale, Size classes) {
  const Array<T> p = softmax(x, label.size(), classes);
  for (Size r = 0; r < label.size(); ++r)
    for (Size c = 0; c < classes; ++c) {
      const T target =
          smoothing / T(classes) + (static_cast<Size>(label[r]) == c ? T(1) - smoothing : T(0));
      dx[r * classes + c] += dloss * scale * (p[r * classes + c] - target);
    }
}

template <typename T>
T squared_error(const Array<T>& x /*[n, dim]*/, const Array<T>& target,
                const Array<T>* weight /*[n]*/, T scale, Size dim) {
  T loss = 0;
  for (Size i = 0; i < x.size(); ++i)
    loss += scale * (weight ? (*weight)[i / dim] : T(1)) * (x[i] - target[i]) * (x[i] - target[i]);
  return loss;
}

template <typename T>
void squared_error_backward(Array<T>& dx, T dloss, const Array<T>& x, const Array<T>& target,
                            const Array<T>* weight, T scale, Size dim) {
  for (Size i = 0; i < x.size(); ++i)
    dx[i] += dloss * scale * (weight ? (*weight)[i / dim] : T(1)) * T(2) * (x[i] - target[i]);
}

// Optimiser
// -------------------------------------------------------------------------------------------------
struct AdamW {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  int step;
};

template <typename T>
void adamw(Array<T>& value, const Array<T>& gradient, Array<T>& first, Array<T>& second,
           const AdamW& s, T gradient_scale) {
  for (Size i = 0; i < value.size(); ++i) {
    const T g = gradient[i] * gradient_scale;
    first[i] = T(s.beta1) * first[i] + (T(1) - T(s.beta1)) * g;
    second[i] = T(s.beta2) * second[i] + (T(1) - T(s.beta2)) * g * g;
    const T mean = first[i] / (T(1) - std::pow(T(s.beta1), T(s.step)));
    const T square = second[i] / (T(1) - std::pow(T(s.beta2), T(s.step)));
    value[i] -= T(s.learning_rate) *
                (mean / (std::sqrt(square) + T(s.epsilon)) + T(s.weight_decay) * value[i]);
  }
}

// Data of a test: same numbers on every machine for a seed
// -------------------------------------------------------------
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : generator_(seed) {}
  int integer(int from, int to) {
    return from + static_cast<int>(generator_() % static_cast<std::uint32_t>(to - from + 1));
  }
  bool coin() { return integer(0, 1) == 1; }
  /// Uniform in [-range, range], representable as float.
  double number(double range = 1) {
    return static_cast<float>(range * (2.0 * (generator_() + 0.5) / 4294967296.0 - 1.0));
  }
  Array<double> numbers(Size count, double range = 1) {
    Array<double> values(count);
    for (double& value : values) value = number(range);
    return values;
  }
  Index indices(Size count, int from, int to) {
    Index values(count);
    for (std::int32_t& value : values) value = integer(from, to);
    return values;
  }
  /// Rows a image of a shard, images without any and with one row among them: starts [images + 1].
  Index starts(int images, int most_rows) {
    Index made{0};
    for (int i = 0; i < images; ++i)
      made.push_back(made.back() + (i == 1 ? 0 : i == 2 ? 1 : integer(0, most_rows)));
    return made;
  }
  /// k different experts for each of n rows: expert [n k].
  Index experts(Size n, int count, int k) {
    Index chosen;
    for (Size r = 0; r < n; ++r) {
      const int first = integer(0, count - 1);
      for (int j = 0; j < k; ++j) chosen.push_back((first + j) % count);
    }
    return chosen;
  }
  /// A permutation of 0..count-1.
  Index permutation(Size count) {
    Index made(count);
    for (Size i = 0; i < count; ++i) made[i] = static_cast<std::int32_t>(i);
    for (Size i = count; i > 1; --i)
      std::swap(made[i - 1], made[static_cast<Size>(integer(0, static_cast<int>(i) - 1))]);
    return made;
  }

 private:
  std::mt19937 generator_;
};

inline Index images_of_rows(const Index& starts) {
  Index image;
  for (Size i = 0; i + 1 < starts.size(); ++i)
    image.insert(image.end(), static_cast<Size>(starts[i + 1] - starts[i]),
                 static_cast<std::int32_t>(i));
  return image;
}

}  // namespace reference
