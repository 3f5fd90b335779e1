// Parity-check matrices and their systematic encoders. The alist reader stands in alist.cpp.
#include "phy/code/ldpc/ldpc_code.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <sstream>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

struct Standard {
  int length, lift, block_rows;
  const char* shifts;
};

constexpr Standard standards[] = {
#include "phy/code/ldpc/ldpc_80211n.inc"
};

int block_rows_of(LdpcRate rate) {
  switch (rate) {
    case LdpcRate::half:
      return 12;
    case LdpcRate::two_thirds:
      return 8;
    case LdpcRate::three_quarters:
      return 6;
    case LdpcRate::five_sixths:
      return 4;
  }
  assert(false);
  return 0;
}

/// a ^= b rotated: a[r] ^= b[(r + shift) mod z], the product with the identity whose columns are
/// shifted right by `shift`.
void add_rotated(std::uint8_t* a, const std::uint8_t* b, int shift, int lift) {
  for (int r = 0; r < lift - shift; ++r) a[r] ^= b[r + shift];
  for (int r = lift - shift; r < lift; ++r) a[r] ^= b[r + shift - lift];
}

}  // namespace

std::shared_ptr<const LdpcCode> LdpcCode::ieee_80211n(int length, LdpcRate rate) {
  const int block_rows = block_rows_of(rate);
  const auto standard = std::find_if(
      std::begin(standards), std::end(standards),
      [&](const Standard& s) { return s.length == length && s.block_rows == block_rows; });
  if (standard == std::end(standards))
    throw Error("LDPC code of 802.11n", "a length of " + std::to_string(length) +
                                            " does not exist, only 648, 1296 and 1944");

  QuasiCyclic blocks{
      .lift = standard->lift,
      .information = ldpc_block_columns - block_rows,
      .core = block_rows,
      .rows = std::vector<std::vector<Circulant>>(static_cast<std::size_t>(block_rows))};
  std::istringstream shifts(standard->shifts);
  for (int i = 0; i < block_rows; ++i) {
    std::vector<Circulant>& row = blocks.rows[static_cast<std::size_t>(i)];
    for (int j = 0; j < blocks.information; ++j) {
      std::string word;
      shifts >> word;
      if (word != "-") row.push_back({j, std::stoi(word)});
    }
    // The first parity column holds the shifts 1, 0, 1 in the first, middle and last row.
    if (i == 0 || i == block_rows - 1) row.push_back({blocks.information, 1});
    if (i == block_rows / 2) row.push_back({blocks.information, 0});
    if (i > 0) row.push_back({blocks.information + i, 0});
    if (i < block_rows - 1) row.push_back({blocks.information + i + 1, 0});
  }
  const int information = blocks.information * blocks.lift;
  return quasi_cyclic(
      std::move(blocks), length, MinSumCorrection::factor,
      "802.11n LDPC (" + std::to_string(length) + ", " + std::to_string(information) + ")");
}

std::shared_ptr<const LdpcCode> LdpcCode::quasi_cyclic(QuasiCyclic blocks, int length,
                                                       MinSumCorrection correction,
                                                       std::string name) {
  std::shared_ptr<LdpcCode> code(new LdpcCode());
  code->name_ = std::move(name);
  code->length_ = length;
  code->correction_ = correction;
  code->blocks_ = std::move(blocks);
  code->lay_blocks();
  return code;
}

