// Margins between those of the table.
#include "phy/code/ldpc/nr_loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/bounds/capacity.h"
#include "phy/code/crc.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

struct NrMargin {
  double rate;
  int bits;            // information bits of a block that is one code block
  double above_db[4];  // of the normal approximation, for 2, 4, 6 and 8 bits a symbol
};

/// By growing rate, then bits.
constexpr NrMargin margins[] = {
#include "phy/code/ldpc/nr_margins.inc"
};

double message_of(const NrMargin& row) {
  return row.bits + (row.bits > nr_short_check_bits ? crc_24a : crc_16).bits;
}

/// Information of a constellation, by cubics between points of half a decibel: a sender asks
/// thousands of times per image, and each point is a quadrature.
class InformationGrid {
 public:
  explicit InformationGrid(Modulation modulation) {
    for (int i = 0; i < count; ++i)
      points_[static_cast<std::size_t>(i)] =
          constellation_information(modulation, std::pow(10.0, (from_db + i * step_db) / 10));
  }

  static bool holds(double snr_db) {
    return snr_db >= from_db + step_db && snr_db < from_db + (count - 2) * step_db;
  }
  Information at(double snr_db) const {
    const double place = (snr_db - from_db) / step_db, left = std::floor(place), t = place - left;
    const Information* const p = points_.data() + static_cast<std::ptrdiff_t>(left) - 1;
    const double weights[4] = {-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2,
                               -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6};
    Information made;
    for (int i = 0; i < 4; ++i) {
      made.capacity += weights[i] * p[i].capacity;
      made.dispersion += weights[i] * p[i].dispersion;
    }
    return {made.capacity, std::max(0.0, made.dispersion)};
  }

 private:
  static constexpr double from_db = -25, step_db = 0.5;
  static constexpr int count = 140;
  std::array<Information, count> points_{};
};

template <int width>
const InformationGrid& grid() {
  static const InformationGrid made(modulation_of(width));
  return made;
}

Information information_at(Modulation modulation, double snr_db) {
  if (!modulation.gray() || !InformationGrid::holds(snr_db))
    return constellation_information(modulation, std::pow(10.0, snr_db / 10));
  switch (bits_per_symbol(modulation)) {
    case 1:
      return grid<1>().at(snr_db);
    case 2:
      return grid<2>().at(snr_db);
    case 4:
      return grid<4>().at(snr_db);
    case 6:
      return grid<6>().at(snr_db);
    default:
      return grid<8>().at(snr_db);
  }
}

double between(double x, double low, double high, double at_low, double at_high) {
  if (high <= low) return at_low;
  const double share = std::clamp(std::log(x / low) / std::log(high / low), 0.0, 1.0);
  return at_low + share * (at_high - at_low);
}

/// Rows of one rate that go through this graph.
std::span<const NrMargin> rows_of(NrGraph graph, double rate) {
  const auto fits = [&](const NrMargin& row) {
    return row.rate == rate && nr_graph(row.bits, row.rate) == graph;
  };
  const auto first = std::find_if(std::begin(margins), std::end(margins), fits);
  const auto end = std::find_if_not(first, std::end(margins), fits);
  return {first, end};
}

double by_message(std::span<const NrMargin> rows, double message, std::size_t width) {
  const auto above = std::find_if(rows.begin(), rows.end(),
                                  [&](const NrMargin& row) { return message_of(row) >= message; });
  if (above == rows.begin()) return above->above_db[width];
  if (above == rows.end()) return rows.back().above_db[width];
  const NrMargin& below = *std::prev(above);
  return between(message, message_of(below), message_of(*above), below.above_db[width],
                 above->above_db[width]);
}

}  // namespace

double nr_margin_db(NrGraph graph, double rate, double message, int bits_per_symbol) {
  const auto width = static_cast<std::size_t>(std::clamp((bits_per_symbol - 1) / 2, 0, 3));
  double low = 0, high = 0;  // rates about this one; 0: none
  for (const NrMargin& row : margins) {
    if (nr_graph(row.bits, row.rate) != graph) continue;
    if (row.rate <= rate) low = row.rate;
    if (row.rate >= rate && high == 0) high = row.rate;
  }
  if (low == 0) low = high;
  if (high == 0) high = low;
  return between(rate, low, high, by_message(rows_of(graph, low), message, width),
                 by_message(rows_of(graph, high), message, width));
}

double nr_block_loss(NrGraph graph, double rate, double message, double sent, Modulation modulation,
                     double snr_db) {
  const int width = bits_per_symbol(modulation);
  const double uses = sent / width, bound_db = snr_db - nr_margin_db(graph, rate, message, width);
  return normal_approximation_error(information_at(modulation, bound_db), uses, message / uses);
}

std::string nr_margins_sha256() {
  Json table = Json::array();
  for (const NrMargin& row : margins) table.push_back({row.rate, row.bits, row.above_db});
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
