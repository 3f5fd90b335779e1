// Frames of an 802.11n code as heard, and what a decoder makes of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "phy/code/ldpc/ldpc_decoder.h"
#include "tests/phy/code/coded_frames.h"

namespace semwave {

struct Frames {
  std::shared_ptr<const LdpcCode> code;
  std::vector<float> soft;
  Bits sent;
  std::size_t count = 0;
};

inline Frames heard_frames(int length, LdpcRate rate, double eb_n0_db, std::size_t count,
                           std::uint32_t first = 0) {
  Frames frames{LdpcCode::ieee_80211n(length, rate), {}, {}, count};
  const auto n = static_cast<std::size_t>(length);
  frames.soft.resize(count * n);
  frames.sent.resize(count * n);
  for (std::size_t f = 0; f < count; ++f) {
    const std::span<std::uint8_t> codeword(frames.sent.data() + f * n, n);
    frames.code->encode(random_message(static_cast<std::size_t>(frames.code->information()),
                                       first + static_cast<std::uint32_t>(f)),
                        codeword);
    hear_bpsk(codeword, eb_n0_db, frames.code->rate(), first + static_cast<std::uint32_t>(f),
              {frames.soft.data() + f * n, n});
  }
  return frames;
}

struct Decoded {
  Bits codewords;
  std::vector<LdpcOutcome> outcomes;
  int wrong = 0;
};

inline Decoded decode(const Frames& frames, const LdpcDecoding& decoding) {
  LdpcDecoder decoder(frames.code, decoding);
  Decoded result{Bits(frames.sent.size()), std::vector<LdpcOutcome>(frames.count)};
  decoder.decode(frames.soft, result.codewords, result.outcomes);
  const auto n = static_cast<std::ptrdiff_t>(frames.code->length());
  for (std::size_t f = 0; f < frames.count; ++f) {
    const auto at = static_cast<std::ptrdiff_t>(f) * n;
    result.wrong += !std::equal(frames.sent.begin() + at, frames.sent.begin() + at + n,
                                result.codewords.begin() + at);
    EXPECT_EQ(result.outcomes[f].holds,
              frames.code->holds({result.codewords.data() + at, static_cast<std::size_t>(n)}));
  }
  return result;
}

}  // namespace semwave
