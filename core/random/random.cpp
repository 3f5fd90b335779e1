// Draws from Random123's Philox4x32 with ten rounds.
#include "core/random/random.h"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace semwave {

RandomWords philox(std::uint64_t seed, Purpose purpose, std::uint32_t image, std::uint32_t visit,
                   std::uint32_t place) {
  using Generator = r123::Philox4x32;
  const Generator::ctr_type counter = {{place, visit, image, static_cast<std::uint32_t>(purpose)}};
  const Generator::key_type key = {
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const Generator::ctr_type words = Generator()(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

std::complex<double> complex_normal(const RandomWords& words) {
  // |h|^2 of CN(0, 1) is exponential with mean 1.
  const double radius = std::sqrt(-std::log(uniform(words[0])));
  const double angle = 2.0 * std::numbers::pi * uniform(words[1]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace semwave
