// Fixed word and positions of the semantic pair. Every number is written highest bit first:
// exit depth 4, symbols per token - 1 4, answer 1, position form 2, k ceil(log2(T + 1)), coding;
// then map or index. With the answer bit set, the class takes the 4 + 2 + ceil(log2(T + 1)) bits of
// symbols, form and k, in this order. With any_grid the word begins with the rows and columns of
// tokens - 1, 13 bits each, and the rows and columns of pixels - 1 that the last ones stand for, 4
// bits each; symbols per token - 1 has 6 bits and k 22.
#include "phy/header/semantic_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "phy/header/header_codec.h"

namespace semwave {
namespace {

constexpr int form_bits = 2, side_bits = 13, last_bits = 4;
constexpr int largest_index_grid = 1024;

/// Where the fields of the word begin, and their bits.
struct WordFields {
  int depth_at = 0, symbols_bits = 4, count_bits = 0;

  int symbols_at() const { return depth_at + 4; }
  int answer_at() const { return symbols_at() + symbols_bits; }
  int form_at() const { return answer_at() + 1; }
  int count_at() const { return form_at() + form_bits; }
  int coding_at() const { return count_at() + count_bits; }
};

WordFields fields_of(int grid) {
  if (grid == any_grid)
    return {.depth_at = 2 * (side_bits + last_bits), .symbols_bits = 6, .count_bits = 22};
  assert(grid >= 1 && grid <= largest_index_grid);
  return {.count_bits = static_cast<int>(std::bit_width(static_cast<unsigned>(grid)))};
}

/// A number below 2^1056: C(1024, 512) times 1024 fits. Only the limbs in use are worked on: a grid
/// of 49 tokens needs two.
class Wide {
 public:
  explicit Wide(std::uint32_t value = 0) : used_(value != 0) { limbs_[0] = value; }

  bool operator<=(const Wide& other) const {
    if (used_ != other.used_) return used_ < other.used_;
    for (std::size_t i = used_; i-- > 0;)
      if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i];
    return true;
  }
  Wide& operator+=(const Wide& other) {
    std::uint64_t carry = 0;
    const std::size_t longest = std::max(used_, other.used_);
    for (std::size_t i = 0; i < longest; ++i) {
      carry += std::uint64_t{limbs_[i]} + other.limbs_[i];
      limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    used_ = longest;
    push(static_cast<std::uint32_t>(carry));
    return *this;
  }
  Wide& operator-=(const Wide& other) {  // other <= *this
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      borrow += std::int64_t{limbs_[i]} - other.limbs_[i];
      limbs_[i] = static_cast<std::uint32_t>(borrow);
      borrow >>= 32;
    }
    assert(borrow == 0);
    trim();
    return *this;
  }
  /// value * factor / divisor, which must leave no rest.
  Wide& scale(int factor, int divisor) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      carry += std::uint64_t{limbs_[i]} * static_cast<std::uint32_t>(factor);
      limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    push(static_cast<std::uint32_t>(carry));
    std::uint64_t rest = 0;
    for (std::size_t i = used_; i-- > 0;) {
      rest = (rest << 32) | limbs_[i];
      limbs_[i] = static_cast<std::uint32_t>(rest / static_cast<std::uint32_t>(divisor));
      rest %= static_cast<std::uint32_t>(divisor);
    }
    assert(rest == 0);
    trim();
    return *this;
  }
  int bit_length() const {
    return used_ == 0 ? 0 : static_cast<int>(32 * (used_ - 1) + std::bit_width(limbs_[used_ - 1]));
  }
  std::uint8_t bit(int place) const {
    return (limbs_[static_cast<std::size_t>(place / 32)] >> (place % 32)) & 1u;
  }
  void set_bit(int place) {
    const auto limb = static_cast<std::size_t>(place / 32);
    limbs_[limb] |= 1u << (place % 32);
    used_ = std::max(used_, limb + 1);
  }

 private:
  void push(std::uint32_t limb) {
    if (limb == 0) return;
    assert(used_ < limbs_.size());
    limbs_[used_++] = limb;
  }
  void trim() {
    while (used_ > 0 && limbs_[used_ - 1] == 0) --used_;
  }

  std::array<std::uint32_t, 33> limbs_{};  // those from used_ on are zero
  std::size_t used_ = 0;
};

Wide binomial(int n, int k) {
  Wide value(1);
  for (int j = 1; j <= k; ++j) value.scale(n - k + j, j);
  return value;
}

/// ceil(log2 C(T, k)).
int index_bits(int grid, int k) {
  Wide last = binomial(grid, k);
  last -= Wide(1);
  return last.bit_length();
}

