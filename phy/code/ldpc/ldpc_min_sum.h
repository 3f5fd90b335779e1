// The min-sum decoder, one for each variant of the instruction set (core/cpu/machine.h): what
// stands behind an LdpcDecoder, which owns its memory. A register holds one bit of many frames, or,
// where H is made of blocks, many bits of one frame. Both make the same bits: the checks of a row
// of blocks have no bit in common, so that in turn and all at once are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/cpu/variant.h"
#include "phy/code/ldpc/ldpc_code.h"

namespace semwave {

/// What min-sum multiplies the smallest magnitude with (13/16 in fixed point): at n = 648, r =
/// 1/2, 1.8 dB it loses a third fewer frames than 3/4, which the literature starts from, and as
/// many at r = 5/6.
inline constexpr float min_sum_scale = 0.8f;
/// What it takes off where the code asks for that (two steps in fixed point): with the codes of NR,
/// rates 1/5 to 5/6, as good as 0.6 or better, and 0.2 to 0.7 dB better than the factor at rates up
/// to 1/2.
inline constexpr float min_sum_offset = 0.5f;
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

/// A code of blocks and memory for a frame. A column's beliefs stand rotated as the last row that
/// met it has them: a row of blocks writes in order, and reads from anywhere. So that a read may
/// run over the end, the first register stands there again; so that no read meets what its row has
/// written, there are two copies, of which the one is made from the other. Where a row reads is the
/// same in every second iteration. Places are counted in numbers from `beliefs`.
struct CirculantWork {
  const std::int32_t* row_starts;  // [rows + 1], in blocks
  const std::int32_t* columns;     // [blocks]
  const std::int32_t* shifts;      // [blocks]
  int rows, column_count, lift;
  int checks, length;  // of the code, whose last row of blocks may not be whole
  int iterations;
  bool stop_early;

  const std::int32_t* reads[2];   // a row's [chunks][degree] one after another, by iteration
  const std::int32_t* writes[2];  // [blocks]
  const std::int32_t* places[2];  // [column_count] where it stands before an iteration
  const std::int32_t* firsts;     // [column_count] which bit comes first there

  std::byte* beliefs;   // [column_count][2][room] numbers
  std::byte* messages;  // as reads, registers
  std::byte* row;       // [largest row] registers

  /// Registers that hold a column, and the numbers that a copy of it has room for.
  static int chunks(int lift, int lanes) { return (lift + lanes - 1) / lanes; }
  static int room(int lift, int lanes) { return (chunks(lift, lanes) + 1) * lanes; }
};

/// `soft` [length], `codeword` [length], one outcome.
using DecodeCirculant = void (*)(const CirculantWork& work, const float* soft,
                                 std::uint8_t* codeword, LdpcOutcome* outcome);

/// At most as many frames as a register has lanes: `soft` [frames, length], `codewords` likewise,
/// `outcomes` [frames].
using DecodeMinSum = void (*)(const MinSumWork& work, const float* soft, int frames,
                              std::uint8_t* codewords, LdpcOutcome* outcomes);

struct MinSumFunctions {
  DecodeMinSum frames;
  DecodeCirculant circulants;
};

struct MinSumKernel {
  int register_bytes;
  MinSumFunctions in_floats[2], in_bytes[2];  // lanes of 4 bytes, and of one; by MinSumCorrection
};

/// Those this machine runs, the best first. Results do not depend on which.
std::vector<MinSumKernel> min_sum_kernels();

}  // namespace cpu
}  // namespace semwave
