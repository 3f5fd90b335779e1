// Rows: what a point is known by, what is said of it, and the same as a table of columns.
#include "experiment/results/results.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/file.h"
#include "core/base/sha256.h"

namespace semwave {
namespace {

OrderedJson uses_json(const Ledger& uses, double images) {
  const auto mean = [&](std::int64_t sum) { return static_cast<double>(sum) / images; };
  return {{"payload", mean(uses.payload)}, {"header", mean(uses.header)},
          {"pilots", mean(uses.pilots)},   {"parity", mean(uses.parity)},
          {"prefix", mean(uses.prefix)},   {"total", mean(uses.total())}};
}

using Columns = std::vector<std::pair<std::string, std::string>>;  // name, cell

void flatten(const OrderedJson& value, const std::string& name, Columns& columns) {
  if (value.is_object()) {
    for (const auto& [key, element] : value.items())
      flatten(element, name.empty() ? key : name + "." + key, columns);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      flatten(value[i], name + "." + std::to_string(i), columns);
  } else {
    columns.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

Columns columns_of(const OrderedJson& row) {
  Columns columns;
  for (const auto& [key, value] : row.items()) {
    if (key == "point")  // a swept value is one cell, a whole object too
      for (const auto& [pointer, swept] : value.items())
        columns.emplace_back(pointer, swept.is_string() ? swept.get<std::string>() : swept.dump());
    else if (key == "accuracy_ci95" && value.is_array() && value.size() == 2)
      columns.emplace_back("accuracy_low", value[0].dump()),
          columns.emplace_back("accuracy_high", value[1].dump());
    else
      flatten(value, key, columns);
  }
  return columns;
}

OrderedJson timeline_json(const TimelineTotals& timeline, const PointTotals& totals) {
  const double decisions = static_cast<double>(timeline.links * timeline.slots);
  OrderedJson made{{"links", timeline.links},
                   {"slots", timeline.slots},
                   {"arrived", timeline.arrived},
                   {"sent", totals.images},
                   {"dropped", timeline.dropped},
                   {"expired", timeline.expired},
                   {"late", timeline.late},
                   {"waiting", timeline.waiting},
                   {"queue", timeline.queue},
                   {"wait_slots",
                    {{"mean", timeline.wait_slots},
                     {"p95", timeline.wait_p95_slots},
                     {"p99", timeline.wait_p99_slots}}},
                   {"age", timeline.age},
                   {"channel_uses_halfwidth", timeline.uses_halfwidth}};
  OrderedJson of_arrived{{"channel_uses", timeline.arrived_uses},
                         {"channel_uses_halfwidth", timeline.arrived_uses_halfwidth}};
  for (std::size_t m = 0; m < totals.metrics.size(); ++m) {
    const Metric& metric = *totals.metrics[m];
    const TimelineTotals::Scored& scored = timeline.scored[m];
    const bool decision = metric.needs() == Metric::Needs::decision;
    if (!decision && totals.scores[m].images == 0) continue;
    of_arrived[metric.key()] = scored.arrived;
    of_arrived[metric.key() + "_halfwidth"] = scored.arrived_halfwidth;
    if (decision)
      made["goodput"] = static_cast<double>(totals.correct) / decisions;
    else
      made[metric.key() + "_halfwidth"] = scored.halfwidth;
  }
  made["of_arrived"] = of_arrived;
  return made;
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

}  // namespace

Json without_places(Json resolved) {
  for (const char* key : {"output", "name"}) resolved.erase(key);
  visit_paths(resolved, [](const std::string& pointer, std::string& path) {
    if (pointer.ends_with("/file")) {
      const std::string content = read_file_whole(path, 64u << 20);
      path = sha256(content.data(), content.size());
    } else {
      path.clear();
    }
  });
  return resolved;
}

std::string point_sha256(const Scenario& scenario, const std::string& model_sha256,
                         const std::string& data_sha256, DeviceKind device) {
  return point_sha256(scenario, model_sha256, data_sha256, device,
                      components_used(scenario, device));
}

std::string point_sha256(const Scenario& scenario, const std::string& model_sha256,
                         const std::string& data_sha256, DeviceKind device,
                         const std::vector<Component>& components) {
  Json known = scenario.resolved;
  known.erase("sweep");
  known = without_places(std::move(known));
  Json numerics = Json::object();
  for (const Component& component : components) numerics[component.name] = component.version;
  const Json all{{"scenario", known},
                 {"model", model_sha256},
                 {"data", data_sha256},
                 {"numerics", numerics},
                 {"device", device == DeviceKind::cpu ? "cpu" : "cuda"}};
  const std::string text = canonical(all);
  return sha256(text.data(), text.size());
}

OrderedJson swept_in_order(const Scenario& whole, const Point& point, const std::string& folder) {
  OrderedJson made = OrderedJson::object();
  for (const auto& [pointer, values] : whole.sweep)
    made[pointer] =
        OrderedJson(swept_value(pointer, point.swept.at(pointer), [&](const std::string& path) {
          return folder.empty() ? path : path_from(folder, path);
        }));
  return made;
}

OrderedJson expert_health(std::span<const double> load) {
  const auto experts = static_cast<double>(load.size());
  double entropy = 0, most = 0;
  int dead = 0;
  for (const double share : load) {
    if (share > 0) entropy -= share * std::log(share) / std::log(experts);
    most = std::max(most, share);
    dead += share < 0.1 / experts;
  }
  return {{"entropy", entropy}, {"max_violation", most * experts - 1}, {"dead", dead}};
}

OrderedJson make_row(const Scenario& whole, const Point& point, const std::string& model_sha256,
                     const Dataset& data, const PointResult& result,
                     const std::string& point_sha256, const TimelineTotals* timeline) {
  const Scenario& scenario = point.scenario;
  const PointTotals& totals = result.totals;
  const std::int64_t count = totals.images;
  const double images =
      static_cast<double>(std::max<std::int64_t>(1, count));  // a timeline may send none
  OrderedJson row;
  row["point"] = swept_in_order(whole, point);
  row["images"] = count;
  // A timeline may leave the network out: what it does not know is not said.
  const bool network = !scenario.metrics.empty();
  for (std::size_t m = 0; m < totals.metrics.size(); ++m)
    if (totals.scores[m].images > 0)
      totals.metrics[m]->add_to(
          row, totals.scores[m],
          timeline ? std::optional(timeline->scored[m].halfwidth) : std::nullopt);
  row["channel_uses"] = uses_json(totals.uses, images);
  const double values = data.mean_values(count);
  row["cbr"] = static_cast<double>(totals.uses.total()) / images / values;
  row["cbr_payload"] = static_cast<double>(totals.uses.payload) / images / values;
  row["tokens_kept"] = static_cast<double>(totals.tokens) / images;
  if (network && (scenario.channel.loss || scenario.digital))
    row["tokens_lost"] = static_cast<double>(totals.tokens_lost) / images;
  row["exit_depth"] = static_cast<double>(totals.depth) / images;
  row["exit_histogram"] = totals.exits;
  if (network) {
    row["expert_load"] = result.expert_load;
    if (result.expert_load.size() > 1) row["expert_health"] = expert_health(result.expert_load);
    row["header_losses"] = totals.lost;
  }
  if (totals.pair) totals.pair->add_to(row, count);
  row["flops"] = {{"transmitter", result.transmitter_operations}};
  if (network) row["flops"]["receiver"] = result.receiver_operations;
  row["flops_dense"] = {{"transmitter", result.transmitter_operations_dense},
                        {"receiver", result.receiver_operations_dense}};
  row["seconds"] = {{"transmitter", result.transmitter_seconds},
                    {"channel", result.channel_seconds},
                    {"receiver", result.receiver_seconds},
                    {"total", result.wall_seconds}};
  row["images_per_second"] =
      result.wall_seconds > 0 ? static_cast<double>(count) / result.wall_seconds : 0.0;
  const double uses = static_cast<double>(totals.uses.total()) / images;
  row["latency_ms"] = 1e3 * scenario.devices.seconds(result.transmitter_operations,
                                                     result.receiver_operations, uses);
  row["energy_mj"] =
      1e3 * scenario.devices.joule(result.transmitter_operations, result.receiver_operations, uses);
  row["answers"] = static_cast<double>(totals.answered) / images;
  if (timeline) row["timeline"] = timeline_json(*timeline, totals);
  row["conventions"] = {{"power", scenario.resolved["conventions"]["power"]}};
  for (const char* key : {"snr", "fading"})
    if (const Json& named = scenario.resolved["conventions"][key]; named != "complex")
      row["conventions"][key] = named;
  row["seed"] = scenario.seed;
  row["point_sha256"] = point_sha256;
  row["model_sha256"] = model_sha256;
  row["data_sha256"] = data.sha256;
  row["semwave_version"] = SEMWAVE_VERSION;
  row["status"] = "done";
  return row;
}

OrderedJson make_record(const ImageRecord& image, const RecordKind& scenario,
                        const std::string& point_sha256) {
  OrderedJson line;
  line["point_sha256"] =
      point_sha256;  // first: blocks of a point are found by it without reading the rest
  line["image"] = image.image;
  if (image.timeline) {
    line["link"] = image.link;
    line["slot"] = image.slot;
    line["arrived"] = image.arrived;
    line["late"] = image.late;
  }
  line["label"] = image.label;
  line["decision"] = image.decision < 0 ? OrderedJson(nullptr) : OrderedJson(image.decision);
  line["plan"] = {{"keep", image.keep_ratio},
                  {"depth", image.plan_depth},
                  {"symbols_per_token", image.symbols_per_token}};
  line["exit_depth"] = image.exit_depth;
  line["tokens"] = image.tokens;
  if (image.tokens_lost > 0) line["tokens_lost"] = image.tokens_lost;
  line["snr_db"] = image.snr_db;
  line["gain"] = image.gain;
  line["believed_snr_db"] = image.believed_snr_db;
  line["uses"] = uses_json(image.uses, 1);
  line["header_lost"] = image.header_lost;
  line["answered"] = image.answered;
  if (scenario.pair) scenario.pair->add_to_record(line, image);
  std::size_t place = 0;
  for (const auto& metric : scenario.metrics) {
    if (metric->needs() != Metric::Needs::image) continue;
    const double score = image.scores[place++];
    if (!std::isnan(score)) line[metric->key()] = score;
  }
  return line;
}

OrderedJson make_slot(const SlotRow& slot, const std::string& point_sha256) {
  OrderedJson line;
  line["point_sha256"] = point_sha256;
  line["slot"] = slot.slot;
  line["arrived"] = slot.arrived;
  line["dropped"] = slot.dropped;
  line["expired"] = slot.expired;
  line["waiting"] = slot.waiting;
  line["sent"] = slot.sent;
  line["late"] = slot.late;
  if (slot.correct >= 0) line["correct"] = slot.correct;
  if (slot.sent > 0) {
    line["channel_uses"] = slot.uses;
    line["snr_db"] = slot.snr_db;
    line["believed_snr_db"] = slot.believed_snr_db;
    line["age"] = slot.age;
    line["keep"] = slot.keep;
    line["depth"] = slot.depth;
  }
  return line;
}

std::string to_csv(const std::vector<OrderedJson>& rows) {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> places;
  std::vector<Columns> cells;
  for (const OrderedJson& row : rows) {
    cells.push_back(columns_of(row));
    for (const auto& [name, cell] : cells.back())
      if (places.try_emplace(name, names.size()).second) names.push_back(name);
  }
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ",").append(quoted(name));
  if (!names.empty()) text += '\n';
  for (const Columns& row : cells) {
    std::vector<std::string> line(names.size());
    for (const auto& [name, cell] : row) line[places.at(name)] = quoted(cell);
    for (std::size_t i = 0; i < line.size(); ++i) text.append(i == 0 ? "" : ",").append(line[i]);
    text += '\n';
  }
  return text;
}

}  // namespace semwave
