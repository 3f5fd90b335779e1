// The stream of one image as a separation transmitter notes it.
#pragma once

#include "transmitter/transmitter.h"

namespace semwave {

struct SentStream {
  std::int32_t bytes = 0;    // 0: nothing fitted the budget, nothing was sent
  std::int32_t quality = 0;  // of the codec
  std::int32_t coding = -1;  // in the list; -1: a bound
};

inline PairNotes notes_of(const SentStream& stream) {
  return {stream.bytes, stream.quality, stream.coding, -1};
}
inline SentStream stream_of(const PairNotes& notes) {
  return {.bytes = notes[0], .quality = notes[1], .coding = notes[2]};
}

}  // namespace semwave
