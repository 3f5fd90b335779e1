// Predicted losses of blocks, and what a sender chooses by them.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/bounds/capacity.h"
#include "phy/transport/transport.h"
#include "phy/transport/transport_loss.h"

namespace semwave {
namespace {

constexpr double gap_db = 1;  // of a good code to the normal approximation, where no table knows it

#include "phy/transport/transport_loss_table.inc"

using Thresholds = std::array<double, loss_table_losses.size()>;

/// Uncoded bits: every dimension of every symbol right. Of L levels the outer ones have one
/// neighbour: 2 (1 - 1/L) Q(d / sqrt(N0 / 2)).
double uncoded_loss(double bits, Modulation modulation, double snr_db) {
  const double snr = std::pow(10.0, snr_db / 10);
  if (modulation == Modulation::bpsk)
    return -std::expm1(bits * std::log1p(-normal_tail(std::sqrt(2 * snr))));
  const int width = bits_per_symbol(modulation) / 2;
  const double levels = std::exp2(width),
               wrong =
                   2 * (1 - 1 / levels) * normal_tail(std::sqrt(3 * snr / (levels * levels - 1)));
  return -std::expm1(bits / width * std::log1p(-wrong));
}

/// log10 of the expected number of losing events: close to straight in the SNR, as for headers.
double exponent(double loss) {
  return std::log10(-std::log1p(-loss));
}

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

/// Rows of one code, rate, constellation and length.
using Curve = std::span<const LossRow>;

/// The curves of one code and constellation, by growing rate.
std::vector<Curve> curves_of(ChannelCode code, int width, int length) {
  std::vector<Curve> found;
  const std::span<const LossRow> all = loss_table;
  for (std::size_t first = 0, end = 0; first < all.size(); first = end) {
    const auto same = [&](const LossRow& row) {
      return row.code == all[first].code && row.rate == all[first].rate &&
             row.length == all[first].length && row.bits_per_symbol == all[first].bits_per_symbol;
    };
    while (end < all.size() && same(all[end])) ++end;
    const LossRow& row = all[first];
    if (row.code == code && row.bits_per_symbol == width && row.length == length)
      found.push_back(all.subspan(first, end - first));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](Curve a, Curve b) { return a.front().rate < b.front().rate; });
  return found;
}

/// The same, looked up: a sender asks thousands of times per image.
std::span<const Curve> curves(ChannelCode code, int width, int length) {
  using Key = std::tuple<ChannelCode, int, int>;
  static const std::map<Key, std::vector<Curve>> known = [] {
    std::map<Key, std::vector<Curve>> made;
    for (const LossRow& row : loss_table) {
      std::vector<Curve>& of_key = made[{row.code, row.bits_per_symbol, row.length}];
      if (of_key.empty()) of_key = curves_of(row.code, row.bits_per_symbol, row.length);
    }
    return made;
  }();
  const auto found = known.find({code, width, length});
  return found == known.end() ? std::span<const Curve>() : found->second;
}

/// Between two lengths of message, straight in the logarithm of message and CRC, and on along the
/// first two below them. The last row is the longest code block there is.
Thresholds by_bits(Curve rows, double bits, int crc_bits) {
  if (rows.size() == 1) return rows.front().snr_db;
  const auto above = std::partition_point(rows.begin() + 1, rows.end() - 1,
                                          [&](const LossRow& row) { return row.bits < bits; });
  const LossRow& below = *std::prev(above);
  const auto place = [&](double b) { return std::log(b + crc_bits); };
  return mix(below.snr_db, above->snr_db,
             (place(bits) - place(below.bits)) / (place(above->bits) - place(below.bits)));
}

/// What the table knows of a code block; nullopt where nothing. A polar code's rate may lie between
/// two of the table: straight in its logarithm between the code blocks of these rates that put as
/// many bits on air. Equal lengths share their mother code and most of their rate matching; equal
/// messages need not.
std::optional<Thresholds> known(const BlockLayout& layout, std::int64_t block_bits) {
  const ModulationCoding& coding = layout.coding;
  if (coding.file) return std::nullopt;
  // BPSK is QPSK with all of a symbol's energy in one bit.
  const bool bpsk = coding.modulation == Modulation::bpsk;
  const int width = bpsk ? 2 : bits_per_symbol(coding.modulation), crc_bits = layout.crc.bits;
  const std::span<const Curve> by_rate =
      curves(coding.code, width, coding.code == ChannelCode::ldpc ? coding.length : 0);
  const double rate = coding.code == ChannelCode::convolutional ? 0.5 : coding.rate;
  constexpr double near = 1e-3;  // 0.667 is meant to be 2/3
  const auto above = std::partition_point(by_rate.begin(), by_rate.end(),
                                          [&](Curve c) { return c.front().rate < rate - near; });
  if (above == by_rate.end()) return std::nullopt;

  Thresholds found;
  if (const double upper = above->front().rate; upper <= rate + near) {
    found = by_bits(*above, static_cast<double>(block_bits), crc_bits);
  } else {
    if (above == by_rate.begin()) return std::nullopt;
    const auto coded = static_cast<double>(layout.coded_bits_of(block_bits));
    const auto of = [&](Curve c) {
      return by_bits(c, std::max(1.0, coded * c.front().rate - crc_bits), crc_bits);
    };
    const Curve below = *std::prev(above);
    const double lower = below.front().rate;
    found = mix(of(below), of(*above), std::log(rate / lower) / std::log(upper / lower));
  }
  if (bpsk)
    for (double& snr_db : found) snr_db -= 10 * std::log10(2.0);
  return found;
}

/// log(1 - loss) of one code block.
double log_success(const BlockLayout& layout, std::int64_t block_bits, double snr_db) {
  const auto bits = static_cast<double>(block_bits + layout.crc.bits),
             coded = static_cast<double>(layout.coded_bits_of(block_bits));
  double loss = 0;
  if (layout.coding.code == ChannelCode::none) {
    loss = uncoded_loss(coded, layout.coding.modulation, snr_db);
  } else if (const std::optional<Thresholds> thresholds = known(layout, block_bits)) {
    loss = loss_between(*thresholds, snr_db);
  } else {
    const double uses = coded / bits_per_symbol(layout.coding.modulation);
    loss = normal_approximation_error(
        constellation_information(layout.coding.modulation, std::pow(10.0, (snr_db - gap_db) / 10)),
        uses, bits / uses);
  }
  return std::log1p(-std::min(1 - 1e-16, loss));
}

}  // namespace

