// The header layout of the label pair: the class that the transmitter decided, in
// ceil(log2(classes)) bits and nothing else. No payload follows.
#pragma once

#include <optional>

#include "phy/burst/burst.h"

namespace semwave {

int label_word_bits(int classes);
/// In the format that the believed SNR asks for.
HeaderOnAir label_header_on_air(int label, int classes, double believed_snr_db);
/// Nullopt where the word is of another length or names no class.
std::optional<int> read_label(const Bits& word, int classes);

}  // namespace semwave
