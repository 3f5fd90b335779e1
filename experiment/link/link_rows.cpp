// What a point of the link laboratory looks like: its row and its line of the table.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "experiment/link/link_run.h"
#include "experiment/metric/statistics.h"

namespace semwave {
namespace {

constexpr double normal95 = 1.959964;

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", value);
  return text;
}

/// A share of `trials`; where none was hit its value is not known, but with 95 % it lies below 3 /
/// trials (the rule of three).
void put_share(OrderedJson& row, const std::string& name, std::int64_t hits, std::int64_t trials,
               double low, double high) {
  row[name] = hits > 0 ? OrderedJson(static_cast<double>(hits) / static_cast<double>(trials))
                       : OrderedJson(nullptr);
  row[name + "_ci95"] = {hits > 0 ? low : 0.0, high};
}

/// "1.25e-03", or "<3e-05" where no error was seen.
std::string share_text(const OrderedJson& row, const std::string& name) {
  const OrderedJson& value = row.at(name);
  if (value.is_number()) return scientific(value.get<double>());
  double below = row.at(name + "_ci95").at(1).get<double>();
  // Without a code a wrong bit is a wrong symbol too, so what bounds symbols bounds bits.
  if (name == "ber" && row.at("code") == no_code()->kind())
    below = std::min(below, row.at("ser_ci95").at(1).get<double>());
  return "<" + scientific(below);
}

}  // namespace

OrderedJson make_link_row(const Scenario& whole, const Point& point, const LinkPoint& result,
                          const std::string& point_sha256) {
  const Scenario& scenario = point.scenario;
  const LinkSettings& link = scenario.link.value();
  const LinkCounts& c = result.counts;
  const BlockLayout layout = lay_blocks(link.block_bits, link.coding);
  const auto frames = static_cast<double>(std::max<std::int64_t>(1, c.frames)),
             bits = static_cast<double>(std::max<std::int64_t>(1, c.bits));
  const double below = 3 / frames;  // one rate that bounds both: a wrong bit is a wrong frame
  OrderedJson row;
  row["point"] = swept_in_order(whole, point);
  row["code"] = layout.code->kind();
  row["modulation"] = modulation_name(layout.modulation);
  row["name"] = layout.name();
  row["block_bits"] = link.block_bits;
  row["code_blocks"] = layout.blocks;
  row["coded_bits"] = layout.coded_bits;
  if (scenario.channel.has_one_snr()) {
    row["es_n0_db"] = scenario.channel.snr.from_db;
    row["eb_n0_db"] =
        scenario.channel.snr.from_db -
        10 * std::log10(static_cast<double>(layout.bits) / static_cast<double>(layout.uses));
  }
  row["frames"] = c.frames;
  row["frame_errors"] = c.frame_errors;
  row["bits"] = c.bits;
  row["bit_errors"] = c.bit_errors;
  row["symbols"] = c.symbols;
  row["symbol_errors"] = c.symbol_errors;
  // Errors of a frame come together, so frames are what is counted: the variance is that of a
  // frame's errors.
  const double mean = static_cast<double>(c.bit_errors) / frames;
  const double variance =
      std::max(0.0, static_cast<double>(c.bit_errors_squared) / frames - mean * mean);
  const double ber = static_cast<double>(c.bit_errors) / bits,
               half = normal95 * std::sqrt(variance / frames) * frames / bits;
  put_share(row, "ber", c.bit_errors, c.bits, std::max(0.0, ber - half),
            c.bit_errors > 0 ? std::min(1.0, ber + half) : below);
  const auto [low, high] = wilson95(c.frame_errors, c.frames);
  put_share(row, "fer", c.frame_errors, c.frames, low, c.frame_errors > 0 ? high : below);
  const auto [lost_low, lost_high] = wilson95(c.frame_losses, c.frames);
  row["frame_losses"] = c.frame_losses;
  put_share(row, "loss", c.frame_losses, c.frames, lost_low,
            c.frame_losses > 0 ? lost_high : below);
  if (predicts_frame_errors(scenario))
    row["fer_predicted"] =
        predicted_loss(link.block_bits, link.coding,
                       scenario.channel.snr.from_db + scenario.channel.snr_offset_db);
  const auto [symbol_low, symbol_high] = wilson95(c.symbol_errors, c.symbols);
  put_share(row, "ser", c.symbol_errors, c.symbols, symbol_low,
            c.symbol_errors > 0 ? symbol_high
                                : 3 / static_cast<double>(std::max<std::int64_t>(1, c.symbols)));
  row["undetected"] = c.undetected;
  if (layout.code->iterates())
    row["iterations"] = static_cast<double>(c.iterations) /
                        static_cast<double>(std::max<std::int64_t>(1, c.blocks));
  const auto mean_of = [&](std::int64_t sum) { return static_cast<double>(sum) / frames; };
  row["channel_uses"] = {{"payload", mean_of(c.uses.payload)}, {"header", mean_of(c.uses.header)},
                         {"pilots", mean_of(c.uses.pilots)},   {"parity", mean_of(c.uses.parity)},
                         {"prefix", mean_of(c.uses.prefix)},   {"total", mean_of(c.uses.total())}};
  row["seconds"] = {{"total", result.seconds}};
  row["megabits_per_second"] = result.seconds > 0 ? bits / result.seconds / 1e6 : 0.0;
  row["seed"] = scenario.seed;
  row["point_sha256"] = point_sha256;
  row["semwave_version"] = SEMWAVE_VERSION;
  row["status"] = "done";
  return row;
}

Table link_table(const Scenario& scenario, const std::vector<Point>& points) {
  Table table(scenario.name);
  std::vector<std::string> pointers;
  for (const auto& [pointer, values] : scenario.sweep)
    if (pointer != "/channel/snr_db" && pointer != "/link/eb_n0_db")
      pointers.push_back(pointer);  // columns of their own
  std::vector<Json> values;
  values.reserve(points.size());
  for (const Point& point : points) values.push_back(point.swept);
  table.add_swept(pointers, values);
  const auto count = [&](const char* name, std::size_t width, const char* key) {
    table.add("counts", name, width, [key](const OrderedJson& row) {
      return std::to_string(row.at(key).get<std::int64_t>());
    });
  };
  const auto share = [&](const char* name, const char* key) {
    table.add("error rates (<: none seen)", name, 9,
              [key](const OrderedJson& row) { return share_text(row, key); });
  };
  table.add_number("SNR, dB", "Es/N0", 7, "/es_n0_db", 2);
  table.add_number("SNR, dB", "Eb/N0", 7, "/eb_n0_db", 2);
  count("FRA", 9, "frames");
  count("BE", 9, "bit_errors");
  count("FE", 7, "frame_errors");
  share("SER", "ser");
  share("BER", "ber");
  share("FER", "fer");
  table.add("FER, 95 % CI", "low", 8, [](const OrderedJson& row) {
    return scientific(row.at("fer_ci95").at(0).get<double>());
  });
  table.add("FER, 95 % CI", "high", 8, [](const OrderedJson& row) {
    return scientific(row.at("fer_ci95").at(1).get<double>());
  });
  table.add_number("speed", "SIM_THR_Mb/s", 7, "/megabits_per_second", 3);
  return table;
}

}  // namespace semwave
