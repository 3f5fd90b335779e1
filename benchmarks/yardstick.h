// The network that semwave is measured with: 28x28 grey, patch 4 (49 tokens), dim 128, 6 blocks of
// 4 heads and MLP x2, class head: 84.7 MFLOP per image. Here is what is timed on it, cut into
// shards and threads as experiment/run/evaluate.cpp and training_step.cpp do.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/base/thread_pool.h"
#include "core/cpu/vector.h"
#include "core/nn/layers.h"
#include "core/random/random.h"
#include "core/tensor/optimiser.h"
#include "transmitter/gate/gate.h"

namespace semwave::yardstick {

inline constexpr int image_count = 64, image_values = 28 * 28, classes = 10;
inline constexpr int gate_depth = 2, kept_tokens = 12,
                     half_depth = 3;  // what `keep` and `half` leave out
inline constexpr float label_smoothing = 0.1f;

inline Architecture architecture() {
  Architecture a;
  a.dim = 128;
  a.heads = 4;
  a.tokeniser = {{.channels = 128, .window = {.kernel = 4, .stride = 4, .padding = 0}}};
  a.transmitter_blocks = 6;
  a.transmitter_hidden = 256;
  return a;
}

inline float draw(std::uint32_t stream, std::uint32_t element) {
  return static_cast<float>(uniform(philox(1, Purpose::data_bits, stream, 0, element)[0]));
}

enum class Skip {
  nothing,
  tokens,
  blocks
};  // all; 12 of 49 tokens after block 2; blocks after the third

/// Scores that are given, not computed: the work of removing rows without that of a gate.
class GivenScores final : public Gate {
 public:
  Var score(Pass&, const Tokens&, int, const Var&) const override { return {}; }
};

class Network {
 public:
  explicit Network(Backend& backend, bool training = false)
      : set_(backend, 1), tokeniser_(set_, "tokeniser", architecture()) {
    const Architecture a = architecture();
    for (int b = 0; b < a.transmitter_blocks; ++b)
      blocks_.emplace_back(set_, "blocks." + std::to_string(b), a.dim, a.heads,
                           a.transmitter_hidden, 0);
    head_ = std::make_unique<ClassHead>(set_, "head", a.dim, classes, 0);
    // Biases and norms start at 0 and 1; moved off there, so that a peer that mixes them up gives
    // other outputs.
    std::uint32_t stream = 1000;
    for (Parameter& parameter : set_.all()) {
      if (parameter.value.shape().rank() != 1) continue;
      std::vector<float> values(static_cast<std::size_t>(parameter.value.size()));
      backend.to_host(parameter.value, values.data());
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += 0.2f * draw(stream, static_cast<std::uint32_t>(i)) - 0.1f;
      backend.copy(parameter.value, backend.from_host(parameter.value.shape(), values.data()));
      ++stream;
    }
    set_.pack(training);
  }

  Var operator()(Pass& pass, const Tensor& images, Skip skip) const {
    Tokens tokens = tokeniser_(pass, images);
    for (int depth = 0; depth < static_cast<int>(blocks_.size()); ++depth) {
      if (skip == Skip::blocks && depth == half_depth) break;
      if (skip == Skip::tokens && depth == gate_depth) tokens = remove_tokens(pass, tokens);
      tokens = blocks_[static_cast<std::size_t>(depth)](pass, tokens, {});
    }
    return (*head_)(pass, tokens, {});
  }

  ParameterSet& parameters() { return set_; }
  const ParameterSet& parameters() const { return set_; }

 private:
  static Tokens remove_tokens(Pass& pass, const Tokens& tokens) {
    static const std::vector<float> drawn = [] {
      std::vector<float> values(1 << 16);
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = draw(2000, static_cast<std::uint32_t>(i));
      return values;
    }();
    const Var scores(pass.backend.from_host({tokens.layout->rows(), 1}, drawn.data()));
    const PooledVector<int> k(static_cast<std::size_t>(tokens.layout->images()), kept_tokens);
    return keep_best(pass, GivenScores(), tokens, scores, k).tokens;
  }

