// Highest bits first.
#include "phy/header/separation_header.h"

#include <bit>
#include <cassert>

#include "phy/transport/modulation_coding.h"

namespace semwave {

int separation_word_bits(std::int64_t budget) {
  return modulation_coding_bits +
         static_cast<int>(std::bit_width(static_cast<std::uint64_t>(budget)));
}

Bits write_separation_header(const SeparationHeader& header, std::int64_t budget) {
  assert(header.bytes >= 1 && header.bytes <= budget && header.coding >= 0 &&
         header.coding < (1 << modulation_coding_bits));
  const int width = separation_word_bits(budget);
  const std::int64_t word =
      (std::int64_t{header.coding} << (width - modulation_coding_bits)) | header.bytes;
  Bits bits;
  for (int b = width - 1; b >= 0; --b) bits.push_back((word >> b) & 1);
  return bits;
}

std::optional<SeparationHeader> read_separation_header(const Bits& word, std::int64_t budget,
                                                       int codings) {
  const int width = separation_word_bits(budget);
  if (static_cast<int>(word.size()) != width) return std::nullopt;
  std::int64_t value = 0;
  for (const std::uint8_t bit : word) value = 2 * value + bit;
  const std::int64_t bytes = value & ((std::int64_t{1} << (width - modulation_coding_bits)) - 1),
                     coding = value >> (width - modulation_coding_bits);
  if (bytes < 1 || bytes > budget || coding >= codings) return std::nullopt;
  return SeparationHeader{static_cast<int>(coding), static_cast<int>(bytes)};
}

}  // namespace semwave