void LdpcCode::lay_blocks() {
  const int z = blocks_.lift, information = blocks_.information * z, rows = length_ - information;
  assert(z >= 1 && z <= largest_lift && rows >= blocks_.core * z &&
         rows <= static_cast<int>(blocks_.rows.size()) * z);
  blocks_.rows.resize(static_cast<std::size_t>((rows + z - 1) / z));
  row_starts_.push_back(0);
  for (int i = 0; i < rows; ++i) {
    for (const Circulant& block : blocks_.rows[static_cast<std::size_t>(i / z)])
      columns_.push_back(block.column * z + (i + block.shift) % z);
    row_starts_.push_back(static_cast<std::int32_t>(columns_.size()));
    largest_row_ = std::max(largest_row_, row_starts_.back() - row_starts_.end()[-2]);
  }
  for (int i = 0; i < information; ++i) information_positions_.push_back(i);

  // Two of the three shifts of the first parity column are the same.
  std::vector<int> single;
  for (int i = 0; i < blocks_.core; ++i)
    for (const Circulant& block : blocks_.rows[static_cast<std::size_t>(i)]) {
      if (block.column != blocks_.information) continue;
      const auto same = std::find(single.begin(), single.end(), block.shift);
      if (same == single.end())
        single.push_back(block.shift);
      else
        single.erase(same);
    }
  assert(single.size() == 1);
  first_shift_ = single.front();
}

LdpcCode::LdpcCode(int length, const std::vector<std::vector<std::int32_t>>& rows, std::string name)
    : name_(std::move(name)), length_(length) {
  lay_rows(rows);
  eliminate();
}

void LdpcCode::lay_rows(const std::vector<std::vector<std::int32_t>>& rows) {
  row_starts_.push_back(0);
  for (const std::vector<std::int32_t>& row : rows) {
    assert(!row.empty() && row.front() >= 0 && row.back() < length_ &&
           std::is_sorted(row.begin(), row.end(), std::less_equal<>()));
    columns_.insert(columns_.end(), row.begin(), row.end());
    row_starts_.push_back(static_cast<std::int32_t>(columns_.size()));
    largest_row_ = std::max(largest_row_, static_cast<int>(row.size()));
  }
}

// Gauss-Jordan from the last column to the first, so that a code whose last columns are independent
// carries its information first.
void LdpcCode::eliminate() {
  const auto words = static_cast<std::size_t>((length_ + 63) / 64);
  std::vector<std::vector<std::uint64_t>> dense(static_cast<std::size_t>(checks()),
                                                std::vector<std::uint64_t>(words, 0));
  for (int i = 0; i < checks(); ++i)
    for (const std::int32_t c : row(i))
      dense[static_cast<std::size_t>(i)][static_cast<std::size_t>(c) / 64] |= std::uint64_t{1}
                                                                              << (c % 64);
  std::size_t rank = 0;
  for (std::int32_t column = length_ - 1; column >= 0; --column) {
    const std::size_t word = static_cast<std::size_t>(column) / 64;
    const std::uint64_t bit = std::uint64_t{1} << (column % 64);
    std::size_t pivot = rank;
    while (pivot < dense.size() && !(dense[pivot][word] & bit)) ++pivot;
    if (pivot == dense.size()) {
      information_positions_.push_back(column);
      continue;
    }
    std::swap(dense[rank], dense[pivot]);
    const std::uint64_t* from = dense[rank].data();
    for (std::size_t other = 0; other < dense.size(); ++other) {
      if (other == rank || !(dense[other][word] & bit)) continue;
      std::uint64_t* to = dense[other].data();
      for (std::size_t w = 0; w < words; ++w) to[w] ^= from[w];
    }
    parity_positions_.push_back(column);
    ++rank;
  }
  std::reverse(information_positions_.begin(), information_positions_.end());
  parity_rows_.reserve(rank * words);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int32_t own = parity_positions_[i];
    dense[i][static_cast<std::size_t>(own) / 64] &= ~(std::uint64_t{1} << (own % 64));
    parity_rows_.insert(parity_rows_.end(), dense[i].begin(), dense[i].end());
  }
}