ModulationCoding LossRow::coding() const {
  return {
      .code = code, .rate = rate, .modulation = modulation_of(bits_per_symbol), .length = length};
}

std::span<const LossRow> transport_loss_table() {
  return loss_table;
}
std::string transport_loss_table_codes() {
  return codes_of_table;
}

std::string coded_sha256(std::span<const LossRow> rows) {
  Sha256 sum;
  Bits message, air;
  for (const LossRow& row : rows) {
    const Transport transport(row.bits, row.coding());
    air.resize(transport.air_bits());
    // A message with a period of 2^32 - 1 bits, then its complement: every parity bit depends on
    // some of it.
    std::uint32_t state = 1;
    for (int pass = 0; pass < 2; ++pass) {
      message.resize(transport.bits());
      for (std::uint8_t& bit : message) {
        state = (state >> 1) ^ ((state & 1u) != 0 ? 0x80200003u : 0u);
        bit = static_cast<std::uint8_t>((state ^ static_cast<std::uint32_t>(pass)) & 1u);
      }
      transport.encode_bits(message, air);
      sum.add(air.data(), air.size());
    }
  }
  return sum.hex();
}

double predicted_loss(std::int64_t bits, const ModulationCoding& coding, double snr_db) {
  const BlockLayout layout = lay_blocks(bits, coding);
  if (layout.blocks == 0) return 0;
  const auto longer = static_cast<double>(layout.bits % layout.blocks),
             shorter = layout.blocks - longer;
  double sum = shorter * log_success(layout, layout.bits / layout.blocks, snr_db);
  if (longer > 0) sum += longer * log_success(layout, layout.bits / layout.blocks + 1, snr_db);
  return -std::expm1(sum);
}

TransportChoice cheapest(std::int64_t bits, double believed_snr_db, double largest_loss) {
  TransportChoice best{.bits = bits, .uses = std::numeric_limits<std::int64_t>::max(), .loss = 2};
  const auto& codings = modulation_codings();
  for (std::size_t i = 0; i < codings.size(); ++i) {
    const double loss = predicted_loss(bits, codings[i], believed_snr_db);
    const std::int64_t uses = transport_uses(bits, codings[i]);
    const bool fits = loss <= largest_loss, best_fits = best.loss <= largest_loss;
    if (fits ? !best_fits || uses < best.uses : !best_fits && loss < best.loss)
      best = {.index = static_cast<int>(i), .bits = bits, .uses = uses, .loss = loss};
  }
  return best;
}

std::string transport_loss_table_sha256() {
  Json rows = Json::array();
  for (const LossRow& row : loss_table)
    rows.push_back({channel_code_name(row.code), row.rate, row.bits_per_symbol, row.bits,
                    row.length, row.snr_db});
  const std::string text = canonical({loss_table_losses, rows});
  return sha256(text.data(), text.size());
}

}  // namespace semwave
