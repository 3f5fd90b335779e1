#include "node/record/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "core/base/text.h"
#include "experiment/run/evaluate.h"
#include "node/record/watched_name.h"

namespace semwave {
namespace {

constexpr std::array<const char*, 5> stages{"encode", "queue", "wire", "channel", "decode"};

double milliseconds(std::vector<std::uint64_t>& sorted, double share) {
  return 1e-6 * static_cast<double>(sorted[static_cast<std::size_t>(
                    std::lround(share * static_cast<double>(sorted.size() - 1)))]);
}

/// As a simulation writes it, and of a watched picture its file. A name that is no UTF-8 cannot
/// stand in JSON: what it would be printed as stands there.
std::string record_line(const Record& record, const RecordKind& kind,
                        const std::string& point_sha256) {
  OrderedJson line = make_record(record.image, kind, point_sha256);
  const std::string file = file_of(record.name);
  if (!file.empty()) line["file"] = is_utf8(file) ? file : printable(file);
  return line.dump();
}

}  // namespace

OrderedJson latency_json(const std::vector<Record>& records) {
  OrderedJson made = OrderedJson::object();
  std::vector<std::uint64_t> values;
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    values.clear();
    for (const Record& record : records) values.push_back(record.ns[stage]);
    std::sort(values.begin(), values.end());
    if (values.empty() || values.back() == 0) continue;
    made[stages[stage]] = {{"p50", milliseconds(values, 0.5)}, {"p99", milliseconds(values, 0.99)}};
  }
  return made;
}

OrderedJson node_row(const Station& station, std::size_t point, std::vector<Record>& records,
                     const std::string& data_sha256, double seconds) {
  // Sums run in the order of the images, as those of `semwave run` do; several transmitters may
  // have sent the same one.
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return std::tie(a.image.image, a.node) < std::tie(b.image.image, b.node);
  });
  const Model& model = station.model(point);
  PointResult result;
  // Pictures without a label have nothing to compare a decision with.
  Metrics metrics = station.points()[point].scenario.metrics;
  if (std::any_of(records.begin(), records.end(),
                  [](const Record& record) { return record.image.label < 0; }))
    metrics = image_metrics(metrics);
  result.totals = PointTotals(metrics, model.architecture.transmitter_blocks,
                              station.points()[point].scenario.pair->totals());
  std::vector<std::int64_t> expert_rows(static_cast<std::size_t>(model.architecture.experts));
  std::int64_t erased = 0;
  for (const Record& record : records) {
    result.totals.add(record.image);
    result.transmitter_operations += record.transmitter_operations;
    result.receiver_operations += record.receiver_operations;
    for (std::size_t e = 0; e < std::min(expert_rows.size(), record.expert_rows.size()); ++e)
      expert_rows[e] += record.expert_rows[e];
    result.transmitter_seconds += 1e-9 * static_cast<double>(record.ns[0]);
    result.channel_seconds += 1e-9 * static_cast<double>(record.ns[3]);
    result.receiver_seconds += 1e-9 * static_cast<double>(record.ns[4]);
    erased += record.erased;
  }
  result.wall_seconds = seconds;
  finish(result, model, static_cast<double>(records.size()), expert_rows);
  Dataset data{.name = {},
               .height = model.architecture.height,
               .width = model.architecture.width,
               .channels = model.architecture.channels};
  data.sha256 = data_sha256;
  OrderedJson row = make_row(station.scenario(), station.points()[point], model.sha256, data,
                             result, station.sha256_of(point, data_sha256));
  if (seconds <= 0) row.erase("images_per_second");
  row["node"] = {
      {"latency_ms", latency_json(records)},
      {"erased_symbols", erased},
      {"tokens_lost", static_cast<double>(result.totals.tokens_lost) /
                          static_cast<double>(std::max<std::size_t>(1, records.size()))}};
  return row;
}

std::vector<OrderedJson> write_results(const Station& station, const std::string& folder,
                                       const OrderedJson& about, std::deque<Record> records,
                                       double seconds, const LateSymbols* late) {
  // There may be a great many: each moves to a place that is there already, and what it leaves is
  // given back.
  std::map<std::pair<std::uint32_t, Digest>, std::size_t> counts;
  for (const Record& record : records) counts[{record.point, record.data}] += record.truth;
  std::map<std::pair<std::uint32_t, Digest>, std::vector<Record>> by_point;
  for (const auto& [key, count] : counts)
    if (count > 0) by_point[key].reserve(count);
  for (; !records.empty(); records.pop_front())
    if (Record& record = records.front(); record.truth)
      by_point[{record.point, record.data}].push_back(std::move(record));
  std::optional<ResultFolder> out;
  if (!folder.empty()) {
    out.emplace(folder);
    out->write_scenario(station.scenario());
  }
  std::vector<OrderedJson> rows;
  std::vector<FreshLines> lines;
  for (auto& [key, of_point] : by_point) {
    const bool watched = key.second == Digest{};
    rows.push_back(
        node_row(station, key.first, of_point, watched ? "" : hexadecimal(key.second), seconds));
    if (late != nullptr) {
      OrderedJson& node = rows.back()["node"];
      const auto at = late->find(key);
      // What was sent again after a break comes late and is missed by nobody.
      node["late_symbols"] =
          at == late->end() ? 0 : std::min(at->second, node["erased_symbols"].get<std::int64_t>());
    }
    if (!out) continue;
    rows.back()["point"] = swept_in_order(station.scenario(), station.points()[key.first], folder);
    const auto sha = rows.back()["point_sha256"].get<std::string>();
    const RecordKind kind = record_kind(station.points()[key.first].scenario);
    const auto line = [&made = of_point, kind, sha](std::size_t i) {
      return record_line(made[i], kind, sha);
    };
    lines.push_back({sha, of_point.size(), line});
  }
  if (out) {
    // Whole and at the end: strangers may have made thousands of rows, and a sync for each takes
    // minutes.
    if (station.scenario().records) out->add_records(lines);
    out->finish(rows);
    out->write_run(about);
  }
  return rows;
}

}  // namespace semwave
