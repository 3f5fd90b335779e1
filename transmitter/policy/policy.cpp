#include "transmitter/policy/policy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "transmitter/policy/plan_table.h"

namespace semwave {

int tokens_to_keep(double keep_ratio, int grid) {
  if (keep_ratio <= 0) return 0;
  return std::clamp(static_cast<int>(std::floor(keep_ratio * grid + 1e-6)), 1, grid);
}

namespace {

std::vector<Field> plan_fields() {
  return {{.name = "keep",
           .type = FieldType::number,
           .summary = "share of the grid's tokens to send; 0 sends none",
           .fallback = 1.0,
           .minimum = 0,
           .maximum = 1},
          {.name = "depth",
           .type = FieldType::integer,
           .summary = "blocks the transmitter runs; -1: all",
           .fallback = -1,
           .minimum = -1,
           .maximum = 15},
          {.name = "symbols_per_token",
           .type = FieldType::integer,
           .summary = "complex symbols a token, S",
           .fallback = 8,
           .minimum = 1,
           .maximum = 16}};
}

Plan to_plan(const Json& p) {
  return {p.at("keep").get<double>(), p.at("depth").get<int>(),
          p.at("symbols_per_token").get<int>()};
}

void deepen(Plan& plan, int blocks) {
  if (plan.exit_depth == Plan::all_blocks) plan.exit_depth = blocks;
}

class FixedPolicy final : public Policy {
 public:
  explicit FixedPolicy(Plan plan) : plan_(plan) {}
  bool constant() const override { return true; }
  void fit(int blocks) override { deepen(plan_, blocks); }
  PooledVector<Plan> plan(const PooledVector<ChannelState>& states,
                          std::span<const std::uint32_t>) override {
    return PooledVector<Plan>(states.size(), plan_);
  }
  PooledVector<Plan> plans() const override { return {plan_}; }

 private:
  Plan plan_;
};

/// The entry with the highest `from_db` at or below the believed SNR; below all of them the lowest
/// entry.
class TablePolicy final : public Policy {
 public:
  TablePolicy(std::vector<std::pair<double, Plan>> entries, std::string made_for)
      : entries_(std::move(entries)), made_for_(std::move(made_for)) {}
  std::string made_for() const override { return made_for_; }
  void fit(int blocks) override {
    for (auto& entry : entries_) deepen(entry.second, blocks);
  }
  PooledVector<Plan> plan(const PooledVector<ChannelState>& states,
                          std::span<const std::uint32_t>) override {
    PooledVector<Plan> out;
    out.reserve(states.size());
    for (const ChannelState& state : states) {
      std::size_t at = 0;
      while (at + 1 < entries_.size() && entries_[at + 1].first <= state.snr_db) ++at;
      out.push_back(entries_[at].second);
    }
    return out;
  }
  PooledVector<Plan> plans() const override {
    PooledVector<Plan> out;
    for (const auto& entry : entries_) out.push_back(entry.second);
    return out;
  }

