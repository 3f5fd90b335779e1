#include "phy/digital/quantiser.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/tensor/backend.h"

namespace semwave {
namespace {

/// Step of the uniform quantiser of N(0, 1) that errs least, by bits: J. Max, "Quantizing for
/// minimum distortion", IRE Trans. IT-6, 1960, table II.
constexpr std::array<double, largest_quantiser_bits + 1> best_step = {
    0, 1.596, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0569, 0.0308};

double best_range(int bits) {
  assert(bits >= 1 && bits <= largest_quantiser_bits);
  return best_step[static_cast<std::size_t>(bits)] * std::exp2(bits - 1) * std::numbers::sqrt2 / 2;
}

}  // namespace

QuantisedNormal quantised_normal(int bits, double range) {
  const auto below = [](double x) { return 0.5 * std::erfc(-x); };  // P(X < x)
  const auto density = [](double x) { return std::exp(-x * x) / std::sqrt(std::numbers::pi); };
  const int cells = 1 << bits;
  const double width = 2 * range / cells, far = std::max(10.0, 2 * range);
  QuantisedNormal sum;
  for (int c = 0; c < cells; ++c) {
    const double a = c == 0 ? -far : -range + c * width,
                 b = c + 1 == cells ? far : -range + (c + 1) * width,
                 m = -range + (c + 0.5) * width;
    const double mass = below(b) - below(a), first = (density(a) - density(b)) / 2,
                 second = mass / 2 + (a * density(a) - b * density(b)) / 2;
    sum.error += second - 2 * m * first + m * m * mass;
    sum.power += m * m * mass;
  }
  return sum;
}

Quantiser::Quantiser(int bits, double range)
    : bits_(bits),
      range_(range),
      step_(std::ldexp(2 * range, -bits)),
      error_(quantised_normal(bits, range).error) {
  assert(bits >= 1 && bits <= largest_quantiser_bits && range > 0);
}

Quantiser::Quantiser(int bits) : Quantiser(bits, best_range(bits)) {}

int Quantiser::index(float value) const {
  const double cell = (static_cast<double>(value) + range_) / step_;
  return cell > 0 ? static_cast<int>(std::min(cell, static_cast<double>((1 << bits_) - 1)))
                  : 0;  // no number at all goes lowest
}

void Quantiser::write(std::span<const float> values, std::span<std::uint8_t> bits) const {
  const auto width = static_cast<std::size_t>(bits_);
  assert(bits.size() == values.size() * width);
  for (std::size_t v = 0; v < values.size(); ++v) {
    const int cell = index(values[v]);
    for (std::size_t b = 0; b < width; ++b)
      bits[v * width + b] =
          static_cast<std::uint8_t>((cell >> (bits_ - 1 - static_cast<int>(b))) & 1);
  }
}

void Quantiser::read(std::span<const std::uint8_t> bits, std::span<float> values) const {
  const auto width = static_cast<std::size_t>(bits_);
  assert(bits.size() == values.size() * width);
  for (std::size_t v = 0; v < values.size(); ++v) {
    int cell = 0;
    for (std::size_t b = 0; b < width; ++b) cell = 2 * cell + bits[v * width + b];
    values[v] = value(cell);
  }
}

Var soft_to_hard(Pass& pass, const Var& x, const Quantiser& quantiser, double hardness) {
  assert(hardness > 0);
  Backend& backend = pass.backend;
  const auto count = static_cast<std::size_t>(x.value().size());
  PooledVector<float> values(count);
  backend.to_host(x.value(), values.data());
  // The slope is kept, not the values: the forward pass knows them both.
  PooledVector<float> slope(pass.recording() ? count : 0);
  const double step = quantiser.step();
  for (std::size_t i = 0; i < count; ++i) {
    const double value = values[i];
    const int nearest = quantiser.index(values[i]);
    values[i] = quantiser.value(nearest);
    if (slope.empty()) continue;
    // In units of the step, from the nearest level: weights relative to its own, which is the
    // greatest.
    const double to_nearest = (value - static_cast<double>(quantiser.value(nearest))) / step;
    double mass = 0, first = 0, second = 0;
    for (int j = 0; j < 1 << quantiser.bits(); ++j) {
      const double away = j - nearest, distance = to_nearest - away;
      const double weight = std::exp(-hardness * (distance * distance - to_nearest * to_nearest));
      mass += weight;
      first += weight * away;
      second += weight * away * away;
    }
    first /= mass;
    slope[i] = static_cast<float>(2 * hardness * (second / mass - first * first));
  }
  Var y = pass.output(backend.from_host(x.value().shape(), values.data()), {&x});
  if (y.needs_gradient())
    pass.tape->record([&backend, x, y, slope = std::move(slope)] {
      if (!y.has_gradient()) return;
      PooledVector<float> gradient(slope.size());
      backend.to_host(y.gradient(backend), gradient.data());
      for (std::size_t i = 0; i < slope.size(); ++i) gradient[i] *= slope[i];
      backend.add_scaled(x.gradient(backend), backend.from_host(x.value().shape(), gradient.data()),
                         1);
    });
  return y;
}

}  // namespace semwave
