#include "transmitter/policy.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace semwave {

int tokens_to_keep(double keep_ratio, int grid) {
  if (keep_ratio <= 0) return 0;
  return std::clamp(static_cast<int>(std::floor(keep_ratio * grid + 1e-6)), 1, grid);
}

namespace {

std::vector<Field> plan_fields() {
  return {{.name = "keep", .type = FieldType::number, .summary = "share of the grid's tokens to send; 0 sends none", .fallback = 1.0, .minimum = 0, .maximum = 1},
          {.name = "depth", .type = FieldType::integer, .summary = "blocks the transmitter runs", .fallback = 0, .minimum = 0, .maximum = 15},
          {.name = "symbols_per_token", .type = FieldType::integer, .summary = "complex symbols a token, S", .fallback = 8, .minimum = 1, .maximum = 16}};
}

Plan to_plan(const Json& p) { return {p.at("keep").get<double>(), p.at("depth").get<int>(), p.at("symbols_per_token").get<int>()}; }

class FixedPolicy final : public Policy {
 public:
  explicit FixedPolicy(Plan plan) : plan_(plan) {}
  List<Plan> plan(const List<ChannelState>& states) override { return List<Plan>(states.size(), plan_); }
  List<Plan> plans() const override { return {plan_}; }

 private:
  Plan plan_;
};

/// The entry with the highest `from_db` at or below the believed SNR; below all of them the lowest entry.
class TablePolicy final : public Policy {
 public:
  explicit TablePolicy(std::vector<std::pair<double, Plan>> entries) : entries_(std::move(entries)) {}
  List<Plan> plan(const List<ChannelState>& states) override {
    List<Plan> out;
    out.reserve(states.size());
    for (const ChannelState& state : states) {
      std::size_t at = 0;
      while (at + 1 < entries_.size() && entries_[at + 1].first <= state.snr_db) ++at;
      out.push_back(entries_[at].second);
    }
    return out;
  }
  List<Plan> plans() const override {
    List<Plan> out;
    for (const auto& entry : entries_) out.push_back(entry.second);
    return out;
  }

 private:
  std::vector<std::pair<double, Plan>> entries_;
};

std::unique_ptr<Policy> read_table(const std::string& file) {
  static const Fields fields = [] {
    Fields entry{.summary = "plan from an SNR upwards"};
    entry.fields = plan_fields();
    entry.fields.insert(entry.fields.begin(), {.name = "from_db", .type = FieldType::number, .summary = "believed SNR from which the plan holds", .minimum = -200, .maximum = 200});
    const Field element{.name = "entry", .type = FieldType::object, .summary = "plan from an SNR upwards", .object = std::make_shared<const Fields>(entry)};
    Fields all{.summary = "table policy"};
    all.fields = {{.name = "made_by", .type = FieldType::string, .summary = "command and validation run that made the table"},
                  {.name = "entries", .type = FieldType::list, .summary = "ascending in from_db", .element = std::make_shared<const Field>(element)}};
    return all;
  }();
  const Json table = resolve(read_json(file), fields, Place{file, ""});
  std::vector<std::pair<double, Plan>> entries;
  for (const Json& entry : table.at("entries")) {
    const double from = entry.at("from_db");
    if (!entries.empty() && from <= entries.back().first)
      throw Error(Place{file, "/entries/" + std::to_string(entries.size())}.str(), "from_db must ascend");
    entries.emplace_back(from, to_plan(entry));
  }
  if (entries.empty() || entries.size() > 1024) throw Error(Place{file, "/entries"}.str(), "expected 1 to 1024 entries");
  return std::make_unique<TablePolicy>(std::move(entries));
}

}  // namespace

PolicyRegistry& policies() {
  static PolicyRegistry registry = [] {
    PolicyRegistry made("policy");
    Fields fixed{.summary = "the same plan whatever the channel"};
    fixed.fields = plan_fields();
    made.add("fixed", fixed, [](const Json& parameters) { return std::make_unique<FixedPolicy>(to_plan(parameters)); });
    Fields table{.summary = "believed SNR -> plan, from a JSON file made on the validation split"};
    table.fields = {{.name = "file", .type = FieldType::string, .summary = "the table, relative to the scenario"}};
    made.add("table", table, [](const Json& parameters) { return read_table(parameters.at("file").get<std::string>()); });
    return made;
  }();
  return registry;
}

}  // namespace semwave
