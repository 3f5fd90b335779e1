// Exit rules against softmax and entropy worked out by hand, and what they refuse.
#include "transmitter/exit/exit_rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

const Place place{"x.json", "/transmitter/exit"};

Architecture network(bool heads = true) {
  Json shape{{"image", {12, 12, 1}},
             {"classes", 3},
             {"dim", 16},
             {"heads", 2},
             {"tokeniser", {{{"channels", 16}, {"kernel", 3}, {"stride", 4}, {"padding", 1}}}},
             {"transmitter", {{"blocks", 2}, {"hidden", 24}, {"exit_heads", heads}}}};
  return Architecture::from_json(resolve(shape, Architecture::fields(), place), place);
}

Json filled(const Json& exit) {
  return resolve(exit, exits().field("exit"), place);
}

std::unique_ptr<ExitRule> rule(const Json& exit) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ParameterSet set(*backend);
  const Architecture architecture = network();
  return exits().make(filled(exit), place, set, architecture);
}

std::vector<float> logits_of(const std::vector<double>& odds) {
  std::vector<float> logits;
  for (const double o : odds) logits.push_back(static_cast<float>(std::log(o)));
  return logits;
}

TEST(ExitRule, ConfidenceAndEntropyAreThoseOfTheSoftmax) {
  const std::vector<float> logits = logits_of({1, 2, 5});  // probabilities 1/8, 2/8, 5/8
  EXPECT_NEAR(softmax_confidence(logits), 5.0 / 8, 1e-7);
  EXPECT_NEAR(softmax_entropy(logits),
              1.0 / 8 * std::log(8) + 1.0 / 4 * std::log(4) + 5.0 / 8 * std::log(8.0 / 5), 1e-7);
  const std::vector<float> even(7, 3.5f), sure{-1e30f, 2e30f, 0},
      cold{0, -std::numeric_limits<float>::infinity(), 0};
  EXPECT_NEAR(softmax_confidence(even), 1.0 / 7, 1e-15);
  EXPECT_NEAR(softmax_entropy(even), std::log(7), 1e-12);
  EXPECT_EQ(softmax_confidence(sure), 1);
  EXPECT_EQ(softmax_entropy(sure), 0);
  EXPECT_NEAR(softmax_entropy(cold), std::log(2), 1e-12) << "what is impossible adds nothing";
}

TEST(ExitRule, AnImageLeavesWhereTheHeadIsSure) {
  const std::vector<float> logits = logits_of({1, 2, 5});
  const Plan plan{1, 2, 4};
  EXPECT_TRUE(
      rule({{"kind", "confidence"}, {"threshold", 0.62}})->leaves(1, plan, HeardHeads(logits)));
  EXPECT_FALSE(
      rule({{"kind", "confidence"}, {"threshold", 0.63}})->leaves(1, plan, HeardHeads(logits)));
  // H / ln 3 = 0.900256 / 1.098612 = 0.81945
  EXPECT_TRUE(
      rule({{"kind", "entropy"}, {"threshold", 0.82}})->leaves(1, plan, HeardHeads(logits)));
  EXPECT_FALSE(
      rule({{"kind", "entropy"}, {"threshold", 0.818}})->leaves(1, plan, HeardHeads(logits)));
  for (const char* kind : {"confidence", "entropy"})
    EXPECT_FALSE(rule({{"kind", kind}})->leaves(2, plan, {}))
        << "without a head's word nobody is sure";
  EXPECT_TRUE(rule("fixed")->leaves(2, plan, {}));
  EXPECT_FALSE(rule("fixed")->leaves(1, plan, HeardHeads(logits)));
  const std::vector<float> broken(3, std::nanf(""));
  EXPECT_FALSE(
      rule({{"kind", "confidence"}, {"threshold", 0.01}})->leaves(1, plan, HeardHeads(broken)));
  EXPECT_FALSE(
      rule({{"kind", "entropy"}, {"threshold", 0.99}})->leaves(1, plan, HeardHeads(broken)));
}

TEST(ExitRule, OnlyWhatMayChangeSomethingIsAsked) {
  const Plan shallow{1, 1, 4}, deep{1, 2, 4};
  const auto plain = rule("confidence"), late = rule({{"kind", "entropy"}, {"from", 2}}),
             answering = rule({{"kind", "confidence"}, {"answer", true}});
  EXPECT_TRUE(plain->asks(1, deep));
  EXPECT_FALSE(plain->asks(1, shallow)) << "it leaves there anyway";
  EXPECT_FALSE(plain->asks(2, deep));
  EXPECT_FALSE(late->asks(1, deep));
  EXPECT_TRUE(answering->asks(2, deep)) << "an answer may be given at the deepest depth too";
  EXPECT_FALSE(plain->answers());
  EXPECT_TRUE(answering->answers());
  EXPECT_FALSE(rule("fixed")->asks(1, deep));
}

TEST(ExitRule, WhatTheNetworkLacksIsSaid) {
  const auto problem = [](const Json& exit, const Architecture& architecture) {
    return error_of([&] { check_exit(filled(exit), architecture, place); });
  };
  EXPECT_NO_THROW(check_exit(filled("confidence"), network(), place));
  EXPECT_NO_THROW(check_exit(filled("fixed"), network(false), place));
  expect_contains(problem("entropy", network(false)),
                  "x.json: /transmitter/exit: the model has no exit heads, which this exit asks: "
                  "train it with \"exit_heads\": true");
  for (const char* kind : {"confidence", "entropy"})
    for (const double threshold : {0.0, 1.0})
      expect_contains(problem({{"kind", kind}, {"threshold", threshold}}, network()),
                      "x.json: /transmitter/exit/threshold: must be above 0 and below 1, found " +
                          canonical(threshold));
  for (const double threshold : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()})
    expect_contains(error_of([&] {
                      (void)filled({{"kind", "confidence"}, {"threshold", threshold}});
                    }),
                    "/transmitter/exit/threshold");
  expect_contains(problem({{"kind", "confidence"}, {"from", 3}}, network()),
                  "/transmitter/exit/from: 3 is beyond the network's 2 transmitter blocks");
  Architecture many = network();
  many.classes = 1 << 10;  // 9 tokens: 4 + 2 + 4 bits
  EXPECT_NO_THROW(check_exit(filled({{"kind", "confidence"}, {"answer", true}}), many, place));
  ++many.classes;
  expect_contains(
      problem({{"kind", "confidence"}, {"answer", true}}, many),
      "/transmitter/exit/answer: the header of a grid of 9 tokens has room for 1024 classes");
  EXPECT_NO_THROW(check_exit(filled("confidence"), many, place));
}

}  // namespace
}  // namespace semwave
