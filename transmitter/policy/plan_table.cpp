#include "transmitter/policy/plan_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/file.h"

namespace semwave {
namespace {

constexpr std::size_t most_bins = 256, most_plans = 1024;

const Fields& table_fields() {
  static const Fields fields = [] {
    const auto numbers = [](std::string name, std::string summary, double minimum, double maximum,
                            bool optional = false) {
      Field list{.name = std::move(name),
                 .type = FieldType::list,
                 .summary = std::move(summary),
                 .optional = optional};
      list.element = std::make_shared<const Field>(Field{.type = FieldType::number,
                                                         .summary = "of a bin",
                                                         .minimum = minimum,
                                                         .maximum = maximum});
      return list;
    };
    Fields plan{.summary = "a plan and what it was worth"};
    plan.fields = {{.name = "keep",
                    .type = FieldType::number,
                    .summary = "share of tokens",
                    .minimum = 0,
                    .maximum = 1},
                   {.name = "depth",
                    .type = FieldType::integer,
                    .summary = "transmitter blocks",
                    .minimum = 0,
                    .maximum = 15},
                   {.name = "symbols_per_token",
                    .type = FieldType::integer,
                    .summary = "complex symbols a token",
                    .minimum = 1,
                    .maximum = 16},
                   {.name = "operations",
                    .type = FieldType::number,
                    .summary = "of the transmitter, an image",
                    .minimum = 0,
                    .maximum = 1e18},
                   numbers("uses", "channel uses per image, each bin", 0, 1e9),
                   numbers("accuracy", "each bin", 0, 1),
                   numbers("psnr_db", "each bin", -100, 1000, true)};
    const Field element{.name = "plan",
                        .type = FieldType::object,
                        .summary = "a plan",
                        .object = std::make_shared<const Fields>(plan)};
    Fields all{.summary = "plans measured on the validation split"};
    all.fields = {{.name = "made_by",
                   .type = FieldType::string,
                   .summary = "the command and the validation run"},
                  {.name = "model_sha256",
                   .type = FieldType::string,
                   .summary = "the checkpoint that was measured"},
                  {.name = "network",
                   .type = FieldType::any,
                   .summary = "gate and positions of the transmitter that was measured",
                   .fallback = Json::object()},
                  numbers("edges_db", "believed SNR between neighbouring bins", -1000, 1000),
                  numbers("share", "of the images in each bin", 0, 1),
                  {.name = "plans",
                   .type = FieldType::list,
                   .summary = "what was measured",
                   .element = std::make_shared<const Field>(element)}};
    return all;
  }();
  return fields;
}

/// The smallest price in [0, high] at which `spent(price)`, which falls as the price rises, is at
/// most `budget`.
template <typename Spent>
double lowest_price(const Spent& spent, double budget, double high) {
  double low = 0;
  if (spent(low) <= budget) return low;
  for (int round = 0; round < 100; ++round) {
    const double middle = (low + high) / 2;
    (spent(middle) > budget ? low : high) = middle;
  }
  return high;
}

/// To `scale`-ths, so that the text is short.
Json rounded(const std::vector<double>& values, double scale) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::round(value * scale) / scale);
  return list;
}

}  // namespace

int PlanTable::bin(double believed_snr_db) const {
  return static_cast<int>(std::upper_bound(edges_db.begin(), edges_db.end(), believed_snr_db) -
                          edges_db.begin());
}

double PlanTable::least_uses(BudgetScope scope) const {
  double sum = 0, most = 0;
  for (int b = 0; b < bins(); ++b) {
    double least = std::numeric_limits<double>::infinity();
    for (const MeasuredPlan& plan : plans)
      least = std::min(least, plan.uses[static_cast<std::size_t>(b)]);
    sum += share[static_cast<std::size_t>(b)] * least;
    most = std::max(most, least);
  }
  return scope == BudgetScope::mean ? sum : most;
}

double PlanTable::least_uses() const {
  double least = std::numeric_limits<double>::infinity();
  for (const MeasuredPlan& plan : plans)
    least = std::min(least, *std::min_element(plan.uses.begin(), plan.uses.end()));
  return least;
}

double PlanTable::least_operations() const {
  double least = std::numeric_limits<double>::infinity();
  for (const MeasuredPlan& plan : plans) least = std::min(least, plan.operations);
  return least;
}

PlanTable::Means PlanTable::means(const std::vector<int>& choice, Worth metric) const {
  Means sum;
  for (int b = 0; b < bins(); ++b) {
    const MeasuredPlan& plan = plans[static_cast<std::size_t>(choice[static_cast<std::size_t>(b)])];
    const double weight = share[static_cast<std::size_t>(b)];
    sum.worth += weight * worth(plan, b, metric);
    sum.uses += weight * plan.uses[static_cast<std::size_t>(b)];
    sum.operations += weight * plan.operations;
  }
  return sum;
}

