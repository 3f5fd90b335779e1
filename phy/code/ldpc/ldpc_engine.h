// What stands behind an LdpcDecoder.
#pragma once

#include <memory>

#include "phy/code/ldpc/ldpc_decoder.h"

namespace semwave {

class LdpcDecoder::Engine {
 public:
  virtual ~Engine() = default;
  virtual int lanes() const = 0;
  /// At most lanes() frames.
  virtual void decode(const float* soft, int frames, std::uint8_t* codewords,
                      LdpcOutcome* outcomes) = 0;
};

std::unique_ptr<LdpcDecoder::Engine> make_sum_product(const LdpcCode& code,
                                                      const LdpcDecoding& decoding);

}  // namespace semwave
