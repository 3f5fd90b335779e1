// Construction and encoding of polar codes.
#include "phy/code/polar/polar_code.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/bounds/capacity.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr std::int32_t universal_sequence[1024] = {
#include "phy/code/polar/polar_sequence.inc"
};

/// 38.212, table 5.4.1.1-1: which of 32 sub-blocks stands where.
constexpr int sub_blocks[32] = {0,  1,  2,  4,  3,  5,  6,  7,  8,  16, 9,  17, 10, 18, 11, 19,
                                12, 20, 13, 21, 14, 22, 15, 23, 24, 25, 26, 28, 27, 29, 30, 31};

/// Logarithm of phi (Chung, Richardson and Urbanke 2001), which tells what a check does to ratios
/// that are Gaussian of mean x and variance 2x, in the approximation by pieces of Ha, Kim and
/// McLaughlin (2004).
double log_phi(double x) {
  if (x < 0.867861) return (0.0564 * x - 0.4856) * x;
  if (x < 10) return 0.0218 - 0.4527 * std::pow(x, 0.86);
  return 0.5 * std::log(3.14159265358979323846 / x) + std::log1p(-10 / (7 * x)) - x / 4;
}

double inverse_log_phi(double y) {
  if (y > -1e-6) return -y / 0.4856;
  double low = 0, high = 8;
  while (log_phi(high) > y) high *= 2;
  for (int i = 0; i < 60; ++i) (log_phi(0.5 * (low + high)) > y ? low : high) = 0.5 * (low + high);
  return 0.5 * (low + high);
}

/// Means of the inputs' ratios where the bits on air have these; the order of 'means' is that of
/// polar_transform. A check of means a and b answers phi^-1(1 - (1 - phi(a)) (1 - phi(b))), a bit
/// of both a + b.
void combine(std::span<double> means) {
  for (std::size_t half = means.size() / 2; half > 0; half /= 2)
    for (std::size_t block = 0; block < means.size(); block += 2 * half)
      for (std::size_t i = block; i < block + half; ++i) {
        const double a = means[i], b = means[i + half];
        const double phi_a = log_phi(a), phi_b = log_phi(b);
        const double near = std::max(phi_a, phi_b), far = std::min(phi_a, phi_b);
        // phi_a + phi_b - phi_a phi_b, whichever form keeps its digits.
        means[i] = near > -0.5
                       ? inverse_log_phi(std::log1p(-std::expm1(near) * std::expm1(far)))
                       : inverse_log_phi(near + std::log1p(std::exp(far - near) - std::exp(far)));
        means[i + half] = a + b;
      }
}

/// A ratio that tells everything: of a bit that both ends know.
constexpr double certain = 1e3;

int log2_up(int value) {
  int bits = 0;
  while (1 << bits < value) ++bits;
  return bits;
}

/// 38.212, clause 5.3.1, with at most 2048 instead of 512 or 1024.
int mother_length(int carried, int length) {
  const int up = log2_up(length);
  // length <= 9/8 2^(up - 1) and carried / length < 9/16: repeat from the next smaller one.
  const bool repeat = up > 0 && 16 * length <= 9 * (1 << up) && 16 * carried < 9 * length;
  const int by_rate = log2_up(8 * carried);
  return 1 << std::clamp(std::min(repeat ? up - 1 : up, by_rate), 5, 11);
}

}  // namespace

std::vector<std::int32_t> polar_reliability(int size) {
  assert(size >= 1 && size <= 1024 && (size & (size - 1)) == 0);
  std::vector<std::int32_t> order;
  for (const std::int32_t input : universal_sequence)
    if (input < size) order.push_back(input);
  return order;
}

std::vector<std::int32_t> polar_reliability(std::span<const double> on_air) {
  std::vector<double> means(on_air.begin(), on_air.end());
  combine(means);
  std::vector<std::int32_t> order(means.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return means[static_cast<std::size_t>(a)] < means[static_cast<std::size_t>(b)];
  });
  return order;
}

void polar_transform(std::span<std::uint8_t> bits) {
  for (std::size_t half = 1; half < bits.size(); half *= 2)
    for (std::size_t block = 0; block < bits.size(); block += 2 * half)
      for (std::size_t i = block; i < block + half; ++i) bits[i] ^= bits[i + half];
}

