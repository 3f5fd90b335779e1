// Constellations of TS 38.211 and the max-log soft bits of faded symbols, dimension by dimension;
// the list of all. Soft bits after an equaliser stand in demapping.cpp.
#include "phy/modulation/modulation.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

namespace semwave {
namespace {

/// Amplitude of one dimension before scaling: (1 - 2 b0) (2^len - pam(rest)); one bit gives +-1,
/// two +-1, +-3, three up to +-7, four up to +-15.
template <typename BitAt>
int amplitude(int bits, BitAt bit_at) {
  int level = 1 - 2 * bit_at(bits - 1);
  for (int i = bits - 2; i >= 0; --i) level = (1 - 2 * bit_at(i)) * ((1 << (bits - 1 - i)) - level);
  return level;
}

/// Scale that makes the mean power of the complex symbol 1.
double scale_of(int bits_per_dimension) {
  switch (bits_per_dimension) {
    case 1:
      return 1 / std::sqrt(2.0);
    case 2:
      return 1 / std::sqrt(10.0);
    case 3:
      return 1 / std::sqrt(42.0);
    default:
      return 1 / std::sqrt(170.0);
  }
}

/// Scaled amplitudes of one dimension by their label, first bit highest.
struct Levels {
  explicit Levels(int bits_per_dimension)
      : bits(bits_per_dimension), count(1 << bits_per_dimension) {
    for (int label = 0; label < count; ++label)
      value[static_cast<std::size_t>(label)] = static_cast<float>(
          scale_of(bits) * amplitude(bits, [&](int i) { return (label >> (bits - 1 - i)) & 1; }));
  }
  int bits, count;
  std::array<float, 16> value{};
};

const Levels& levels_of(Modulation modulation) {
  static const Levels one(1), two(2), three(3), four(4);
  return modulation == Modulation::qam256  ? four
         : modulation == Modulation::qam64 ? three
         : modulation == Modulation::qam16 ? two
                                           : one;
}

/// Amplitudes of I and Q by the bits of a symbol, `bits()` of them; of TS 38.211.
std::complex<float> gray_symbol(const Levels& levels, Modulation modulation,
                                const std::uint8_t* bits) {
  if (modulation == Modulation::bpsk) return {levels.value[bits[0]], levels.value[bits[0]]};
  std::size_t i = 0, q = 0;
  for (int j = 0; j < modulation.bits(); j += 2) {
    i = 2 * i + bits[j];
    q = 2 * q + bits[j + 1];
  }
  return {levels.value[i], levels.value[q]};
}

Constellation gray_points(Modulation modulation) {
  std::vector<std::complex<double>> points;
  for (int label = 0; label < 1 << modulation.bits(); ++label) {
    std::array<std::uint8_t, 8> bits{};
    for (int b = 0; b < modulation.bits(); ++b)
      bits[static_cast<std::size_t>(b)] = (label >> (modulation.bits() - 1 - b)) & 1;
    points.emplace_back(gray_symbol(levels_of(modulation), modulation, bits.data()));
  }
  constexpr std::array<const char*, 5> names = {"BPSK", "QPSK", "16-QAM", "64-QAM", "256-QAM"};
  return Constellation(names[static_cast<std::size_t>(modulation.bits() / 2)], points);
}

/// Soft bits of one dimension at offset `z`, in units of 1/(noise variance after equalisation);
/// stride 2 interleaves I and Q.
void soft_dimension(const Levels& levels, float z, float reliability, float* soft) {
  std::array<float, 8> nearest;
  nearest.fill(std::numeric_limits<float>::max());
  for (int label = 0; label < levels.count; ++label) {
    const float d = z - levels.value[static_cast<std::size_t>(label)];
    const float squared = d * d;
    for (int i = 0; i < levels.bits; ++i) {
      float& best =
          nearest[static_cast<std::size_t>(2 * i + ((label >> (levels.bits - 1 - i)) & 1))];
      best = squared < best ? squared : best;
    }
  }
  for (int i = 0; i < levels.bits; ++i)
    soft[2 * i] =
        (nearest[static_cast<std::size_t>(2 * i + 1)] - nearest[static_cast<std::size_t>(2 * i)]) *
        reliability;
}

}  // namespace

Modulation Modulation::of(std::shared_ptr<const Constellation> points) {
  static std::mutex mutex;
  static std::vector<std::shared_ptr<const Constellation>> kept;
  const auto same = [&](const std::shared_ptr<const Constellation>& other) {
    return other->component().name == points->component().name &&
           other->component().version == points->component().version;
  };
  const std::lock_guard lock(mutex);
  const auto found = std::find_if(kept.begin(), kept.end(), same);
  const Constellation* const known = found == kept.end() ? points.get() : found->get();
  if (found == kept.end()) kept.push_back(std::move(points));
  return Modulation(known->bits(), known);
}

const Constellation& Modulation::points() const {
  static const std::array<Constellation, 5> of_38211{gray_points(bpsk), gray_points(qpsk),
                                                     gray_points(qam16), gray_points(qam64),
                                                     gray_points(qam256)};
  return outside_ != nullptr ? *outside_ : of_38211[static_cast<std::size_t>(bits_ / 2)];
}

Registry<Modulation>& modulations() {
  static Registry<Modulation> registry = [] {
    Registry<Modulation> all("constellation");
    const auto add = [&](const char* name, Modulation modulation, std::string summary) {
      all.add(name, {.summary = std::move(summary)}, [=](const Json&) { return modulation; });
    };
    add("bpsk", Modulation::bpsk, "1 bit, on the diagonal");
    add("qpsk", Modulation::qpsk, "2 bits, Gray-mapped, TS 38.211");
    add("4-qam", Modulation::qpsk, "the same");
    add("16-qam", Modulation::qam16, "4 bits");
    add("64-qam", Modulation::qam64, "6 bits");
    add("256-qam", Modulation::qam256, "8 bits");
    return all;
  }();
  return registry;
}

Modulation modulation_of(int bits) {
  assert(bits == 1 || bits == 2 || bits == 4 || bits == 6 || bits == 8);
  constexpr std::array<Modulation, 5> all{Modulation::bpsk, Modulation::qpsk, Modulation::qam16,
                                          Modulation::qam64, Modulation::qam256};
  return all[static_cast<std::size_t>(bits / 2)];
}

std::string modulation_name(Modulation modulation) {
  return modulation.points().name();
}

Symbols modulate(Modulation modulation, std::span<const std::uint8_t> bits) {
  const auto width = static_cast<std::size_t>(modulation.bits());
  assert(bits.size() % width == 0);
  Symbols symbols(bits.size() / width);
  if (!modulation.gray()) {
    const std::span<const std::complex<float>> points = modulation.points().points();
    for (std::size_t s = 0; s < symbols.size(); ++s) {
      std::size_t label = 0;
      for (std::size_t b = 0; b < width; ++b) label = 2 * label + bits[s * width + b];
      symbols[s] = points[label];
    }
    return symbols;
  }
  const Levels& levels = levels_of(modulation);
  for (std::size_t s = 0; s < symbols.size(); ++s)
    symbols[s] = gray_symbol(levels, modulation, bits.data() + s * width);
  return symbols;
}

void demodulate(Modulation modulation, std::span<const std::complex<float>> y,
                std::span<const std::complex<float>> gains, double noise_variance,
                std::span<float> soft) {
  const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
  assert(modulation.gray() && gains.size() == y.size() && soft.size() == y.size() * width &&
         noise_variance > 0);
  const Levels& levels = levels_of(modulation);
  const float inverse_noise = static_cast<float>(1 / noise_variance);
  const float amplitude_one = levels.value[0];
  for (std::size_t s = 0; s < y.size(); ++s) {
    // By hand: std::complex products test for NaN on every call.
    const float hr = gains[s].real(), hi = gains[s].imag();
    const float matched_i = hr * y[s].real() + hi * y[s].imag();  // conj(h) y
    const float matched_q = hr * y[s].imag() - hi * y[s].real();
    float* out = soft.data() + s * width;
    if (modulation == Modulation::bpsk) {
      out[0] = 4 * amplitude_one * (matched_i + matched_q) * inverse_noise;
    } else if (modulation == Modulation::qpsk) {
      out[0] = 4 * amplitude_one * matched_i * inverse_noise;
      out[1] = 4 * amplitude_one * matched_q * inverse_noise;
    } else {
      const float power = hr * hr + hi * hi;
      const float inverse_power = power > 0 ? 1 / power : 0;
      soft_dimension(levels, matched_i * inverse_power, power * inverse_noise, out);
      soft_dimension(levels, matched_q * inverse_power, power * inverse_noise, out + 1);
    }
  }
}

Bits hard_decisions(std::span<const float> soft) {
  Bits bits(soft.size());
  for (std::size_t i = 0; i < soft.size(); ++i) bits[i] = soft[i] < 0 ? 1 : 0;
  return bits;
}

}  // namespace semwave