 private:
  std::vector<std::pair<double, Plan>> entries_;
  std::string made_for_;
};

Worth worth_of(const Json& parameters) {
  return parameters.at("metric") == "psnr" ? Worth::psnr : Worth::accuracy;
}

PlanTable table_of(const Json& parameters) {
  const std::string file = parameters.at("file");
  PlanTable table = read_plan_table(file);
  if (worth_of(parameters) == Worth::psnr && table.plans.front().psnr_db.empty())
    throw Error(file, "has no PSNR: it was made by a run that rebuilt no image");
  return table;
}

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// No choice of plans keeps a budget below the cheapest plan of each bin: the header alone takes so
/// much.
void check_budget(const PlanTable& table, double uses, double operations, BudgetScope scope) {
  if (uses < table.least_uses(scope))
    throw PartError("/uses", "a budget of " + text_of(uses) +
                                 " channel uses cannot be kept: the cheapest plans take " +
                                 text_of(table.least_uses(scope)) + ", headers included");
  if (operations < table.least_operations())
    throw PartError("/operations", "a budget of " + text_of(operations) +
                                       " operations cannot be kept: the cheapest plan takes " +
                                       text_of(table.least_operations()));
}

/// The best plans of a measured table within a budget of channel uses and one of operations, a plan
/// for each bin of believed SNR.
class ParetoPolicy : public Policy {
 public:
  explicit ParetoPolicy(const Json& parameters) : table_(table_of(parameters)) {
    const double uses = parameters.at("uses"),
                 operations = parameters.contains("operations")
                                  ? parameters.at("operations").get<double>()
                                  : std::numeric_limits<double>::infinity();
    const BudgetScope scope =
        parameters.at("budget") == "each" ? BudgetScope::each : BudgetScope::mean;
    check_budget(table_, uses, operations, scope);
    choice_ = table_.best(worth_of(parameters), uses, operations, scope);
    if (scope == BudgetScope::each)
      for (int b = 0; b < table_.bins(); ++b)
        if (const MeasuredPlan& plan =
                table_.plans[static_cast<std::size_t>(choice_[static_cast<std::size_t>(b)])];
            plan.uses[static_cast<std::size_t>(b)] > uses || plan.operations > operations)
          throw PartError("/uses", text_of(uses) + " channel uses and " + text_of(operations) +
                                       " operations cannot be kept together in every bin of SNR");
    if (const PlanTable::Means means = table_.means(choice_, worth_of(parameters));
        scope == BudgetScope::mean &&
        (means.uses > uses * (1 + 1e-9) || means.operations > operations * (1 + 1e-9)))
      throw PartError("/uses", text_of(uses) + " channel uses and " + text_of(operations) +
                                   " operations cannot be kept together");
  }
  PooledVector<Plan> plan(const PooledVector<ChannelState>& states,
                          std::span<const std::uint32_t>) override {
    PooledVector<Plan> out;
    out.reserve(states.size());
    for (const ChannelState& state : states) out.push_back(plan_of(table_.bin(state.snr_db)));
    return out;
  }
  PooledVector<Plan> plans() const override {
    PooledVector<Plan> out;
    for (int b = 0; b < table_.bins(); ++b) out.push_back(plan_of(b));
    return out;
  }
  std::string made_for() const override { return table_.model_sha256; }
  Json made_with() const override { return table_.network; }

 private:
  const Plan& plan_of(int bin) const {
    return table_.plans[static_cast<std::size_t>(choice_[static_cast<std::size_t>(bin)])].plan;
  }

  PlanTable table_;
  std::vector<int> choice_;
};

class OraclePolicy final : public ParetoPolicy {
 public:
  using ParetoPolicy::ParetoPolicy;
  bool knows_the_channel() const override { return true; }
};

/// Neely's drift plus penalty (Stochastic Network Optimization, 2010, ch. 4): a virtual queue Z, of
/// each link or of all together, for the uses above the limit, Z <- max(0, Z + mu (uses - limit
/// arrived)), and in each slot the plan that maximises  V worth - Z uses  for the believed SNR.
/// Sending nothing is one of the choices: it takes no uses, and the image waits for a better slot
/// or for its deadline.
class DriftPolicy final : public Policy {
 public:
  explicit DriftPolicy(const Json& parameters)
      : table_(table_of(parameters)),
        metric_(worth_of(parameters)),
        limit_(parameters.at("uses")),
        v_(parameters.at("v")),
        mu_(parameters.at("mu")),
        hold_(parameters.at("hold")),
        shared_(parameters.at("budget") == "network") {
    if (!hold_)
      check_budget(table_, limit_, std::numeric_limits<double>::infinity(), BudgetScope::mean);
    else if (limit_ < table_.least_uses())
      throw PartError("/uses",
                      "a limit of " + text_of(limit_) +
                          " channel uses is below the cheapest burst of the table, which takes " +
                          text_of(table_.least_uses()) + ", header included");
    if (metric_ == Worth::psnr) {  // of an image that is never sent: a lost one, as the worst bin
                                   // has them; a class that is not told is wrong
      unsent_ = std::numeric_limits<double>::infinity();
      for (const MeasuredPlan& plan : table_.plans)
        unsent_ = std::min(unsent_, *std::min_element(plan.psnr_db.begin(), plan.psnr_db.end()));
    }
    start_ = v_ * settled_price();
  }
  PooledVector<Plan> plan(const PooledVector<ChannelState>& states,
                          std::span<const std::uint32_t> links) override {
    PooledVector<Plan> out;
    out.reserve(states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      const Choice made =
          choose(table_.bin(states[i].snr_db), v_, queue_.at(shared_ ? 0 : links[i]));
      out.push_back(made.plan->plan);
      out.back().hold = made.hold;
    }
    return out;
  }
  PooledVector<Plan> plans() const override {
    PooledVector<Plan> out;
    for (const MeasuredPlan& plan : table_.plans) out.push_back(plan.plan);
    return out;
  }
  std::string made_for() const override { return table_.model_sha256; }
  Json made_with() const override { return table_.network; }
  bool remembers() const override { return true; }
  bool couples_links() const override { return shared_; }
  void begin(std::size_t links) override {
    queue_.assign(shared_ ? 1 : links, start_);
    step_ = shared_ ? mu_ / static_cast<double>(links) : mu_;
  }
  void passed(std::span<const int> arrived, std::span<const double> channel_uses) override {
    double all = 0;
    for (std::size_t link = 0; link < arrived.size(); ++link) {
      const double above = channel_uses[link] - limit_ * arrived[link];
      if (shared_)
        all += above;
      else
        queue_.at(link) = std::max(0.0, queue_[link] + step_ * above);
    }
    if (shared_) queue_[0] = std::max(0.0, queue_[0] + step_ * all);
  }

