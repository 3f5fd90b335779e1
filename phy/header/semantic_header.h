// The header layout of the semantic pair: a fixed word, then the positions. Both ends know the grid
// size T, and whether the sender chooses modulation and coding of a digital payload: the word then
// has `coding_bits` more for its choice (0: analogue, or agreed beforehand). Where the transmitter
// has decided itself, the word holds its class in the fields that mean nothing then, and nothing
// follows.
//
// Where pictures have any size, T is `any_grid`: the word then begins with the size, and has more
// bits for the rest.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/nn/architecture.h"
#include "phy/burst/burst.h"

namespace semwave {

inline constexpr int any_grid = 0;
inline constexpr int largest_any_grid = (1 << 22) - 1;  // tokens

/// T of images of one size, any_grid where the network takes any.
inline int agreed_grid(const Architecture& architecture) {
  return architecture.window > 0 ? any_grid : architecture.grid();
}

/// How large a picture is whose size both ends do not know: the last row and column of tokens stand
/// for 1 to 16 rows and columns of pixels.
struct PictureSize {
  int grid_height = 1, grid_width = 1;  // tokens, 1..8192 each
  int last_rows = 1, last_columns = 1;

  int tokens() const { return grid_height * grid_width; }
  bool operator==(const PictureSize&) const = default;
};

enum class PositionForm : std::uint8_t {
  none,
  map,
  index
};  // none: tokens are a set; all or none sent: `index` with no bits

struct SemanticHeader {
  int exit_depth = 0;         // 0..15
  int symbols_per_token = 1;  // 1..16; 1..64 with any_grid
  bool answer = false;  // the transmitter decided: `decision` is the class, no token follows, the
                        // fields below mean nothing
  int decision = 0;     // below 2^semantic_answer_bits
  bool positions_sent = true;            // the receiver may use positions
  PooledVector<std::int32_t> positions;  // ascending, positions_sent only
  int k = 0;                             // tokens sent
  int coding = 0;      // of a digital payload: index of modulation and coding, below 2^coding_bits
  PictureSize size{};  // any_grid only
};

/// Bits of the fixed word for a grid of T tokens.
int semantic_word_bits(int grid, int coding_bits = 0);
/// Bits of the word that an answer has for its class.
int semantic_answer_bits(int grid);
/// Bits of the second part: min(T, ceil(log2 C(T, k))), 0 where positions are not sent or k is 0 or
/// T.
int position_bits(int grid, int k);
/// One or two parts. The shorter of map and combinatorial index is taken, the map where T is above
/// 1024. T = 1..1024, or any_grid.
PooledVector<Bits> write_semantic_header(const SemanticHeader& header, int grid,
                                         int coding_bits = 0);
/// Its parts in the format that the believed SNR asks for.
HeaderOnAir semantic_header_on_air(const SemanticHeader& header, int grid, double believed_snr_db,
                                   int coding_bits = 0);
/// Nullopt where the parts do not describe a possible header (wrong lengths, k above T, index out
/// of range, an answer that is none of the `classes`).
std::optional<SemanticHeader> read_semantic_header(const PooledVector<Bits>& parts, int grid,
                                                   int classes = std::numeric_limits<int>::max(),
                                                   int coding_bits = 0);
/// For find_header: bits of the second part, and what the fixed word announces of the payload.
std::optional<int> semantic_second_part_bits(const Bits& word, int grid,
                                             int classes = std::numeric_limits<int>::max(),
                                             int coding_bits = 0);
struct SemanticPayload {
  int tokens = 0, symbols_per_token = 1, coding = 0;
  /// Channel uses of an analogue payload.
  std::int64_t symbols() const { return std::int64_t{tokens} * symbols_per_token; }
};
SemanticPayload semantic_payload(const Bits& word, int grid, int coding_bits = 0);

}  // namespace semwave
