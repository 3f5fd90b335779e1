// Belief propagation for any LdpcCode, layered: the checks are worked off one after another, each
// on what the last one left (Mansour and Shanbhag 2003; Hocevar 2004). Normalised min-sum (Chen et
// al. 2005) in float and in 8-bit fixed point, sum-product in double.
//
// Min-sum takes many frames at a time, one in each lane of a register (with AVX-512: 16 in float,
// 64 in bytes): every code is fast, a frame alone costs as much as a full group. A frame's result
// does not depend on the frames beside it. One decoder serves one thread; several share a code.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "phy/code/ldpc/ldpc_code.h"

namespace semwave {

enum class LdpcAlgorithm : std::uint8_t { min_sum, min_sum_fixed, sum_product };

struct LdpcDecoding {
  LdpcAlgorithm algorithm = LdpcAlgorithm::min_sum;
  int iterations = 50;     // at most, >= 1
  bool stop_early = true;  // a frame keeps its first decisions that satisfy every check; else those
                           // after the last iteration
};

/// What min-sum multiplies the smallest magnitude with (13/16 in fixed point): at n = 648, r =
/// 1/2, 1.8 dB it loses a third fewer frames than 3/4, which the literature starts from, and as
/// many at r = 5/6.
inline constexpr float min_sum_scale = 0.8f;
/// Steps of the fixed-point decoder per unit of likelihood ratio, and where soft bits saturate, in
/// steps. Messages and beliefs have 8 bits; the room above soft bits lets checks overrule a certain
/// one (no loss against +-127 from 1.8 dB at r = 1/2 to 3.6 dB at r = 5/6).
inline constexpr float fixed_point_steps = 4.0f, fixed_point_limit = 47.0f;

struct LdpcOutcome {
  int iterations = 0;  // until the decisions were taken
  bool holds = false;  // whether they satisfy every check
};

class LdpcDecoder {
 public:
  LdpcDecoder(std::shared_ptr<const LdpcCode> code, const LdpcDecoding& decoding);
  ~LdpcDecoder();
  LdpcDecoder(LdpcDecoder&&) noexcept;
  LdpcDecoder& operator=(LdpcDecoder&&) noexcept;

  const LdpcCode& code() const { return *code_; }
  /// Frames that are decoded together; other counts leave lanes idle.
  int lanes() const;

  /// `soft` [frames, n], log P(0) - log P(1), finite. Only min_sum works on any scale of them; in
  /// fixed point, bits that claim certainty and are often wrong (an interferer that the ratios do
  /// not know of) do not decode. `codewords` [frames, n] decisions, 0 where the belief is 0.
  /// `outcomes` [frames]. Allocates nothing after construction.
  void decode(std::span<const float> soft, std::span<std::uint8_t> codewords,
              std::span<LdpcOutcome> outcomes);

  class Engine;

 private:
  std::shared_ptr<const LdpcCode> code_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace semwave