/// Combinatorial number system: sum of C(p_i, i) over the positions p_1 < p_2 < ..., walked from
/// the last place down.
Bits write_index(const PooledVector<std::int32_t>& positions, int grid) {
  int i = static_cast<int>(positions.size());
  const int width = index_bits(grid, i);
  Wide step = binomial(grid, i), rank;  // step: C(p, i) for the place looked at
  step.scale(grid - i, grid);
  for (int p = grid - 1; p > 0 && i > 0; --p) {
    if (positions[static_cast<std::size_t>(i - 1)] == p) {
      rank += step;
      step.scale(i, p);
      --i;
    } else {
      step.scale(p - i, p);
    }
  }
  Bits bits;
  for (int b = width - 1; b >= 0; --b) bits.push_back(rank.bit(b));
  return bits;
}

/// Nullopt where the index is not below C(T, k).
std::optional<PooledVector<std::int32_t>> read_index(const Bits& bits, int grid, int k) {
  Wide rank;
  for (std::size_t b = 0; b < bits.size(); ++b)
    if (bits[b]) rank.set_bit(static_cast<int>(bits.size() - 1 - b));
  Wide step = binomial(grid, k);
  if (step <= rank) return std::nullopt;
  PooledVector<std::int32_t> positions(static_cast<std::size_t>(k));
  step.scale(grid - k, grid);
  int i = k;
  for (int p = grid - 1; i > 0; --p) {
    if (step <= rank) {
      positions[static_cast<std::size_t>(--i)] = p;
      rank -= step;
      if (p > 0) step.scale(i + 1, p);
    } else {
      step.scale(p - i, p);
    }
  }
  return positions;
}

void append_number(Bits& bits, int value, int width) {
  assert(value >= 0 && value < (1 << width));
  for (int b = width - 1; b >= 0; --b) bits.push_back((value >> b) & 1);
}

int number_at(const Bits& bits, int begin, int width) {
  int value = 0;
  for (int b = 0; b < width; ++b) value = 2 * value + bits[static_cast<std::size_t>(begin + b)];
  return value;
}

/// The class of an answer.
int decision_at(const Bits& word, const WordFields& at) {
  const int high = number_at(word, at.symbols_at(), at.symbols_bits),
            middle = number_at(word, at.form_at(), form_bits),
            low = number_at(word, at.count_at(), at.count_bits);
  return (((high << form_bits) | middle) << at.count_bits) | low;
}

PositionForm shorter_form(int grid, int k) {
  if (k == 0 || k == grid) return PositionForm::index;
  return grid <= largest_index_grid && index_bits(grid, k) <= grid ? PositionForm::index
                                                                   : PositionForm::map;
}

void append_size(Bits& word, const PictureSize& size) {
  append_number(word, size.grid_height - 1, side_bits);
  append_number(word, size.grid_width - 1, side_bits);
  append_number(word, size.last_rows - 1, last_bits);
  append_number(word, size.last_columns - 1, last_bits);
}

PictureSize size_at(const Bits& word) {
  return {number_at(word, 0, side_bits) + 1, number_at(word, side_bits, side_bits) + 1,
          number_at(word, 2 * side_bits, last_bits) + 1,
          number_at(word, 2 * side_bits + last_bits, last_bits) + 1};
}

/// Tokens of the image: agreed, or what the word says.
int grid_of(const Bits& word, int grid) {
  return grid == any_grid ? size_at(word).tokens() : grid;
}

}  // namespace

int semantic_word_bits(int grid, int coding_bits) {
  return fields_of(grid).coding_at() + coding_bits;
}

int semantic_answer_bits(int grid) {
  const WordFields at = fields_of(grid);
  return at.symbols_bits + form_bits + at.count_bits;
}

int position_bits(int grid, int k) {
  assert(k >= 0 && k <= grid);
  if (k == 0 || k == grid) return 0;
  return grid <= largest_index_grid ? std::min(grid, index_bits(grid, k)) : grid;
}

PooledVector<Bits> write_semantic_header(const SemanticHeader& header, int agreed,
                                         int coding_bits) {
  const WordFields at = fields_of(agreed);
  Bits word;
  if (agreed == any_grid) append_size(word, header.size);
  append_number(word, header.exit_depth, 4);
  if (header.answer) {
    assert(header.decision >= 0 && header.decision < (1 << semantic_answer_bits(agreed)));
    append_number(word, header.decision >> (form_bits + at.count_bits), at.symbols_bits);
    append_number(word, 1, 1);
    append_number(word, (header.decision >> at.count_bits) & ((1 << form_bits) - 1), form_bits);
    append_number(word, header.decision & ((1 << at.count_bits) - 1), at.count_bits);
    append_number(word, 0, coding_bits);
    return {std::move(word)};
  }
  const int grid = agreed == any_grid ? header.size.tokens() : agreed;
  assert(header.k >= 0 && header.k <= grid);
  assert(!header.positions_sent || static_cast<int>(header.positions.size()) == header.k);
  const PositionForm form =
      header.positions_sent ? shorter_form(grid, header.k) : PositionForm::none;
  append_number(word, header.symbols_per_token - 1, at.symbols_bits);
  append_number(word, 0, 1);
  append_number(word, static_cast<int>(form), form_bits);
  append_number(word, header.k, at.count_bits);
  append_number(word, header.coding, coding_bits);
  PooledVector<Bits> parts{std::move(word)};
  if (form == PositionForm::none || position_bits(grid, header.k) == 0) return parts;
  if (form == PositionForm::index) {
    parts.push_back(write_index(header.positions, grid));
  } else {
    Bits map(static_cast<std::size_t>(grid), 0);
    for (const std::int32_t p : header.positions) map[static_cast<std::size_t>(p)] = 1;
    parts.push_back(std::move(map));
  }
  return parts;
}

