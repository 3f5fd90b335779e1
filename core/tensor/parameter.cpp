// Parameters: initialisation, panels, gradient lanes.
#include "core/tensor/parameter.h"

#include <cassert>
#include <cmath>

#include "core/random/random.h"

namespace semwave {
namespace {

// FNV-1a: part of the numerics, since the draws of an initialisation are keyed by it.
std::uint32_t hash_of(const std::string& name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::vector<float> initial_values(const std::string& name, const Shape& shape, Init init,
                                  std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()),
                            init == Init::ones ? 1.0f : 0.0f);
  if (init == Init::zeros || init == Init::ones) return values;
  const std::uint32_t key = hash_of(name);
  double bound = 0;
  if (init == Init::kaiming_uniform) {
    assert(shape.rank() >= 2 && "fan_in of a vector is not known");
    bound = 1.0 / std::sqrt(static_cast<double>(shape.size()) / static_cast<double>(shape[0]));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const RandomWords words =
        philox(seed, Purpose::initialisation, key, 0, static_cast<std::uint32_t>(i));
    values[i] = static_cast<float>(init == Init::normal_002
                                       ? 0.02 * std::sqrt(2.0) * complex_normal(words).real()
                                       : bound * (2.0 * uniform(words[0]) - 1.0));
  }
  return values;
}

}  // namespace

Parameter& ParameterSet::add(const std::string& name, Shape shape, Init init, bool decay,
                             bool packs) {
  assert(by_name_.find(name) == by_name_.end());
  assert(!packs || shape.rank() >= 2);
  Parameter& parameter = parameters_.emplace_back();
  parameter.name = name;
  parameter.value = backend_->from_host(shape, initial_values(name, shape, init, seed_).data());
  parameter.decay = decay;
  parameter.packs = packs;
  parameter.offset = size_;
  size_ += shape.size();
  by_name_.emplace(name, &parameter);
  return parameter;
}

Parameter* ParameterSet::find(const std::string& name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void ParameterSet::pack(bool training) {
  for (Parameter& parameter : parameters_) {
    if (!parameter.packs) continue;
    const std::int64_t out = parameter.value.shape()[0];
    const Tensor matrix = parameter.value.reshape(
        {out, parameter.value.size() / out});  // a convolution: [out, in height width]
    parameter.forward = backend_->pack(matrix, true);
    parameter.backward =
        training || parameter.both_ways ? backend_->pack(matrix, false) : PackedMatrix{};
  }
}

Gradients::Gradients(const ParameterSet& parameters)
    : backend_(&parameters.backend()), flat_(backend_->zeros({parameters.size()})) {}

Tensor Gradients::of(const Parameter& parameter) const {
  const std::int64_t size = parameter.value.size();
  return flat_.reshape({flat_.size(), 1})
      .row_range(parameter.offset, parameter.offset + size)
      .reshape(parameter.value.shape());
}

void Gradients::clear() {
  backend_->fill(flat_, 0.0f);
}

}  // namespace semwave
