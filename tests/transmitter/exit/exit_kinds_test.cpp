// Exits that look at all heads so far, and what is fitted to them, against numbers worked out by
// hand.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/core/expect_error.h"
#include "transmitter/exit/calibration.h"
#include "transmitter/exit/exit_rule.h"

namespace semwave {
namespace {

using Numbers = std::vector<double>;

const Place place{"x.json", "/transmitter/exit"};
const Plan plan{1, 8, 4};

Architecture network(int blocks) {
  Architecture a;
  a.height = 3, a.width = 3, a.dim = 8, a.heads = 2, a.classes = 4;
  a.tokeniser = {{8, Window{1, 1, 0}}};
  a.transmitter_blocks = blocks;
  a.exit_heads = true;
  return a;
}

Json filled(const Json& exit) {
  return resolve(exit, exits().field("exit"), place);
}

std::unique_ptr<ExitRule> rule(const Json& exit) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ParameterSet set(*backend);
  return exits().make(filled(exit), place, set, network(2));
}

std::vector<float> logs(const Numbers& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(ExitKinds, PatienceCountsAgreementsInARow) {
  const auto patient = rule({{"kind", "patience"}, {"patience", 2}});
  std::vector<float> heard;
  std::vector<int> left;
  for (const int says : {3, 3, 1, 1, 1}) {
    for (int c = 0; c < 4; ++c) heard.push_back(c == says ? 2.0f : 0.0f);
    const int depth = static_cast<int>(heard.size()) / 4;
    if (patient->leaves(depth, plan, HeardHeads(heard, 4, 0))) left.push_back(depth);
  }
  EXPECT_EQ(left, (std::vector<int>{5})) << "3 3 1 1 1: two agreements in a row at the fifth";
  EXPECT_EQ(patient->answer(HeardHeads(heard, 4, 0)), 1);
  EXPECT_FALSE(patient->leaves(1, plan, {}));
}

TEST(ExitKinds, AnEnsembleIsTheGeometricMean) {
  std::vector<float> heard = logs({.6, .3, .1});
  const std::vector<float> second = logs({.2, .7, .1});
  const auto leaves = [&](double threshold, const Json& weights) {
    return rule({{"kind", "ensemble"}, {"threshold", threshold}, {"weights", weights}})
        ->leaves(2, plan, HeardHeads(heard, 3, 0));
  };
  EXPECT_TRUE(leaves(.599, Json::array()));
  EXPECT_FALSE(leaves(.601, Json::array()));
  heard.insert(heard.end(), second.begin(), second.end());
  // .3829 .5065 .1105
  EXPECT_TRUE(leaves(.5064, Json::array()));
  EXPECT_FALSE(leaves(.5066, Json::array()));
  EXPECT_EQ(rule("ensemble")->answer(HeardHeads(heard, 3, 0)), 1);
  // Weights 2 and 0: the first head alone, its probabilities as they are.
  EXPECT_TRUE(leaves(.599, {2, 0}));
  EXPECT_FALSE(leaves(.601, {2, 0}));
}

TEST(ExitKinds, BudgetsByHand) {
  const Numbers shares = geometric_shares(.5, 3);
  EXPECT_NEAR(shares[0], .571, 1e-3);
  EXPECT_NEAR(shares[1], .286, 1e-3);
  EXPECT_NEAR(shares[2], .143, 1e-3);
  const std::vector<Numbers> confidence{
      {.9, .8, .7, .6, .5, .4}, {.95, .9, .85, .3, .7, .55}, {.5, .5, .5, .5, .5, .5}};
  const Numbers thresholds = budget_thresholds(confidence, shares);
  EXPECT_EQ(thresholds[0], .7) << "three of six leave: .9 .8 .7";
  EXPECT_EQ(thresholds[1], .7) << "one of the three that are left: .3 .7 .55";
  EXPECT_GT(thresholds[2], 1);
  EXPECT_GT(budget_thresholds(confidence, Numbers{.1, .1, .8})[0], 1) << "a share of no image";
}

TEST(ExitKinds, TemperatureAndCalibrationError) {
  const std::vector<float> row{2, 0, -2};
  EXPECT_NEAR(softmax_confidence(row), .8668, 1e-4);
  EXPECT_NEAR(softmax_confidence(row, 2), .6652, 1e-4);
  // Ten images of probabilities .6 .3 .1 that come true so often, said three times too loudly.
  std::vector<float> loud;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 10; ++i) {
    for (const float z : logs({.6, .3, .1})) loud.push_back(3 * z);
    labels.push_back(i < 6 ? 0 : i < 9 ? 1 : 2);
  }
  const double temperature = fitted_temperature(loud, labels, 3);
  EXPECT_NEAR(temperature, 3, 1e-3);
  EXPECT_LT(negative_log_likelihood(loud, labels, 3, temperature),
            negative_log_likelihood(loud, labels, 3, 1));
  EXPECT_NEAR(calibration_error(loud, labels, 3, temperature), 0, 1e-3);
  const double sure = softmax_confidence(std::span(loud).first(3));
  EXPECT_NEAR(calibration_error(loud, labels, 3, 1), sure - .6, 1e-9);
}

TEST(ExitKinds, ABudgetedHeadHasItsOwnThreshold) {
  const auto budgeted =
      rule({{"kind", "budgeted"}, {"thresholds", {2, .7}}, {"temperatures", {1, 2}}});
  std::vector<float> heard{9, 0, 0};
  EXPECT_FALSE(budgeted->leaves(1, plan, HeardHeads(heard, 3, 0))) << "nobody leaves there";
  heard.insert(heard.end(), {2, 0, -2});  // .8668, over a temperature of 2 .6652
  EXPECT_FALSE(budgeted->leaves(2, plan, HeardHeads(heard, 3, 0)));
  heard.resize(3);
  heard.insert(heard.end(), {4, 0, -4});
  EXPECT_TRUE(budgeted->leaves(2, plan, HeardHeads(heard, 3, 0)));
}

TEST(ExitKinds, TheChannelDecides) {
  const auto channel =
      rule({{"kind", "channel"},
            {"receiver", {{{"snr_db", -5}, {"right", .55}}, {{"snr_db", 10}, {"right", .93}}}}});
  const std::vector<float> heard = logs({.8, .1, .1});
  const auto leaves = [&](double snr_db) {
    return channel->leaves(1, plan, HeardHeads(heard, 3, snr_db));
  };
  EXPECT_TRUE(leaves(-5));
  EXPECT_FALSE(leaves(10));
  EXPECT_TRUE(leaves(-30)) << "as at the lowest";
  EXPECT_FALSE(leaves(30));
  // .55 + .38 (x + 5) / 15 = .8 at 4.87 dB
  EXPECT_TRUE(leaves(4.8));
  EXPECT_FALSE(leaves(4.95));
}

TEST(ExitKinds, WhatDoesNotFitIsSaid) {
  const auto problem = [](const Json& exit) {
    return error_of([&] { check_exit(filled(exit), network(2), place); });
  };
  expect_contains(
      problem({{"kind", "budgeted"}, {"thresholds", {.5, .5, .5}}}),
      "x.json: /transmitter/exit/thresholds: expected 2 numbers, one for each head from "
      "block 1 on; found 3");
  expect_contains(problem({{"kind", "budgeted"}, {"thresholds", {.5, .5}}, {"temperatures", {1}}}),
                  "/transmitter/exit/temperatures: expected 2 numbers");
  expect_contains(problem({{"kind", "channel"}, {"receiver", Json::array()}}),
                  "/transmitter/exit/receiver: expected at least one SNR");
  expect_contains(
      problem({{"kind", "channel"},
               {"receiver", {{{"snr_db", 1}, {"right", .5}}, {{"snr_db", 1}, {"right", .6}}}}}),
      "/transmitter/exit/receiver: snr_db must ascend");
  for (const Json& exit : std::vector<Json>{"patience", "ensemble"})
    EXPECT_NO_THROW(check_exit(filled(exit), network(2), place));
  expect_contains(error_of([] {
                    Architecture headless = network(2);
                    headless.exit_heads = false;
                    check_exit(filled("patience"), headless, place);
                  }),
                  "the model has no exit heads");
  EXPECT_EQ(exit_made_for(filled({{"kind", "ensemble"}, {"model_sha256", "ab"}})), "ab");
}

}  // namespace
}  // namespace semwave
