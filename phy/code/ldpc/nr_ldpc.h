// LDPC codes of 5G NR, 3GPP TS 38.212: the two base graphs and their lifting sizes (clause 5.3.2),
// the segmentation's choice of one of them (clauses 5.2.2 and 7.2.2), and which bits of a codeword
// are sent (clause 5.4.2, redundancy version 0, whole circular buffer).
//
// A codeword here begins with the two columns of blocks that are never sent, and ends with the last
// parity bit that is: the rows of H that later ones would have are not there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "phy/code/ldpc/ldpc_code.h"

namespace semwave {

inline constexpr int nr_unsent_columns = 2;

enum class NrGraph : std::uint8_t { first, second };

/// Columns of blocks that hold information, and rows of blocks; the parity columns are as many.
int nr_information_columns(NrGraph graph);  // 22, 10
int nr_rows(NrGraph graph);                 // 46, 42
/// Most bits of a code block, its CRC included: 8448, 3840.
int nr_largest_message(NrGraph graph);

/// Bits of a block up to which its CRC has 16 bits, beyond them 24 (clause 7.2.1).
inline constexpr std::int64_t nr_short_check_bits = 3824;

/// The graph for a block of so many information bits, without CRC, at a rate.
NrGraph nr_graph(std::int64_t bits, double rate);

/// A code block of `message` bits, CRC included, of which `sent` coded bits go on air.
struct NrBlock {
  NrGraph graph = NrGraph::first;
  int message = 0, sent = 0;
  int lift = 0;             // the smallest whose columns hold the message
  int before_filler = 0;    // of the circular buffer: sent before the bits that fill the message up
  int filler = 0;           // those of them that would be in the buffer; zeros, not sent
  int buffer = 0;           // length of the circular buffer without them
  int codeword_length = 0;  // up to the last bit that is sent, the core at least

  int unsent() const { return nr_unsent_columns * lift; }  // at the start of the codeword
  int information() const { return nr_information_columns(graph) * lift; }
};

/// 1 <= message <= nr_largest_message(graph), sent >= 1.
NrBlock nr_block(NrGraph graph, int message, int sent);
/// Fewest coded bits with which the bits that are never sent can be found, noise or none: three
/// columns of parity beside the message.
int nr_least_sent(NrGraph graph, int message);
/// Its code.
std::shared_ptr<const LdpcCode> nr_ldpc(const NrBlock& block);

/// The bits that are sent, in their order: `codeword` [codeword_length] to `sent` [sent].
void nr_select(const NrBlock& block, std::span<const std::uint8_t> codeword,
               std::span<std::uint8_t> sent);
/// The way back for soft bits: those that came several times are added up, filler is certain, the
/// others are 0.
void nr_collect(const NrBlock& block, std::span<const float> sent, std::span<float> codeword);

/// Clause 5.4.2.2: bits [count] in rows of a symbol's bits, written row by row, read column by
/// column; `width` divides their number. to[i] = from[nr_interleaved(i, count, width)].
inline std::size_t nr_interleaved(std::size_t at, std::size_t count, std::size_t width) {
  return at % width * (count / width) + at / width;
}

}  // namespace semwave