void LdpcCode::encode(std::span<const std::uint8_t> message,
                      std::span<std::uint8_t> codeword) const {
  assert(message.size() == information_positions_.size() &&
         codeword.size() == static_cast<std::size_t>(length_));
  if (blocks()) {
    std::copy(message.begin(), message.end(), codeword.begin());
    encode_by_dual_diagonal(codeword);
    encode_extension(codeword);
    return;
  }
  const auto words = static_cast<std::size_t>((length_ + 63) / 64);
  PooledVector<std::uint64_t> known(words, 0);
  for (std::size_t i = 0; i < message.size(); ++i) {
    const auto at = static_cast<std::size_t>(information_positions_[i]);
    codeword[at] = message[i];
    known[at / 64] |= static_cast<std::uint64_t>(message[i] & 1u) << (at % 64);
  }
  for (std::size_t i = 0; i < parity_positions_.size(); ++i) {
    const std::uint64_t* from = parity_rows_.data() + i * words;
    std::uint64_t sum = 0;
    for (std::size_t w = 0; w < words; ++w) sum ^= from[w] & known[w];
    codeword[static_cast<std::size_t>(parity_positions_[i])] =
        static_cast<std::uint8_t>(std::popcount(sum) & 1);
  }
}

// With s_i the sum of information in block row i: all rows of the core added leave p_0, shifted,
// = sum of s_i; then p_{i+1} = s_i + p_i + (p_0, shifted as row i has it).
void LdpcCode::encode_by_dual_diagonal(std::span<std::uint8_t> codeword) const {
  const int z = blocks_.lift, rows = blocks_.core, information = blocks_.information;
  std::uint8_t* parity = codeword.data() + information * z;
  std::fill(parity, parity + rows * z, std::uint8_t{0});
  std::uint8_t sum_of_all[largest_lift] = {};
  // s_i lies where p_{i+1} will; that of the last row is needed in p_0 alone.
  for (int i = 0; i < rows; ++i) {
    std::uint8_t* sum = i + 1 < rows ? parity + (i + 1) * z : sum_of_all;
    for (const Circulant& block : blocks_.rows[static_cast<std::size_t>(i)])
      if (block.column < information)
        add_rotated(sum, codeword.data() + block.column * z, block.shift, z);
  }
  for (int i = 1; i < rows; ++i) add_rotated(sum_of_all, parity + i * z, 0, z);
  add_rotated(parity, sum_of_all, (z - first_shift_) % z, z);
  for (int i = 0; i + 1 < rows; ++i) {
    std::uint8_t* next = parity + (i + 1) * z;
    if (i > 0) add_rotated(next, parity + i * z, 0, z);
    for (const Circulant& block : blocks_.rows[static_cast<std::size_t>(i)])
      if (block.column == information) add_rotated(next, parity, block.shift, z);
  }
}

/// A parity bit with a row of its own is the sum of the others there.
void LdpcCode::encode_extension(std::span<std::uint8_t> codeword) const {
  const int z = blocks_.lift;
  for (auto i = static_cast<std::size_t>(blocks_.core); i < blocks_.rows.size(); ++i) {
    const std::vector<Circulant>& row = blocks_.rows[i];
    std::uint8_t sum[largest_lift] = {};
    for (std::size_t b = 0; b + 1 < row.size(); ++b)
      add_rotated(sum, codeword.data() + row[b].column * z, row[b].shift, z);
    const int own = row.back().column * z;
    std::copy(sum, sum + std::min(z, length_ - own), codeword.data() + own);
  }
}

void LdpcCode::extract(std::span<const std::uint8_t> codeword,
                       std::span<std::uint8_t> message) const {
  assert(message.size() == information_positions_.size() &&
         codeword.size() == static_cast<std::size_t>(length_));
  for (std::size_t i = 0; i < message.size(); ++i)
    message[i] = codeword[static_cast<std::size_t>(information_positions_[i])];
}

bool LdpcCode::holds(std::span<const std::uint8_t> codeword) const {
  assert(codeword.size() == static_cast<std::size_t>(length_));
  for (int i = 0; i < checks(); ++i) {
    unsigned sum = 0;
    for (const std::int32_t c : row(i)) sum ^= codeword[static_cast<std::size_t>(c)];
    if (sum & 1u) return false;
  }
  return true;
}

std::string ldpc_tables_sha256() {
  Json table = Json::array();
  for (const Standard& code : standards)
    table.push_back({code.length, code.lift, code.block_rows, code.shifts});
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
