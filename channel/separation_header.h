// What both ends of the separation pair know, and the layout of the header between them: which coding of modulation_codings() carries
// the stream and how many bytes it has. The size of the pictures, the codec and the budget are known; the stream of an image of length 0 is not sent.
#pragma once

#include <cstdint>
#include <optional>

#include "channel/burst.h"
#include "channel/carriage.h"
#include "channel/channel.h"
#include "core/json.h"

namespace semwave {

struct SeparationSettings {
  Json codec;                  // for image_codecs()
  std::int64_t budget = 0;     // channel uses an image may take, header, pilots and parity included
  Carriage carriage = Carriage::coded;
  double outage = 0.01;        // largest predicted loss of header and stream together
  ChannelSettings channel{};   // its laws, not its draws
  std::optional<double> design_snr_db{};  // what is believed whatever was observed: a link that does not adapt
};

struct SeparationHeader {
  int coding = 0;  // index in modulation_codings()
  int bytes = 0;   // of the stream, 1 or more
};

/// The coding in modulation_coding_bits, then the bytes in as many bits as `budget` has: no coding carries a byte a use.
int separation_word_bits(std::int64_t budget);
Bits write_separation_header(const SeparationHeader& header, std::int64_t budget);
/// Nullopt where the word is of another length, names no coding, or says no bytes or more than the budget holds.
std::optional<SeparationHeader> read_separation_header(const Bits& word, std::int64_t budget);

}  // namespace semwave
