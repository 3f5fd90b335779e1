// What a scenario says of decoding (its `decoder`). A code reads what concerns it; a code of one's
// own takes settings of its own among its fields.
#pragma once

#include <cstdint>

namespace semwave {

enum class LdpcAlgorithm : std::uint8_t { min_sum, min_sum_fixed, sum_product };

struct LdpcDecoding {
  LdpcAlgorithm algorithm = LdpcAlgorithm::min_sum;
  int iterations = 50;     // at most, >= 1
  bool stop_early = true;  // a frame keeps its first decisions that satisfy every check; else those
                           // after the last iteration
};

struct DecoderSettings {
  LdpcDecoding ldpc{};
  int list = 8;  // of polar decoding
};

}  // namespace semwave