PolarCode::PolarCode(int information, int length, const Crc& crc)
    : information_(information), length_(length), crc_(crc) {
  const std::string place =
      "polar code (" + std::to_string(length) + ", " + std::to_string(information) + ")";
  if (information < 1) throw Error(place, "at least one information bit is needed");
  if (length > polar_largest_length)
    throw Error(place, "longer than " + std::to_string(polar_largest_length) + " bits");
  if (information > polar_largest_mother - crc.bits || information + crc.bits > length)
    throw Error(place,
                "with its CRC of " + std::to_string(crc.bits) + " bits the message does not fit");
  const int carried = information + crc.bits;
  mother_ = mother_length(carried, length);
  if (carried > mother_)
    throw Error(place, "with its CRC the message does not fit into the mother code of " +
                           std::to_string(mother_));

  std::vector<std::int32_t> interleaved(static_cast<std::size_t>(mother_));
  const int block = mother_ / 32;
  for (int n = 0; n < mother_; ++n)
    interleaved[static_cast<std::size_t>(n)] = sub_blocks[n / block] * block + n % block;
  // Inputs that what is not sent makes useless: cut off from the channel, or 0 by agreement.
  std::vector<std::uint8_t> lost(static_cast<std::size_t>(mother_), 0);
  int first = 0;
  if (length >= mother_) {
    matching_ = length == mother_ ? PolarMatching::none : PolarMatching::repetition;
  } else if (16 * carried <= 7 * length) {
    matching_ = PolarMatching::puncturing;
    first = mother_ - length;
    for (int n = 0; n < first; ++n)
      lost[static_cast<std::size_t>(interleaved[static_cast<std::size_t>(n)])] = 1;
    // ceil(3N/4 - E/2) or ceil(9N/16 - E/4) inputs from the first on.
    const int also = 4 * length >= 3 * mother_ ? (3 * mother_ - 2 * length + 3) / 4
                                               : (9 * mother_ - 4 * length + 15) / 16;
    for (int n = 0; n < also; ++n) lost[static_cast<std::size_t>(n)] = 1;
  } else {
    matching_ = PolarMatching::shortening;
    for (int n = length; n < mother_; ++n)
      lost[static_cast<std::size_t>(interleaved[static_cast<std::size_t>(n)])] = 1;
  }
  for (int k = 0; k < length; ++k)
    places_.push_back(interleaved[static_cast<std::size_t>((first + k) % mother_)]);

  frozen_.assign(static_cast<std::size_t>(mother_), 1);
  const std::vector<std::int32_t> order =
      mother_ <= 1024 ? polar_reliability(mother_) : reliability_here();
  int open = carried;
  for (auto input = order.rbegin(); input != order.rend() && open > 0; ++input) {
    if (lost[static_cast<std::size_t>(*input)]) continue;
    frozen_[static_cast<std::size_t>(*input)] = 0;
    --open;
  }
  if (open > 0) throw Error(place, "too few inputs are left after puncturing");
}

std::vector<std::int32_t> PolarCode::reliability_here() const {
  // BPSK where this code comes to lose one block in a hundred; a real dimension with noise N0/2 has
  // ratios of mean 4 Es/N0.
  const double rate = static_cast<double>(information_ + crc_.bits) / length_;
  const double mean =
      4 * std::pow(10.0, normal_approximation_snr_db(Modulation::bpsk, length_, rate, 0.01) / 10);
  std::vector<double> on_air(static_cast<std::size_t>(mother_),
                             matching_ == PolarMatching::shortening ? certain : 0.0);
  std::vector<int> sent(on_air.size(), 0);
  for (const std::int32_t place : places_) ++sent[static_cast<std::size_t>(place)];
  for (std::size_t i = 0; i < sent.size(); ++i)
    if (sent[i] > 0) on_air[i] = std::min(certain, sent[i] * mean);
  return polar_reliability(on_air);
}

void PolarCode::encode(std::span<const std::uint8_t> message,
                       std::span<std::uint8_t> codeword) const {
  assert(message.size() == static_cast<std::size_t>(information_) &&
         codeword.size() == static_cast<std::size_t>(length_));
  const Bits checked = append_crc(crc_, message);
  Bits inputs(frozen_.size(), 0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!frozen_[i]) inputs[i] = checked[next++];
  polar_transform(inputs);
  for (std::size_t k = 0; k < places_.size(); ++k)
    codeword[k] = inputs[static_cast<std::size_t>(places_[k])];
}

std::string polar_tables_sha256() {
  const std::string text = canonical({universal_sequence, sub_blocks});
  return sha256(text.data(), text.size());
}

}  // namespace semwave