namespace {

/// Local search for the best choice within two budgets on means: from any choice it comes to one
/// that no change of a bin, nor of two where the table is small, makes better.
class Search {
 public:
  Search(const PlanTable& table, Worth metric, double uses, double operations)
      : table_(table),
        metric_(metric),
        uses_(uses),
        operations_(operations),
        count_(static_cast<int>(table.plans.size())),
        all_(table.bins() * count_) {}

  double excess(const PlanTable::Means& m) const {
    return std::max(0.0, m.uses - uses_) / std::max(1.0, uses_) +
           (std::isfinite(operations_)
                ? std::max(0.0, m.operations - operations_) / std::max(1.0, operations_)
                : 0.0);
  }

  std::vector<int> improve(std::vector<int> choice) {
    choice_ = std::move(choice);
    now_ = table_.means(choice_, metric_);
    while (excess(now_) > 0 && (lower() || exchange())) now_ = table_.means(choice_, metric_);
    while (excess(now_) == 0 && (raise() || exchange())) now_ = table_.means(choice_, metric_);
    return choice_;
  }

 private:
  /// The means with the bin and the plan of change number `c` put in.
  PlanTable::Means with(int c) const {
    const auto at = static_cast<std::size_t>(c / count_);
    const MeasuredPlan &other = table_.plans[static_cast<std::size_t>(c % count_)],
                       &old = table_.plans[static_cast<std::size_t>(choice_[at])];
    const double share = table_.share[at];
    return {now_.worth + share * (table_.worth(other, c / count_, metric_) -
                                  table_.worth(old, c / count_, metric_)),
            now_.uses + share * (other.uses[at] - old.uses[at]),
            now_.operations + share * (other.operations - old.operations)};
  }
  void put(int c) { choice_[static_cast<std::size_t>(c / count_)] = c % count_; }

  /// Least loss of worth for what it takes off the excess.
  bool lower() {
    int best = -1;
    double best_ratio = -std::numeric_limits<double>::infinity();
    for (int c = 0; c < all_; ++c) {
      const PlanTable::Means then = with(c);
      const double less = excess(now_) - excess(then), ratio = (then.worth - now_.worth) / less;
      if (less <= 1e-12 || ratio <= best_ratio) continue;
      best_ratio = ratio;
      best = c;
    }
    if (best >= 0) put(best);
    return best >= 0;
  }

  bool raise() {
    int best = -1;
    double best_gain = 1e-9;
    for (int c = 0; c < all_; ++c) {
      const PlanTable::Means then = with(c);
      if (then.worth - now_.worth <= best_gain || excess(then) > 0) continue;
      best_gain = then.worth - now_.worth;
      best = c;
    }
    if (best >= 0) put(best);
    return best >= 0;
  }

  /// What one bin gives up may be worth more in another, or bring both budgets together; not asked
  /// of large tables, where prices meet well.
  bool exchange() {
    if (all_ > 2048) return false;
    int best = -1, partner = -1;
    double best_gain = 1e-9;
    const double above = excess(now_);
    for (int c = 0; c < all_; ++c) {
      const PlanTable::Means one = with(c);
      for (int d = 0; d < c / count_ * count_; ++d) {
        const PlanTable::Means two = with(d),
                               then{one.worth + two.worth - now_.worth,
                                    one.uses + two.uses - now_.uses,
                                    one.operations + two.operations - now_.operations};
        const double gain = above > 0          ? above - excess(then)
                            : excess(then) > 0 ? 0
                                               : then.worth - now_.worth;
        if (gain <= best_gain) continue;
        best_gain = gain;
        best = c;
        partner = d;
      }
    }
    if (best < 0) return false;
    put(best);
    put(partner);
    return true;
  }

  const PlanTable& table_;
  const Worth metric_;
  const double uses_, operations_;
  const int count_, all_;
  std::vector<int> choice_;
  PlanTable::Means now_;
};

}  // namespace