std::optional<int> semantic_second_part_bits(const Bits& word, int agreed, int classes,
                                             int coding_bits) {
  if (static_cast<int>(word.size()) != semantic_word_bits(agreed, coding_bits)) return std::nullopt;
  const WordFields at = fields_of(agreed);
  const int grid = grid_of(word, agreed);
  if (agreed == any_grid && grid > largest_any_grid) return std::nullopt;
  if (word[static_cast<std::size_t>(at.answer_at())])
    return decision_at(word, at) < classes ? std::optional<int>(0) : std::nullopt;
  const int form = number_at(word, at.form_at(), form_bits),
            k = number_at(word, at.count_at(), at.count_bits);
  if (form > static_cast<int>(PositionForm::index) || k > grid) return std::nullopt;
  if (form == static_cast<int>(PositionForm::none) || k == 0 || k == grid) return 0;
  if (form == static_cast<int>(PositionForm::map)) return grid;
  return grid <= largest_index_grid ? std::optional<int>(index_bits(grid, k)) : std::nullopt;
}

SemanticPayload semantic_payload(const Bits& word, int agreed, int coding_bits) {
  assert(static_cast<int>(word.size()) == semantic_word_bits(agreed, coding_bits));
  const WordFields at = fields_of(agreed);
  if (word[static_cast<std::size_t>(at.answer_at())]) return {};
  return {number_at(word, at.count_at(), at.count_bits),
          number_at(word, at.symbols_at(), at.symbols_bits) + 1,
          number_at(word, at.coding_at(), coding_bits)};
}

HeaderOnAir semantic_header_on_air(const SemanticHeader& header, int grid, double believed_snr_db,
                                   int coding_bits) {
  HeaderOnAir made{write_semantic_header(header, grid, coding_bits), 0};
  PooledVector<int> bits;
  for (const Bits& part : made.parts) bits.push_back(static_cast<int>(part.size()));
  made.format = choose_header_format(bits, believed_snr_db);
  return made;
}

std::optional<SemanticHeader> read_semantic_header(const PooledVector<Bits>& parts, int agreed,
                                                   int classes, int coding_bits) {
  if (parts.empty()) return std::nullopt;
  const Bits& word = parts[0];
  const std::optional<int> second_bits =
      semantic_second_part_bits(word, agreed, classes, coding_bits);
  if (!second_bits || parts.size() != (*second_bits > 0 ? 2u : 1u)) return std::nullopt;
  const WordFields at = fields_of(agreed);
  const int grid = grid_of(word, agreed);
  SemanticHeader header;
  if (agreed == any_grid) header.size = size_at(word);
  header.exit_depth = number_at(word, at.depth_at, 4);
  if (word[static_cast<std::size_t>(at.answer_at())]) {
    header.answer = true;
    header.decision = decision_at(word, at);
    header.positions_sent = false;
    return header;
  }
  const SemanticPayload payload = semantic_payload(word, agreed, coding_bits);
  header.symbols_per_token = payload.symbols_per_token;
  header.k = payload.tokens;
  header.coding = payload.coding;
  const auto form = static_cast<PositionForm>(number_at(word, at.form_at(), form_bits));
  header.positions_sent = form != PositionForm::none;
  if (!header.positions_sent) return header;
  if (*second_bits == 0) {
    for (int p = 0; p < header.k; ++p) header.positions.push_back(p);
    return header;
  }
  const Bits& second = parts[1];
  if (static_cast<int>(second.size()) != *second_bits) return std::nullopt;
  if (form == PositionForm::index) {
    std::optional<PooledVector<std::int32_t>> positions = read_index(second, grid, header.k);
    if (!positions) return std::nullopt;
    header.positions = std::move(*positions);
  } else {
    for (int p = 0; p < grid; ++p)
      if (second[static_cast<std::size_t>(p)]) header.positions.push_back(p);
    if (static_cast<int>(header.positions.size()) != header.k) return std::nullopt;
  }
  return header;
}

}  // namespace semwave
