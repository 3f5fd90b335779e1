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

#include "phy/code/decoder_settings.h"
#include "phy/code/ldpc/ldpc_code.h"
#include "phy/code/ldpc/ldpc_min_sum.h"

namespace semwave {

class LdpcDecoder {
 public:
  /// Min-sum by the best kernel of this machine, or by this one.
  LdpcDecoder(std::shared_ptr<const LdpcCode> code, const LdpcDecoding& decoding,
              const cpu::MinSumKernel* kernel = nullptr);
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