 private:
  struct Choice {
    const MeasuredPlan* plan;
    bool hold;
  };
  Choice choose(int bin, double v, double z) const {
    Choice made{&table_.plans.front(), false};
    double most = -std::numeric_limits<double>::infinity();
    for (const MeasuredPlan& plan : table_.plans) {
      const double value = v * (table_.worth(plan, bin, metric_) - unsent_) -
                           z * plan.uses[static_cast<std::size_t>(bin)];
      if (value <= most) continue;
      made.plan = &plan;
      most = value;
    }
    made.hold = hold_ && most < 0;
    return made;
  }

  /// Z / V at which links like those of the table would settle. A queue that begins empty
  /// overspends until it stands there.
  double settled_price() const {
    const auto uses_at = [&](double price) {
      double uses = 0;
      for (int b = 0; b < table_.bins(); ++b) {
        const auto bin = static_cast<std::size_t>(b);
        if (const Choice made = choose(b, 1, price); !made.hold)
          uses += table_.share[bin] * made.plan->uses[bin];
      }
      return uses;
    };
    if (uses_at(0) <= limit_) return 0;
    double low = 0, high = 1e-9;
    while (uses_at(high) > limit_ && high < 1e9) high *= 2;
    for (int i = 0; i < 60; ++i)
      (uses_at((low + high) / 2) > limit_ ? low : high) = (low + high) / 2;
    return high;
  }

