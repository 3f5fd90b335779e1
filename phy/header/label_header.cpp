// Highest bit first.
#include "phy/header/label_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "phy/header/header_codec.h"

namespace semwave {

int label_word_bits(int classes) {
  return std::max(1, static_cast<int>(std::bit_width(static_cast<unsigned>(classes - 1))));
}

HeaderOnAir label_header_on_air(int label, int classes, double believed_snr_db) {
  assert(label >= 0 && label < classes);
  const std::array<int, 1> bits{label_word_bits(classes)};
  Bits word;
  for (int b = bits[0] - 1; b >= 0; --b) word.push_back((label >> b) & 1);
  return {.parts = {std::move(word)}, .format = choose_header_format(bits, believed_snr_db)};
}

std::optional<int> read_label(const Bits& word, int classes) {
  if (static_cast<int>(word.size()) != label_word_bits(classes)) return std::nullopt;
  int label = 0;
  for (const std::uint8_t bit : word) label = 2 * label + bit;
  return label < classes ? std::optional<int>(label) : std::nullopt;
}

}  // namespace semwave
