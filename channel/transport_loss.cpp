// Predicted losses of blocks, and what a sender chooses by them.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "channel/capacity.h"
#include "channel/modulation_coding.h"
#include "core/json.h"

namespace semwave {
namespace {

constexpr double gap_db = 1;  // of a good code to the normal approximation, where no table knows it

struct LossRow {
  ChannelCode code;
  double rate;
  int bits_per_symbol;
  int bits;    // of the code block, without its CRC
  int length;  // of an LDPC code
  std::array<double, 4> snr_db;
};

#include "channel/transport_loss_table.inc"

using Thresholds = std::array<double, loss_table_losses.size()>;

/// Uncoded bits: every dimension of every symbol right. Of L levels the outer ones have one neighbour: 2 (1 - 1/L) Q(d / sqrt(N0 / 2)).
double uncoded_loss(double bits, Modulation modulation, double snr_db) {
  const double snr = std::pow(10.0, snr_db / 10);
  if (modulation == Modulation::bpsk) return -std::expm1(bits * std::log1p(-normal_tail(std::sqrt(2 * snr))));
  const int width = bits_per_symbol(modulation) / 2;
  const double levels = std::exp2(width), wrong = 2 * (1 - 1 / levels) * normal_tail(std::sqrt(3 * snr / (levels * levels - 1)));
  return -std::expm1(bits / width * std::log1p(-wrong));
}

/// log10 of the expected number of losing events: close to straight in the SNR, as for headers.
double exponent(double loss) { return std::log10(-std::log1p(-loss)); }

double loss_between(const Thresholds& snr_db, double at) {
  std::size_t left = 0;
  while (left + 2 < snr_db.size() && at > snr_db[left + 1]) ++left;
  const double from = exponent(loss_table_losses[left]), to = exponent(loss_table_losses[left + 1]);
  const double value = from + (at - snr_db[left]) / (snr_db[left + 1] - snr_db[left]) * (to - from);
  return -std::expm1(-std::pow(10.0, std::clamp(value, -300.0, 300.0)));
}

Thresholds mix(const Thresholds& a, const Thresholds& b, double share) {
  Thresholds made;
  for (std::size_t l = 0; l < made.size(); ++l) made[l] = a[l] + share * (b[l] - a[l]);
  return made;
}

/// Rows of one code, rate and constellation by growing bits, straight in the logarithm of message and CRC. Nullopt where there are none.
std::optional<Thresholds> by_bits(ChannelCode code, double rate, int width, int length, double bits, int crc_bits) {
  const LossRow *below = nullptr, *above = nullptr;
  for (const LossRow& row : loss_table) {
    if (row.code != code || std::abs(row.rate - rate) > 1e-4 || row.bits_per_symbol != width || row.length != length) continue;
    if (row.bits <= bits && (!below || row.bits > below->bits)) below = &row;
    if (row.bits >= bits && (!above || row.bits < above->bits)) above = &row;
  }
  if (!below || !above || below == above) return below ? std::optional(below->snr_db) : above ? std::optional(above->snr_db) : std::nullopt;
  const auto place = [&](double b) { return std::log(b + crc_bits); };
  return mix(below->snr_db, above->snr_db, (place(bits) - place(below->bits)) / (place(above->bits) - place(below->bits)));
}

/// What the table knows of a code block. A polar code's rate lies between two of the table, straight in its logarithm.
std::optional<Thresholds> known(const BlockLayout& layout, std::int64_t block_bits) {
  const ModulationCoding& coding = layout.coding;
  if (coding.file) return std::nullopt;
  // BPSK is QPSK with all of a symbol's energy in one bit.
  const bool bpsk = coding.modulation == Modulation::bpsk;
  const int width = bpsk ? 2 : bits_per_symbol(coding.modulation);
  const auto bits = static_cast<double>(block_bits);
  std::optional<Thresholds> found;
  if (coding.code == ChannelCode::polar) {
    double below = 0, above = 1;
    for (const LossRow& row : loss_table) {
      if (row.code != ChannelCode::polar || row.bits_per_symbol != width) continue;
      if (row.rate <= coding.rate + 1e-4) below = std::max(below, row.rate);
      if (row.rate >= coding.rate - 1e-4) above = std::min(above, row.rate);
    }
    const auto low = by_bits(ChannelCode::polar, below, width, 0, bits, layout.crc.bits), high = by_bits(ChannelCode::polar, above, width, 0, bits, layout.crc.bits);
    if (!low || !high) return std::nullopt;
    found = above - below < 1e-4 ? low : mix(*low, *high, std::log(coding.rate / below) / std::log(above / below));
  } else {
    const bool ldpc = coding.code == ChannelCode::ldpc;  // full code blocks, whatever this one holds
    found = by_bits(coding.code, coding.rate, width, ldpc ? coding.length : 0, ldpc ? 1e9 : bits, layout.crc.bits);
  }
  if (found && bpsk)
    for (double& snr_db : *found) snr_db -= 10 * std::log10(2.0);
  return found;
}

/// log(1 - loss) of one code block.
double log_success(const BlockLayout& layout, std::int64_t block_bits, double snr_db) {
  const auto bits = static_cast<double>(block_bits + layout.crc.bits), coded = static_cast<double>(layout.coded_bits_of(block_bits));
  double loss = 0;
  if (layout.coding.code == ChannelCode::none) {
    loss = uncoded_loss(coded, layout.coding.modulation, snr_db);
  } else if (const std::optional<Thresholds> thresholds = known(layout, block_bits)) {
    loss = loss_between(*thresholds, snr_db);
  } else {
    const double uses = coded / bits_per_symbol(layout.coding.modulation);
    loss = normal_approximation_error(constellation_information(layout.coding.modulation, std::pow(10.0, (snr_db - gap_db) / 10)), uses, bits / uses);
  }
  return std::log1p(-std::min(1 - 1e-16, loss));
}

}  // namespace

double predicted_loss(std::int64_t bits, const ModulationCoding& coding, double snr_db) {
  const BlockLayout layout = lay_blocks(bits, coding);
  if (layout.blocks == 0) return 0;
  const auto longer = static_cast<double>(layout.bits % layout.blocks), shorter = layout.blocks - longer;
  double sum = shorter * log_success(layout, layout.bits / layout.blocks, snr_db);
  if (longer > 0) sum += longer * log_success(layout, layout.bits / layout.blocks + 1, snr_db);
  return -std::expm1(sum);
}

std::optional<TransportChoice> densest(std::int64_t uses, double believed_snr_db, double largest_loss) {
  std::optional<TransportChoice> best;
  const auto& codings = modulation_codings();
  for (std::size_t i = 0; i < codings.size(); ++i) {
    const std::int64_t bits = bits_within(uses, codings[i]);
    if (bits == 0 || (best && bits <= best->bits)) continue;
    const double loss = predicted_loss(bits, codings[i], believed_snr_db);
    if (loss <= largest_loss) best = {.index = static_cast<int>(i), .bits = bits, .uses = transport_uses(bits, codings[i]), .loss = loss};
  }
  return best;
}

TransportChoice cheapest(std::int64_t bits, double believed_snr_db, double largest_loss) {
  TransportChoice best{.bits = bits, .uses = std::numeric_limits<std::int64_t>::max(), .loss = 2};
  const auto& codings = modulation_codings();
  for (std::size_t i = 0; i < codings.size(); ++i) {
    const double loss = predicted_loss(bits, codings[i], believed_snr_db);
    const std::int64_t uses = transport_uses(bits, codings[i]);
    const bool fits = loss <= largest_loss, best_fits = best.loss <= largest_loss;
    if (fits ? !best_fits || uses < best.uses : !best_fits && loss < best.loss) best = {.index = static_cast<int>(i), .bits = bits, .uses = uses, .loss = loss};
  }
  return best;
}

std::string transport_loss_table_sha256() {
  Json rows = Json::array();
  for (const LossRow& row : loss_table)
    rows.push_back({channel_code_name(row.code), row.rate, row.bits_per_symbol, row.bits, row.length, row.snr_db});
  const std::string text = canonical({loss_table_losses, rows});
  return sha256(text.data(), text.size());
}

}  // namespace semwave