  PlanTable table_;
  Worth metric_;
  double limit_, v_, mu_;
  bool hold_, shared_;
  double step_ = 0;            // mu, of the mean over links where they share Z
  double unsent_ = 0;          // worth of an image that is not sent
  double start_ = 0;           // Z of a link that has sent nothing
  std::vector<double> queue_;  // [links] Z; of all of them: [1]
};

std::unique_ptr<Policy> read_table(const std::string& file) {
  static const Fields fields = [] {
    Fields entry{.summary = "plan from an SNR upwards"};
    entry.fields = plan_fields();
    entry.fields.insert(entry.fields.begin(), {.name = "from_db",
                                               .type = FieldType::number,
                                               .summary = "believed SNR from which the plan holds",
                                               .minimum = -200,
                                               .maximum = 200});
    const Field element{.name = "entry",
                        .type = FieldType::object,
                        .summary = "plan from an SNR upwards",
                        .object = std::make_shared<const Fields>(entry)};
    Fields all{.summary = "table policy"};
    all.fields = {{.name = "made_by",
                   .type = FieldType::string,
                   .summary = "command and validation run that made the table"},
                  {.name = "model_sha256",
                   .type = FieldType::string,
                   .summary = "the checkpoint it was made for; empty: any",
                   .fallback = ""},
                  {.name = "entries",
                   .type = FieldType::list,
                   .summary = "ascending in from_db",
                   .element = std::make_shared<const Field>(element)}};
    return all;
  }();
  const Json table = resolve(read_json(file), fields, Place{file, ""});
  std::vector<std::pair<double, Plan>> entries;
  for (const Json& entry : table.at("entries")) {
    const double from = entry.at("from_db");
    if (!entries.empty() && from <= entries.back().first)
      throw Error(Place{file, "/entries/" + std::to_string(entries.size())}.str(),
                  "from_db must ascend");
    entries.emplace_back(from, to_plan(entry));
  }
  if (entries.empty() || entries.size() > 1024)
    throw Error(Place{file, "/entries"}.str(), "expected 1 to 1024 entries");
  return std::make_unique<TablePolicy>(std::move(entries), table.at("model_sha256"));
}

Field measured_field() {
  return {.name = "file",
          .type = FieldType::string,
          .summary = "what plans were worth, made by semwave table; relative to the scenario"};
}

Field metric_field() {
  return fields::choice("metric", "accuracy", {"accuracy", "psnr"}, "what is maximised");
}

Field uses_field(std::string summary) {
  return {.name = "uses",
          .type = FieldType::number,
          .summary = std::move(summary),
          .minimum = 0,
          .maximum = 1e9};
}

Fields pareto_fields(std::string summary) {
  const Field operations{
      .name = "operations",
      .type = FieldType::number,
      .summary = "budget of the transmitter's operations per image; default: none",
      .optional = true,
      .minimum = 0,
      .maximum = 1e18};
  const Field scope = fields::choice(
      "budget", "mean", {"mean", "each"},
      "mean: of the images met on links like those of the table; each: in every bin of SNR");
  return {.summary = std::move(summary),
          .fields = {measured_field(), metric_field(),
                     uses_field("budget of channel uses per image, header and pilots included"),
                     operations, scope}};
}

Fields drift_fields() {
  return {.summary =
              "each slot the plan that maximises V worth - Z uses, or none, Z a virtual "
              "queue that keeps the mean uses at the limit; for a timeline",
          .fields = {measured_field(), metric_field(),
                     uses_field("limit of the mean channel uses of an image that comes, header and "
                                "pilots included"),
                     fields::number("v", 1e6, 0, 1e15,
                                    "weight V of the worth (accuracy as a share, PSNR in dB)"),
                     fields::number("mu", 1, 1e-12, 1e12, "step of the virtual queue"),
                     fields::choice("budget", "link", {"link", "network"},
                                    "link: each link keeps the limit; network: the mean over all "
                                    "links does, and those that gain more may spend more"),
                     fields::boolean("hold", true,
                                     "an image waits where no plan is worth its price; false: each "
                                     "is sent at once")}};
}

template <typename Made>
std::unique_ptr<Policy> make(const Json& parameters) {
  return std::make_unique<Made>(parameters);
}

}  // namespace

PolicyRegistry& policies() {
  static PolicyRegistry registry = [] {
    PolicyRegistry made("policy");
    made.add(
        "fixed", {.summary = "the same plan whatever the channel", .fields = plan_fields()},
        [](const Json& parameters) { return std::make_unique<FixedPolicy>(to_plan(parameters)); });
    const Field table{.name = "file",
                      .type = FieldType::string,
                      .summary = "the table, relative to the scenario"};
    made.add("table",
             {.summary = "believed SNR -> plan, from a JSON file made on the validation split",
              .fields = {table}},
             [](const Json& parameters) {
               return read_table(parameters.at("file").get<std::string>());
             });
    made.add("pareto",
             pareto_fields("believed SNR -> the best plan measured on the validation split within "
                           "budgets of channel uses and operations"),
             make<ParetoPolicy>);
    made.add("oracle",
             pareto_fields("pareto with csi.transmitter forced to perfect: what a better belief "
                           "would gain"),
             make<OraclePolicy>);
    made.add("drift_plus_penalty", drift_fields(), make<DriftPolicy>);
    return made;
  }();
  return registry;
}

}  // namespace semwave
