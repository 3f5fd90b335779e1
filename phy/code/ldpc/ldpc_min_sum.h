// The min-sum decoder over lanes of frames, one for each variant of the instruction set
// (core/cpu/machine.h): what stands behind an LdpcDecoder, which owns its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/cpu/variant.h"

namespace semwave {

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

namespace cpu {

/// A code and memory for a group of frames. Arrays of registers are aligned to a register.
struct MinSumWork {
  const std::int32_t* row_starts;  // [checks + 1]
  const std::int32_t* columns;     // [edges]
  int checks, length;
  int iterations;
  bool stop_early;

  std::byte* beliefs;   // [length] registers: likelihood ratio of each bit
  std::byte* messages;  // [edges] registers: what each check last said
  std::byte* row;       // [largest row] registers: beliefs of one check's bits without its own word
  std::byte* decisions;  // [length] of frames that are done: a byte a lane
  std::byte* quantised;  // [length] a byte a lane, on their way into the lanes; in bytes alone
};

/// At most as many frames as a register has lanes: `soft` [frames, length], `codewords` likewise,
/// `outcomes` [frames].
using DecodeMinSum = void (*)(const MinSumWork& work, const float* soft, int frames,
                              std::uint8_t* codewords, LdpcOutcome* outcomes);

struct MinSumKernel {
  int register_bytes;
  DecodeMinSum in_floats, in_bytes;  // lanes of 4 bytes, and of one
};

/// Those this machine runs, the best first. Results do not depend on which.
std::vector<MinSumKernel> min_sum_kernels();

}  // namespace cpu
}  // namespace semwave
