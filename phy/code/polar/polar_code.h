// Polar codes (Arikan 2009) of any length, as 3GPP TS 38.212 matches them (clauses 5.3.1
// and 5.4.1): a mother code of 32 to 2048, sub-block interleaved, then punctured, shortened or
// repeated to the length asked for. Order of reliability: the universal sequence of 38.212 up to
// 1024; Gaussian approximation (Trifonov 2012) of the code at hand, with what its matching sends,
// for 2048, which 38.212 does not have. No distributed CRC, no parity-check bits.
//
// Decoding: successive cancellation with a list (Tal and Vardy 2015), on likelihood ratios with
// min-sum updates (Balatsoukas-Stimming et al. 2015); of the list the most likely path whose CRC
// holds.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "phy/burst/burst.h"
#include "phy/code/crc.h"

namespace semwave {

inline constexpr int polar_largest_mother = 2048;
inline constexpr int polar_largest_list = 32;
inline constexpr int polar_largest_length = 65536;

enum class PolarMatching : std::uint8_t { none, puncturing, shortening, repetition };

/// Immutable; any number of threads may share one.
class PolarCode {
 public:
  /// `information` >= 1 bits and their CRC in `length` bits on air. Throws Error where they do not
  /// fit.
  PolarCode(int information, int length, const Crc& crc = crc_11);

  int information() const { return information_; }
  int length() const { return length_; }  // E
  int mother() const { return mother_; }  // N
  PolarMatching matching() const { return matching_; }
  const Crc& crc() const { return crc_; }
  std::span<const std::uint8_t> frozen() const {
    return frozen_;
  }  // [mother] 1 where the input is 0 for both ends
  std::span<const std::int32_t> places() const {
    return places_;
  }  // [length] which mother bit each bit on air is

  /// `message` [information()], `codeword` [length()].
  void encode(std::span<const std::uint8_t> message, std::span<std::uint8_t> codeword) const;

 private:
  std::vector<std::int32_t> reliability_here() const;

  int information_, length_, mother_ = 0;
  Crc crc_;
  PolarMatching matching_ = PolarMatching::none;
  std::vector<std::uint8_t> frozen_;
  std::vector<std::int32_t> places_;
};

/// Inputs of a polar transform of `size` (a power of two up to 1024), least reliable first.
std::vector<std::int32_t> polar_reliability(int size);
/// The same for bits on air whose ratios have these means [a power of two], by Gaussian
/// approximation; 0: not sent.
std::vector<std::int32_t> polar_reliability(std::span<const double> on_air);
/// x = u F^{(x) m} in place, F = [1 0; 1 1]; its own inverse.
void polar_transform(std::span<std::uint8_t> bits);

/// One decoder serves one thread; several share a code.
class PolarDecoder {
 public:
  /// `list` 1 (successive cancellation) to 32.
  PolarDecoder(std::shared_ptr<const PolarCode> code, int list);
  ~PolarDecoder();
  PolarDecoder(PolarDecoder&&) noexcept;
  PolarDecoder& operator=(PolarDecoder&&) noexcept;

  /// Soft bits [length()], log P(0) - log P(1), finite. Returns whether a path with a right CRC was
  /// found; without one `message` [information()] is the most likely path's. Ties go to the path
  /// that was made first. Allocates nothing after construction.
  bool decode(std::span<const float> soft, std::span<std::uint8_t> message);

 private:
  class List;
  std::shared_ptr<const PolarCode> code_;
  std::unique_ptr<List> list_;
};

}  // namespace semwave
