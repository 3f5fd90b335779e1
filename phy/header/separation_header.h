// The header between the ends of the separation pair: which coding of their list carries the
// stream and how many bytes it has. Both ends know the budget; the stream of an image of length
// 0 is not sent.
#pragma once

#include <cstdint>
#include <optional>

#include "phy/burst/burst.h"

namespace semwave {

struct SeparationHeader {
  int coding = 0;  // index in the list
  int bytes = 0;   // of the stream, 1 or more
};

/// The coding in modulation_coding_bits, then the bytes in as many bits as `budget` has: no coding
/// carries a byte a use.
int separation_word_bits(std::int64_t budget);
Bits write_separation_header(const SeparationHeader& header, std::int64_t budget);
/// Nullopt where the word is of another length, names none of so many codings, or says no bytes or
/// more than the budget holds.
std::optional<SeparationHeader> read_separation_header(const Bits& word, std::int64_t budget,
                                                       int codings);

}  // namespace semwave