  ParameterSet set_;
  Tokeniser tokeniser_;
  std::vector<Block> blocks_;
  std::unique_ptr<ClassHead> head_;
};

/// 64 images [64, 28, 28, 1] of noise: no kernel's time depends on the numbers.
inline const std::vector<float>& images() {
  static const std::vector<float> made = [] {
    std::vector<float> values(static_cast<std::size_t>(image_count) * image_values);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = draw(1, static_cast<std::uint32_t>(i));
    return values;
  }();
  return made;
}

inline Tensor image_range(Backend& backend, int first, int count) {
  return backend.from_host({count, 28, 28, 1},
                           images().data() + static_cast<std::ptrdiff_t>(first) * image_values);
}

/// Logits of the first `batch` images, [batch, classes]; returns the operations executed.
inline double forward(const Network& network, int batch, int shard, ThreadPool& pool, Skip skip,
                      float* logits) {
  Backend& backend = network.parameters().backend();
  const int shards = (batch + shard - 1) / shard;
  std::array<double, image_count> operations{};
  pool.run(shards, [&](int s) {
    const int first = s * shard, count = std::min(shard, batch - first);
    Pass pass{.backend = backend};
    const Var out = network(pass, image_range(backend, first, count), skip);
    backend.to_host(out.value(), logits + static_cast<std::ptrdiff_t>(first) * classes);
    operations[static_cast<std::size_t>(s)] = pass.operations;
  });
  double sum = 0;
  for (int s = 0; s < shards; ++s) sum += operations[static_cast<std::size_t>(s)];
  return sum;
}

/// Training of a network of its own: forward, backward, AdamW at a constant rate, no clipping.
/// Image i has label i mod 10.
class Training {
 public:
  static constexpr int lane_count = 8;  // as experiment/train/training_step.cpp

  explicit Training(Backend& backend, ThreadPool& pool)
      : backend_(backend),
        pool_(pool),
        network_(backend, true),
        optimiser_(network_.parameters(),
                   {.learning_rate = 1e-3, .floor_ratio = 1, .weight_decay = 0.05, .clip_norm = 0},
                   &pool) {
    for (int lane = 0; lane < lane_count; ++lane) lanes_.emplace_back(network_.parameters());
  }

  /// The loss before the step.
  double step(int batch, int shard) {
    const int shards = (batch + shard - 1) / shard;
    std::vector<std::unique_ptr<Work>> works(static_cast<std::size_t>(shards));
    pool_.run(lane_count, [&](int lane) {
      Gradients& gradients = lanes_[static_cast<std::size_t>(lane)];
      gradients.clear();
      for (int s = lane; s < shards; s += lane_count) {
        auto& work = works[static_cast<std::size_t>(s)] = std::make_unique<Work>(backend_);
        work->pass.tape = &work->tape;
        work->pass.gradients = &gradients;
        work->pass.training = true;
        work->pass.shard = s;
        const int first = s * shard, count = std::min(shard, batch - first);
        PooledVector<std::int32_t> labels;
        for (int i = first; i < first + count; ++i) labels.push_back(i % classes);
        const Var logits = network_(work->pass, image_range(backend_, first, count), Skip::nothing);
        work->loss = cross_entropy(work->pass, logits, labels, label_smoothing,
                                   1.0f / static_cast<float>(batch));
        backend_.to_host(work->loss.value(), &work->value);
      }
    });
    pool_.run(lane_count, [&](int lane) {
      for (int s = lane; s < shards; s += lane_count) {
        Work& work = *works[static_cast<std::size_t>(s)];
        work.tape.backward(backend_, work.loss);
      }
    });
    optimiser_.step(lanes_);
    double loss = 0;
    for (const auto& work : works) loss += static_cast<double>(work->value);
    return loss;
  }

 private:
  struct Work {
    explicit Work(Backend& backend) : pass{.backend = backend} {}
    Tape tape;
    Pass pass;
    Var loss;
    float value = 0;
  };
  Backend& backend_;
  ThreadPool& pool_;
  Network network_;
  Optimiser optimiser_;
  std::vector<Gradients> lanes_;
};

/// One thread's multiply-adds from registers, as fast as they go; returns the operations and leaves
/// something that depends on them.
inline double multiply_add(int turns, float* left) {
  using cpu::Vector;
  constexpr int chains = 12;  // at least latency x units of today's cores
  const Vector a = cpu::broadcast(0.999f), b = cpu::broadcast(1e-3f);
  Vector sums[chains];
#pragma GCC unroll 16
  for (int chain = 0; chain < chains; ++chain)
    sums[chain] = cpu::broadcast(static_cast<float>(chain));
  for (int turn = 0; turn < turns; ++turn) {
#pragma GCC unroll 16
    for (int chain = 0; chain < chains; ++chain) sums[chain] = sums[chain] * a + b;
  }
  Vector total = sums[0];
#pragma GCC unroll 16
  for (int chain = 1; chain < chains; ++chain) total += sums[chain];
  cpu::store_partial(left, total, 1);
  return 2.0 * cpu::vector_width * chains * turns;
}

/// Every thread of the pool at once; returns the operations of all.
inline double multiply_add_peak(ThreadPool& pool, int turns) {
  std::array<double, 256> operations{};
  std::array<float, 256> left{};
  const int threads = std::min(pool.threads(), 256);
  pool.run(threads, [&](int task) {
    operations[static_cast<std::size_t>(task)] =
        multiply_add(turns, &left[static_cast<std::size_t>(task)]);
  });
  double sum = 0;
  for (int task = 0; task < threads; ++task)
    sum += operations[static_cast<std::size_t>(task)] +
           0.0 * static_cast<double>(left[static_cast<std::size_t>(task)]);
  return sum;
}

}  // namespace semwave::yardstick
