// A binary low-density parity-check code (Gallager 1962): its parity-check matrix in compressed
// rows and a systematic encoder. Made from the twelve codes of IEEE 802.11n-2009 (clause 20.3.11.6,
// shifts of Annex R), from any quasi-cyclic structure with a dual diagonal (nr_ldpc.h) or from any
// file in MacKay's `alist` format.
//
// Immutable after construction: any number of threads may encode with one code. Codewords are bits,
// one an entry.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "phy/burst/burst.h"

namespace semwave {

enum class LdpcRate : std::uint8_t { half, two_thirds, three_quarters, five_sixths };

/// A block of H: in a column of blocks, the identity with its columns shifted right by `shift`.
struct Circulant {
  std::int32_t column, shift;  // 0 <= shift < lifting size
};

/// H in blocks of `lift` rows and columns. Information comes first. The first `core` rows close a
/// dual diagonal: their first parity column stands in three of them, two of these with the same
/// shift, the others are a staircase of identities. Every row after these has a parity column of
/// its own, an identity, which is the last of the row's blocks.
struct QuasiCyclic {
  int lift = 0;  // 1 to largest_lift
  int information = 0, core = 0;
  std::vector<std::vector<Circulant>> rows;  // columns strictly increasing
};
inline constexpr int largest_lift = 384;

/// How min-sum makes up for taking the smallest magnitude for what a check knows: by a factor, or
/// by taking something off. The factor does not depend on the scale of soft bits. What is taken off
/// does better where a code relies on weak soft bits (low rates, bits that are never sent).
enum class MinSumCorrection : std::uint8_t { factor, offset };

class LdpcCode {
 public:
  /// IEEE 802.11n: `length` 648, 1296 or 1944, anything else throws Error. Information bits are the
  /// first k of the codeword, parity is found by back substitution through the dual diagonal.
  static std::shared_ptr<const LdpcCode> ieee_80211n(int length, LdpcRate rate);

  /// The code of such blocks, cut off to `length` bits: of the parity bits that have a row of their
  /// own, the last go together with their rows. At least information and core remain.
  static std::shared_ptr<const LdpcCode> quasi_cyclic(QuasiCyclic blocks, int length,
                                                      MinSumCorrection correction,
                                                      std::string name);

  /// Any code as a file of MacKay's `alist` format (lists padded with zeros or not). Everything is
  /// checked before it is believed; throws Error with file and line. The encoder comes from
  /// Gaussian elimination: rows that depend on others cost no information, k = n - rank.
  static std::shared_ptr<const LdpcCode> from_alist(const std::string& path);
  /// The same from text; `place` names it in errors.
  static std::shared_ptr<const LdpcCode> parse_alist(std::string_view text,
                                                     const std::string& place);

  /// From rows of column indices, each strictly increasing within [0, length); no row or column
  /// empty (a bug otherwise).
  LdpcCode(int length, const std::vector<std::vector<std::int32_t>>& rows, std::string name);

  const std::string& name() const { return name_; }
  int length() const { return length_; }  // n
  int checks() const {
    return static_cast<int>(row_starts_.size()) - 1;
  }  // rows of H, dependent ones too
  int information() const { return static_cast<int>(information_positions_.size()); }  // k
  double rate() const { return static_cast<double>(information()) / length(); }
  int largest_row() const { return largest_row_; }

  /// Columns of one check, increasing.
  std::span<const std::int32_t> row(int check) const {
    const auto at = static_cast<std::size_t>(check);
    return std::span(columns_).subspan(
        static_cast<std::size_t>(row_starts_[at]),
        static_cast<std::size_t>(row_starts_[at + 1] - row_starts_[at]));
  }
  std::span<const std::int32_t> row_starts() const { return row_starts_; }  // [checks + 1]
  std::span<const std::int32_t> columns() const { return columns_; }        // [edges]

  MinSumCorrection correction() const { return correction_; }
  /// How H is made of blocks; null where that is not known.
  const QuasiCyclic* blocks() const { return blocks_.lift > 0 ? &blocks_ : nullptr; }

  /// Where in a codeword the information bits stand, in their order. [information()]
  std::span<const std::int32_t> information_positions() const { return information_positions_; }

  /// `message` [information()], `codeword` [length()], which must not overlap. No allocation for
  /// codes of blocks.
  void encode(std::span<const std::uint8_t> message, std::span<std::uint8_t> codeword) const;
  /// `message` [information()] read back from its positions.
  void extract(std::span<const std::uint8_t> codeword, std::span<std::uint8_t> message) const;
  /// H c = 0.
  bool holds(std::span<const std::uint8_t> codeword) const;

 private:
  void lay_rows(const std::vector<std::vector<std::int32_t>>& rows);
  void lay_blocks();
  void eliminate();
  void encode_by_dual_diagonal(std::span<std::uint8_t> codeword) const;
  void encode_extension(std::span<std::uint8_t> codeword) const;
  LdpcCode() = default;

  std::string name_;
  int length_ = 0, largest_row_ = 0;
  std::vector<std::int32_t> row_starts_, columns_, information_positions_;

  MinSumCorrection correction_ = MinSumCorrection::factor;
  QuasiCyclic blocks_;
  int first_shift_ = 0;  // of the first parity column in the row that no other cancels

  std::vector<std::int32_t> parity_positions_;  // else: [rank] pivot of each reduced row
  std::vector<std::uint64_t>
      parity_rows_;  // [rank][words] which codeword positions sum to that bit
};

/// H of 802.11n has this many rows and columns of blocks.
inline constexpr int ldpc_block_columns = 24;

/// Largest alist that is read: columns, entries of one list, ones in all, and bits of the dense
/// matrix that elimination works on.
inline constexpr int alist_length_limit = 65536;
inline constexpr int alist_degree_limit = 1024;
inline constexpr std::int64_t alist_edge_limit = std::int64_t{1} << 21;
inline constexpr std::int64_t alist_dense_limit = std::int64_t{1} << 28;

}  // namespace semwave
