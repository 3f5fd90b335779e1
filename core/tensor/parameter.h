// The trained numbers of a model: named, packed once per checkpoint or optimiser step, gradients in
// lanes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/tensor/backend.h"
#include "core/tensor/tape.h"
#include "core/tensor/tensor.h"

namespace semwave {

enum class Init {
  zeros,
  ones,
  normal_002,
  kaiming_uniform
};  // normal_002: N(0, 0.02^2); kaiming_uniform: U(+-1/sqrt(fan_in)), PyTorch's default of a linear
    // layer

struct Parameter {
  std::string name;  // as a PyTorch state_dict would call it, prefixed transmitter. or receiver.
  Tensor value;  // a linear weight is [out, in]; a convolution's is [out, in x height x width] here
                 // ...
  Shape stored;  // ... and [out, in, height, width] in a checkpoint: set where the two differ
  bool steered = false;     // its owner changes it between steps; the optimiser leaves it alone
  bool decay = false;       // weight decay applies (matrices yes; biases, norms, embeddings no)
  bool packs = false;       // a weight of `linear`: kept in panels too
  bool both_ways = false;   // of a transposed convolution, whose forward product takes `backward`
  std::int64_t offset = 0;  // of its gradient in a lane
  PackedMatrix forward;     // panels of W^T for y = x W^T
  PackedMatrix backward;    // panels of W for dx = dy W; only while training, or where both_ways
};

/// Owns the parameters of one model. Adresses are stable. Not thread-safe while it is written (add,
/// pack, load).
class ParameterSet {
 public:
  explicit ParameterSet(Backend& backend, std::uint64_t seed = 0)
      : backend_(&backend), seed_(seed) {}

  /// Adds and initialises; the draw depends on (seed, name, element) alone. A name twice is a bug.
  Parameter& add(const std::string& name, Shape shape, Init init, bool decay = false,
                 bool packs = false);
  Parameter* find(const std::string& name);
  const std::deque<Parameter>& all() const { return parameters_; }
  std::deque<Parameter>& all() { return parameters_; }
  std::int64_t size() const { return size_; }  // floats in all
  /// Renews the panels after values changed; those of the backward products only where `training`.
  void pack(bool training);
  Backend& backend() const { return *backend_; }

 private:
  Backend* backend_;
  std::uint64_t seed_;
  std::deque<Parameter> parameters_;
  std::unordered_map<std::string, Parameter*> by_name_;
  std::int64_t size_ = 0;
};

/// One lane: the gradient of every parameter in one flat buffer [parameters.size()].
class Gradients {
 public:
  explicit Gradients(const ParameterSet& parameters);
  Tensor of(const Parameter& parameter) const;  // a view with the parameter's shape
  const Tensor& flat() const { return flat_; }
  void clear();

 private:
  Backend* backend_;
  Tensor flat_;
};

}  // namespace semwave
