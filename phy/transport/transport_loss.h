// The table behind predicted_loss (modulation_coding.h): Es/N0 over AWGN at which one code block is
// lost with a given probability. Written by benchmarks/transport_loss_table.cpp, which simulates
// Transport itself.
//
// A table is worth what its codes are: it carries the digest of the codes it was made from, and
// tests hold that against the codes of the build, so that a change of a code and a forgotten table
// do not pass together.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "phy/transport/modulation_coding.h"

namespace semwave {

/// Losses of a code block at which a row knows the SNR, falling.
inline constexpr std::array<double, 6> loss_table_losses = {0.5, 0.1, 3e-2, 1e-2, 1e-3, 1e-4};

struct LossRow {
  std::string_view code;    // ldpc (802.11n), polar, convolutional; as LossRows have it
  double rate = 0;          // of the code, before any shortening
  int bits_per_symbol = 2;  // the constellation of TS 38.211; BPSK is read off QPSK
  int bits = 0;             // information bits of the code block, without its CRC
  int length = 0;           // of an LDPC code, before any shortening
  std::array<double, loss_table_losses.size()> snr_db{};  // rising

  /// Of a code whose only fields are rate and length.
  ModulationCoding coding() const;
};

/// Every row of the build, those of one code, rate, constellation and length together, by growing
/// bits.
std::span<const LossRow> transport_loss_table();

/// Rows of a code from outside, in the same order, whose names outlive the program's work (literals
/// do). To be called before the first loss is predicted. Throws Error where a row is out of order
/// or its SNRs do not rise, or where the code has rows already.
void add_loss_rows(std::span<const LossRow> rows);

/// SHA-256 over what the codes of these rows put on air for fixed messages: it changes with the
/// layout of blocks, a code, its rate matching, its CRC or the interleaver. Decoders are not in it;
/// the tests that simulate hold them.
std::string coded_sha256(std::span<const LossRow> rows);

/// coded_sha256 of the rows as the table was made.
std::string transport_loss_table_codes();

/// SHA-256 over every value of the table, rows from outside included: another table is another sum,
/// with nothing to remember. Results say by it which table they were made with.
std::string transport_loss_table_sha256();

}  // namespace semwave
