// Policies plan from what is believed, within budgets; the one that remembers keeps its mean.
#include "transmitter/policy/policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <vector>

#include "core/random/random.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "transmitter/policy/plan_table.h"

namespace semwave {
namespace {

/// Two bins, split at 5 dB: below, more uses buy accuracy; above, they buy nothing.
std::string table_file() {
  PlanTable table{
      .made_by = "test", .model_sha256 = "abc", .edges_db = {5}, .share = {0.5, 0.5}, .plans = {}};
  table.plans = {{.plan = {0.1, 1, 4},
                  .operations = 1e6,
                  .uses = {30, 20},
                  .accuracy = {0.6, 0.9},
                  .psnr_db = {}},
                 {.plan = {0.3, 2, 4},
                  .operations = 2e6,
                  .uses = {60, 50},
                  .accuracy = {0.75, 0.92},
                  .psnr_db = {}},
                 {.plan = {1.0, 2, 8},
                  .operations = 3e6,
                  .uses = {200, 190},
                  .accuracy = {0.85, 0.94},
                  .psnr_db = {}}};
  const std::string path = temporary_path("table.json");
  std::ofstream(path) << table.to_json();
  return path;
}

std::unique_ptr<Policy> make(Json parameters) {
  return policies().make(
      resolve(parameters, policies().field("policy"), Place{"s.json", "/transmitter/policy"}),
      Place{"s.json", "/transmitter/policy"});
}

Plan one(Policy& policy, double believed_snr_db, std::uint32_t link = 0) {
  const std::uint32_t links[] = {link};
  return policy.plan({{.snr_db = believed_snr_db}}, links)[0];
}

/// A slot in which one image came to one link.
void tell(Policy& policy, std::uint32_t link, double uses) {
  std::vector<int> arrived(link + 1, 0);
  std::vector<double> spent(link + 1, 0);
  arrived[link] = 1;
  spent[link] = uses;
  policy.passed(arrived, spent);
}

TEST(Policy, ParetoSpendsWhereItGains) {
  const std::string file = table_file();
  const auto policy = make({{"kind", "pareto"}, {"file", file}, {"uses", 110}});
  EXPECT_EQ(one(*policy, 0).keep_ratio, 1.0);  // 200 uses below, 20 above: 110 in the mean
  EXPECT_EQ(one(*policy, 10).keep_ratio, 0.1);
  const auto each = make({{"kind", "pareto"}, {"file", file}, {"uses", 110}, {"budget", "each"}});
  EXPECT_EQ(one(*each, 0).keep_ratio, 0.3);
  EXPECT_EQ(one(*each, 10).keep_ratio, 0.3);
  const auto light =
      make({{"kind", "pareto"}, {"file", file}, {"uses", 1000}, {"operations", 1.5e6}});
  const double mean = (one(*light, 0).exit_depth + one(*light, 10).exit_depth) / 2.0;
  EXPECT_LE(mean, 1.5);  // 1e6 operations a block
}

TEST(Policy, SeesTheBeliefAndNothingElse) {
  // The same believed SNR gives the same plan, however it was learned; a wrong one gives another.
  const std::string file = table_file();
  for (const char* kind : {"pareto", "oracle", "drift_plus_penalty"}) {
    const auto policy = make({{"kind", kind}, {"file", file}, {"uses", 110}});
    policy->begin(4);
    tell(*policy, 0, 500);  // a queue, so that uses cost something
    const std::uint32_t links[] = {0};
    const Plan right = policy->plan({{.snr_db = 0, .age = 0, .how = CsiKind::perfect}}, links)[0],
               stale = policy->plan({{.snr_db = 0, .age = 90, .how = CsiKind::delayed}}, links)[0],
               wrong = policy->plan({{.snr_db = 15, .age = 0, .how = CsiKind::perfect}}, links)[0];
    EXPECT_EQ(right, stale) << kind;
    EXPECT_NE(right, wrong) << kind;
  }
}

TEST(Policy, ImpossibleBudgetsAreRefused) {
  const std::string file = table_file();
  const auto problem = [&](Json parameters) {
    parameters["file"] = file;
    return error_of([&] { (void)make(parameters); });
  };
  expect_contains(problem({{"kind", "pareto"}, {"uses", 24}}), "s.json: /transmitter/policy/uses");
  expect_contains(problem({{"kind", "pareto"}, {"uses", 24}}), "cheapest plans take 25");
  expect_contains(problem({{"kind", "pareto"}, {"uses", 29}, {"budget", "each"}}),
                  "cheapest plans take 30");
  expect_contains(problem({{"kind", "oracle"}, {"uses", 500}, {"operations", 5e5}}),
                  "/transmitter/policy/operations");
  expect_contains(problem({{"kind", "drift_plus_penalty"}, {"uses", 10}}),
                  "/transmitter/policy/uses");
  expect_contains(problem({{"kind", "drift_plus_penalty"}, {"uses", 19}}),
                  "cheapest burst of the table, which takes 20");
  EXPECT_NO_THROW((void)make({{"kind", "drift_plus_penalty"}, {"file", file}, {"uses", 21}}))
      << "below the mean of the cheapest plans: what is not worth it waits";
  expect_contains(problem({{"kind", "drift_plus_penalty"}, {"uses", 21}, {"hold", false}}),
                  "cheapest plans take 25");
  expect_contains(problem({{"kind", "pareto"}, {"uses", 100}, {"metric", "psnr"}}), "no PSNR");
  expect_contains(problem({{"kind", "pareto"}, {"uses", -1}}), "/transmitter/policy/uses");
  expect_contains(error_of([&] {
                    (void)make({{"kind", "pareto"}, {"file", "/nowhere.json"}, {"uses", 1}});
                  }),
                  "/nowhere.json");
}

TEST(Policy, DriftPlusPenaltyKeepsItsMean) {
  // SNRs at random: the mean uses of a link settle at the limit, whatever it is, and more is spent
  // where it gains.
  const std::string file = table_file();
  for (const double limit : {40.0, 80.0, 120.0}) {
    const auto policy = make({{"kind", "drift_plus_penalty"}, {"file", file}, {"uses", limit}});
    EXPECT_TRUE(policy->remembers());
    policy->begin(2);
    const PlanTable table = read_plan_table(file);
    double spent[2] = {}, low = 0;
    constexpr int slots = 20000;
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      for (std::uint32_t link = 0; link < 2; ++link) {
        const double snr_db = uniform(philox(1, Purpose::snr, link, slot, 0)[0]) < 0.5 ? 0 : 10;
        const Plan plan = one(*policy, snr_db, link);
        EXPECT_FALSE(plan.hold) << "what there is pays for the cheapest plans";
        for (const MeasuredPlan& measured : table.plans)
          if (measured.plan == plan) {
            const double uses = measured.uses[static_cast<std::size_t>(table.bin(snr_db))];
            tell(*policy, link, uses);
            spent[link] += uses / slots;
            if (snr_db == 0) low += uses / slots;
          }
      }
    for (const double mean : spent) EXPECT_NEAR(mean / limit, 1, 0.02) << limit;
    EXPECT_GT(low, (spent[0] + spent[1]) * 0.55) << "bad links are given more";
  }
}

TEST(Policy, DriftPlusPenaltyHoldsBackWhatIsNotWorthItsPrice) {
  // 20 uses per image do not pay for the 30 of a bad slot: images of good ones are sent, those of
  // bad ones are not, and the mean is kept.
  const auto policy = make({{"kind", "drift_plus_penalty"}, {"file", table_file()}, {"uses", 20}});
  const auto never =
      make({{"kind", "drift_plus_penalty"}, {"file", table_file()}, {"uses", 25}, {"hold", false}});
  policy->begin(1);
  never->begin(1);
  double spent = 0;
  int held[2] = {};
  constexpr int slots = 20000;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    const bool bad = uniform(philox(1, Purpose::snr, 0, slot, 0)[0]) < 0.5;
    const Plan plan = one(*policy, bad ? 0 : 10);
    const double uses = plan.hold                ? 0
                        : plan.keep_ratio == 0.1 ? (bad ? 30 : 20)
                        : plan.keep_ratio == 0.3 ? (bad ? 60 : 50)
                        : bad                    ? 200
                                                 : 190;
    held[bad] += plan.hold;
    spent += uses / slots;
    tell(*policy, 0, uses);
    EXPECT_FALSE(one(*never, bad ? 0 : 10).hold);
    tell(*never, 0, 1e4);  // far above its limit
  }
  EXPECT_NEAR(spent, 20, 0.4);
  EXPECT_EQ(held[0], 0);
  EXPECT_GT(held[1], slots / 10);
}

TEST(Policy, LinksOfANetworkShareOneQueue) {
  // One link is always good, the other always bad. Alone each spends the limit, or as much as buys
  // something; together the bad one spends what the good one leaves.
  for (const bool shared : {false, true}) {
    const auto policy = make({{"kind", "drift_plus_penalty"},
                              {"file", table_file()},
                              {"uses", 100},
                              {"budget", shared ? "network" : "link"},
                              {"v", 1e7}});
    policy->begin(2);
    double spent[2] = {};
    constexpr int slots = 20000;
    for (int slot = 0; slot < slots; ++slot) {
      double uses[2];
      for (const std::uint32_t link : {0u, 1u}) {
        const Plan plan = one(*policy, link ? 0 : 10, link);
        uses[link] = (plan.keep_ratio == 0.1   ? 20
                      : plan.keep_ratio == 0.3 ? 50
                                               : 190) +
                     (link ? 10 : 0);
        spent[link] += uses[link] / slots;
      }
      policy->passed(std::vector<int>{1, 1}, uses);
    }
    if (shared) {
      EXPECT_NEAR((spent[0] + spent[1]) / 2, 100, 2);
      EXPECT_GT(spent[1], 120) << "0.1 more for 140 uses, where the good one gains 0.02";
    } else {
      EXPECT_NEAR(spent[0], 100, 2);
      EXPECT_NEAR(spent[1], 100, 2);
    }
  }
}

TEST(Policy, ASharedLimitThatDoesNotBindHasNoPrice) {
  // What one link leaves is there for the others of the slot, whatever their order.
  const auto policy = make({{"kind", "drift_plus_penalty"},
                            {"file", table_file()},
                            {"uses", 195},
                            {"budget", "network"},
                            {"v", 1e3}});
  policy->begin(2);
  for (int slot = 0; slot < 100; ++slot) {
    policy->passed(std::vector<int>{1, 1}, std::vector<double>{20, 300});
    EXPECT_EQ(one(*policy, 0).keep_ratio, 1.0) << slot;
  }
}

TEST(Policy, DriftPlusPenaltyBeginsAtThePriceOfItsTable) {
  // On links like those of the table nothing is overspent before the queue stands, however large V
  // is: with an empty one, 2e3 / 20 uses each.
  const auto policy =
      make({{"kind", "drift_plus_penalty"}, {"file", table_file()}, {"uses", 20}, {"v", 1e5}});
  policy->begin(1);
  double spent = 0;
  for (int slot = 0; slot < 20; ++slot) {
    const bool bad = slot % 2;
    const Plan plan = one(*policy, bad ? 0 : 10);
    const double uses = plan.hold                ? 0
                        : plan.keep_ratio == 0.1 ? (bad ? 30 : 20)
                        : plan.keep_ratio == 0.3 ? (bad ? 60 : 50)
                        : bad                    ? 200
                                                 : 190;
    tell(*policy, 0, uses);
    spent += uses / 20;
  }
  EXPECT_LT(spent, 30);
}

TEST(Policy, ABeginningForgets) {
  const auto policy =
      make({{"kind", "drift_plus_penalty"}, {"file", table_file()}, {"uses", 195}, {"v", 1e3}});
  policy->begin(1);
  EXPECT_EQ(one(*policy, 0).keep_ratio, 1.0);
  tell(*policy, 0, 1e6);
  EXPECT_EQ(one(*policy, 0).keep_ratio, 0.1);
  policy->begin(1);
  EXPECT_EQ(one(*policy, 0).keep_ratio, 1.0);
}

TEST(Policy, KnowsTheModelItWasMadeFor) {
  EXPECT_EQ(make({{"kind", "pareto"}, {"file", table_file()}, {"uses", 110}})->made_for(), "abc");
  EXPECT_EQ(make({{"kind", "fixed"}})->made_for(), "");
}

}  // namespace
}  // namespace semwave
