// Predicted losses of blocks, and what a sender chooses by them.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/bounds/capacity.h"
#include "phy/code/code_rate.h"
#include "phy/transport/transport.h"
#include "phy/transport/transport_loss.h"

namespace semwave {
namespace {

constexpr double gap_db = 1;  // of a good code to the normal approximation, where no table knows it

/// The table, which writes the name of a code as ChannelCode::ldpc.
namespace table {
struct ChannelCode {
  static constexpr std::string_view ldpc = "ldpc", polar = "polar", convolutional = "convolutional";
};
#include "phy/transport/transport_loss_table.inc"
}  // namespace table

using Thresholds = std::array<double, loss_table_losses.size()>;

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

bool same_curve(const LossRow& a, const LossRow& b) {
  return a.code == b.code && a.rate == b.rate && a.length == b.length &&
         a.bits_per_symbol == b.bits_per_symbol;
}

/// All rows, and the curves of each code, constellation and length by growing rate: a sender asks
/// thousands of times per image.
class LossTable {
 public:
  LossTable() { add(table::loss_table); }

  void add(std::span<const LossRow> rows) {
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    curves_.clear();
    for (std::size_t first = 0, end = 0; first < rows_.size(); first = end) {
      while (end < rows_.size() && same_curve(rows_[first], rows_[end])) ++end;
      const LossRow& row = rows_[first];
      curves_[{row.code, row.bits_per_symbol, row.length}].push_back(
          Curve(rows_).subspan(first, end - first));
    }
    for (auto& [key, curves] : curves_)
      std::stable_sort(curves.begin(), curves.end(),
                       [](Curve a, Curve b) { return a.front().rate < b.front().rate; });
  }

  std::span<const LossRow> rows() const { return rows_; }

  std::span<const Curve> curves(std::string_view code, int width, int length) const {
    const auto found = curves_.find({code, width, length});
    return found == curves_.end() ? std::span<const Curve>() : found->second;
  }

 private:
  std::vector<LossRow> rows_;
  std::map<std::tuple<std::string_view, int, int>, std::vector<Curve>> curves_;
};

LossTable& losses() {
  static LossTable table;
  return table;
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
  const std::optional<LossRows> of_code = layout.code->loss_rows();
  if (!of_code || !layout.modulation.gray()) return std::nullopt;
  // BPSK is QPSK with all of a symbol's energy in one bit.
  const bool bpsk = layout.modulation == Modulation::bpsk;
  const int width = bpsk ? 2 : bits_per_symbol(layout.modulation), crc_bits = layout.crc.bits;
  const std::span<const Curve> by_rate = losses().curves(of_code->code, width, of_code->length);
  const double rate = of_code->rate;
  const auto above = std::partition_point(
      by_rate.begin(), by_rate.end(), [&](Curve c) { return c.front().rate < rate - same_rate; });
  if (above == by_rate.end()) return std::nullopt;

  Thresholds found;
  if (const double upper = above->front().rate; upper <= rate + same_rate) {
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
  const std::int64_t message = block_bits + layout.crc.bits;
  double loss = 0;
  if (const std::optional<Thresholds> thresholds = known(layout, block_bits)) {
    loss = loss_between(*thresholds, snr_db);
  } else if (const std::optional<double> closed =
                 layout.code->block_loss(message, layout.modulation, snr_db)) {
    loss = *closed;
  } else {
    const double uses =
        static_cast<double>(layout.coded_bits_of(block_bits)) / bits_per_symbol(layout.modulation);
    loss = normal_approximation_error(
        constellation_information(layout.modulation, std::pow(10.0, (snr_db - gap_db) / 10)), uses,
        static_cast<double>(message) / uses);
  }
  return std::log1p(-std::min(1 - 1e-16, loss));
}

}  // namespace

ModulationCoding LossRow::coding() const {
  return {.code = channel_codes().make({{"kind", code}, {"rate", rate}, {"length", length}}, {}),
          .modulation = modulation_of(bits_per_symbol)};
}

std::span<const LossRow> transport_loss_table() {
  return table::loss_table;
}

void add_loss_rows(std::span<const LossRow> rows) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const LossRow& row = rows[r];
    const std::string place = "loss rows of " + std::string(row.code);
    if (!losses().curves(row.code, row.bits_per_symbol, row.length).empty())
      throw Error(place, "the table has such rows already");
    if (!std::is_sorted(row.snr_db.begin(), row.snr_db.end(), std::less_equal<>()))
      throw Error(place, "the SNRs of row " + std::to_string(r) + " do not rise");
    if (r > 0 && same_curve(rows[r - 1], row) && rows[r - 1].bits >= row.bits)
      throw Error(place, "row " + std::to_string(r) + " is out of order: bits grow");
  }
  losses().add(rows);
}

std::string transport_loss_table_codes() {
  return table::codes_of_table;
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
  const std::int64_t each = layout.carried() / layout.blocks;
  const auto longer = static_cast<double>(layout.carried() % layout.blocks),
             shorter = layout.blocks - longer;
  double sum = shorter * log_success(layout, each, snr_db);
  if (longer > 0) sum += longer * log_success(layout, each + 1, snr_db);
  return -std::expm1(sum);
}

TransportChoice cheapest(std::int64_t bits, double believed_snr_db, double largest_loss,
                         CodingList list) {
  TransportChoice best{.bits = bits, .uses = std::numeric_limits<std::int64_t>::max(), .loss = 2};
  const auto& codings = modulation_codings(list);
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
  for (const LossRow& row : losses().rows())
    rows.push_back({row.code, row.rate, row.bits_per_symbol, row.bits, row.length, row.snr_db});
  const std::string text = canonical({loss_table_losses, rows});
  return sha256(text.data(), text.size());
}

}  // namespace semwave