std::vector<int> PlanTable::best(Worth metric, double uses, double operations,
                                 BudgetScope scope) const {
  std::vector<int> choice(static_cast<std::size_t>(bins()));
  // The plan of each bin with the largest value(bin, plan); of equals the first.
  const auto pick = [&](const auto& value) {
    for (int b = 0; b < bins(); ++b) {
      int& best = choice[static_cast<std::size_t>(b)] = 0;
      for (int p = 1; p < static_cast<int>(plans.size()); ++p)
        if (value(b, plans[static_cast<std::size_t>(p)]) >
            value(b, plans[static_cast<std::size_t>(best)]))
          best = p;
    }
    return choice;
  };
  const auto uses_of = [](int b, const MeasuredPlan& p) {
    return p.uses[static_cast<std::size_t>(b)];
  };
  if (scope == BudgetScope::each)  // what keeps the budgets by its worth, what does not by what it
                                   // takes, below all that do
    return pick([&](int b, const MeasuredPlan& p) {
      return uses_of(b, p) <= uses && p.operations <= operations
                 ? worth(p, b, metric)
                 : -1e6 - uses_of(b, p) - p.operations * 1e-15;
    });

  const auto priced = [&](double lambda, double mu) {
    return means(pick([&](int b, const MeasuredPlan& p) {
                   return worth(p, b, metric) - lambda * uses_of(b, p) - mu * p.operations;
                 }),
                 metric);
  };
  const double dear = 1e4;  // more for one use, or one operation, than any worth is
  const auto lambda_at = [&](double mu) {
    return lowest_price([&](double price) { return priced(price, mu).uses; }, uses, dear);
  };
  const double mu =
      std::isfinite(operations)
          ? lowest_price([&](double price) { return priced(lambda_at(price), price).operations; },
                         operations, dear)
          : 0;
  (void)priced(lambda_at(mu), mu);
  // Two prices meet only nearly where plans are few, so the cheapest choices are tried as
  // beginnings too.
  Search search(*this, metric, uses, operations);
  std::vector<int> best;
  Means best_means;
  for (const std::vector<int>&start :
       {choice, pick([&](int b, const MeasuredPlan&p) { return -uses_of(b, p); }),
        pick([&](int, const MeasuredPlan&p) { return -p.operations; })}) {
    const std::vector<int> found = search.improve(start);
    const Means then = means(found, metric);
    const double less = best.empty() ? 1 : search.excess(best_means) - search.excess(then);
    if (!best.empty() && (less < 0 || (less == 0 && then.worth <= best_means.worth))) continue;
    best = found;
    best_means = then;
  }
  return best;
}

Json PlanTable::to_json() const {
  Json all{{"made_by", made_by},           {"model_sha256", model_sha256},
           {"network", network},           {"edges_db", rounded(edges_db, 1e3)},
           {"share", rounded(share, 1e6)}, {"plans", Json::array()}};
  for (const MeasuredPlan& plan : plans) {
    Json entry{{"keep", plan.plan.keep_ratio},
               {"depth", plan.plan.exit_depth},
               {"symbols_per_token", plan.plan.symbols_per_token},
               {"operations", std::round(plan.operations)},
               {"uses", rounded(plan.uses, 1e2)},
               {"accuracy", rounded(plan.accuracy, 1e5)}};
    if (!plan.psnr_db.empty()) entry["psnr_db"] = rounded(plan.psnr_db, 1e3);
    all["plans"].push_back(std::move(entry));
  }
  return all;
}

PlanTable parse_plan_table(const Json& value, const std::string& file) {
  const Place place{file, ""};
  const Json all = resolve(value, table_fields(), place);
  PlanTable table;
  table.made_by = all["made_by"];
  table.model_sha256 = all["model_sha256"];
  if (table.model_sha256.empty())
    throw Error((place / "model_sha256").str(), "must name the checkpoint that was measured");
  table.network = all["network"];
  table.edges_db = all["edges_db"].get<std::vector<double>>();
  table.share = all["share"].get<std::vector<double>>();
  const std::size_t bins = table.share.size();
  if (bins < 1 || bins > most_bins)
    throw Error((place / "share").str(), "expected 1 to " + std::to_string(most_bins) + " bins");
  if (table.edges_db.size() != bins - 1)
    throw Error((place / "edges_db").str(),
                "expected one edge fewer than bins, " + std::to_string(bins - 1));
  if (!std::is_sorted(table.edges_db.begin(), table.edges_db.end(), std::less_equal<>()))
    throw Error((place / "edges_db").str(), "must ascend");
  if (std::abs(std::accumulate(table.share.begin(), table.share.end(), 0.0) - 1) > 1e-3)
    throw Error((place / "share").str(), "must sum to 1");
  const Json& plans = all["plans"];
  if (plans.empty() || plans.size() > most_plans)
    throw Error((place / "plans").str(), "expected 1 to " + std::to_string(most_plans) + " plans");
  const bool rebuilt = plans[0].contains("psnr_db");
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Json& p = plans[i];
    const Place at = place / "plans" / std::to_string(i);
    MeasuredPlan made{.plan = {p["keep"], p["depth"], p["symbols_per_token"]},
                      .operations = p["operations"],
                      .uses = p["uses"].get<std::vector<double>>(),
                      .accuracy = p["accuracy"].get<std::vector<double>>(),
                      .psnr_db = {}};
    if (p.contains("psnr_db") != rebuilt)
      throw Error(at.str(), "psnr_db must be given for all plans or for none");
    if (rebuilt) made.psnr_db = p["psnr_db"].get<std::vector<double>>();
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must
                               // notice
    for (const auto& [name, list] :
         {std::pair{"uses", &made.uses}, std::pair{"accuracy", &made.accuracy},
          std::pair{"psnr_db", &made.psnr_db}})
      if (list->size() != bins && (rebuilt || list != &made.psnr_db))
        throw Error((at / name).str(), "expected a number for each of " + std::to_string(bins) +
                                           " bins, found " + std::to_string(list->size()));
#endif
    table.plans.push_back(std::move(made));
  }
  return table;
}

PlanTable read_plan_table(const std::string& path) {
  return parse_plan_table(read_json(path, PlanTable::largest_file), path);
}

}  // namespace semwave
