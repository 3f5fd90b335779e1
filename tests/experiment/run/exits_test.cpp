// Images of one batch leave at different depths and really leave; what an image that is sure may
// answer by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/images.h"
#include "phy/header/header_codec.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"
#include "tests/fixtures/tiny_model.h"
#include "tests/fixtures/whole_path.h"
#include "transmitter/exit/exit_rule.h"

namespace semwave {
namespace {

double confidence(std::span<const float> logits) {
  return softmax_confidence(logits);
}

class Exits : public WholePath {
 protected:
  static Scenario scenario(const Json& exit,
                           const std::vector<std::pair<std::string, Json>>& changes = {}) {
    std::vector<std::pair<std::string, Json>> all{
        {"/model/architecture/transmitter/exit_heads", true},
        {"/transmitter/exit", exit},
        {"/channel/snr_db", 20}};
    all.insert(all.end(), changes.begin(), changes.end());
    return tiny::scenario(all);
  }
  static Json confidence(double threshold, bool answer = false) {
    return {{"kind", "confidence"}, {"threshold", threshold}, {"answer", answer}};
  }

  /// Heads that say something different about each image, and are now and then sure.
  Model model(const Scenario& s) {
    Model made = tiny::model(s, *backend_);
    for (Parameter& p : made.parameters->all())
      if (p.name.starts_with("transmitter.exits.") &&
          p.name.find("out.weight") != std::string::npos)
        for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.data()[i] *= 6;
    made.parameters->pack(false);
    return made;
  }

  Heard run(const Scenario& s, const Model& model, const std::vector<std::int32_t>& indices,
            const PooledVector<Plan>& plans, bool asks_heads = false, bool training = false) {
    return through(s, model, indices, plans, {.training = training, .heads = asks_heads});
  }

  /// What each head says about each image where nobody leaves early: [depth][image].
  std::vector<std::vector<std::vector<float>>> said(const Model& model,
                                                    const PooledVector<Plan>& plans) {
    const Heard heard =
        run(scenario("fixed"), model, tiny::first(static_cast<int>(plans.size())), plans, true);
    std::vector<std::vector<std::vector<float>>> all(3,
                                                     std::vector<std::vector<float>>(plans.size()));
    for (const ExitLogits& exit : heard.trace.exits)
      for (std::size_t r = 0; r < exit.images.size(); ++r) {
        const float* row = exit.logits.value().data() + r * 3;
        all[static_cast<std::size_t>(exit.depth)][static_cast<std::size_t>(exit.images[r])].assign(
            row, row + 3);
      }
    return all;
  }
};

const PooledVector<Plan> plans{{1, 2, 4},   {0.5, 2, 16}, {0, 2, 4},    {0.12, 1, 1},
                               {0.3, 2, 3}, {1, 0, 8},    {0.75, 2, 2}, {0.5, 2, 4},
                               {1, 1, 4},   {1, 2, 4},    {0.75, 2, 4}, {0.5, 2, 8}};

/// Halfway between two neighbouring measures of what the first head says, so that some images are
/// surer and some less sure.
double middle(const std::vector<std::vector<std::vector<float>>>& said,
              double (*measure)(std::span<const float>) = confidence) {
  std::vector<double> all;
  for (const auto& image : said[1])
    if (!image.empty()) all.push_back(measure(image));
  std::sort(all.begin(), all.end());
  const std::size_t at = all.size() / 2;
  return (all[at - 1] + all[at]) / 2;
}

TEST_F(Exits, EachImageLeavesWhereItsHeadIsSure) {
  const auto heard = said(model(scenario("fixed")), plans);
  const double threshold = middle(heard);
  for (const bool answer : {false, true}) {
    const Scenario rule = scenario(confidence(threshold, answer));
    const Heard by_rule = run(rule, model(rule), tiny::first(12), plans);
    std::set<int> depths;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      int depth = plans[i].exit_depth;
      std::int32_t decision = -1;
      for (int d = 1; d <= plans[i].exit_depth && decision < 0; ++d) {
        const std::vector<float>& logits = heard[static_cast<std::size_t>(d)][i];
        if (logits.empty() || softmax_confidence(logits) < threshold) continue;
        depth = d;
        decision = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) -
                                             logits.begin());
      }
      EXPECT_EQ(by_rule.trace.exit_depth[i], depth) << i;
      EXPECT_EQ(by_rule.trace.answer[i], answer ? decision : -1) << i;
      depths.insert(depth);
    }
    EXPECT_EQ(depths, (std::set<int>{0, 1, 2}));
  }
}

TEST_F(Exits, AnImageAloneAndInCompanyGivesTheSameBits) {
  const auto heard = said(model(scenario("fixed")), plans);
  const double threshold = middle(heard), entropy = middle(heard, softmax_entropy) / std::log(3);
  for (const Json& gate : {Json{{"kind", "learned"}, {"at", {0, 1}}},
                           Json{{"kind", "random"}, {"at", {1}}}, Json("keep_all")})
    for (const Json& exit : {confidence(threshold), confidence(threshold, true),
                             Json{{"kind", "entropy"}, {"threshold", entropy}, {"answer", true}}}) {
      const Scenario s = scenario(exit, {{"/transmitter/gate", gate}});
      const Model heads = model(s);
      const Heard all = run(s, heads, tiny::first(12), plans);
      double transmitter_operations = 0, receiver_operations = 0;
      std::set<int> depths;
      std::int64_t rebuilt = 0;
      for (std::int32_t i = 0; i < 12; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const Heard one = run(s, heads, {i}, {plans[at]});
        ASSERT_EQ(one.trace.exit_depth[0], all.trace.exit_depth[at]) << i;
        ASSERT_EQ(one.trace.answer[0], all.trace.answer[at]) << i;
        const std::vector<float> symbols(
            all.burst.symbols.value().data() + 2 * all.burst.starts[at],
            all.burst.symbols.value().data() + 2 * all.burst.starts[at + 1]);
        EXPECT_EQ(
            std::vector<float>(one.burst.symbols.value().data(),
                               one.burst.symbols.value().data() + one.burst.symbols.value().size()),
            symbols)
            << i;
        EXPECT_EQ(row(one.result.logits.value(), 0), row(all.result.logits.value(), i)) << i;
        EXPECT_EQ(decisions(*backend_, one.result)[0], decisions(*backend_, all.result)[at]) << i;
        transmitter_operations += one.transmitter_operations;
        receiver_operations += one.receiver_operations;
        depths.insert(all.trace.exit_depth[at]);
        for (std::int64_t t = 0; !one.result.rebuilt.empty() && t < 9; ++t, ++rebuilt)
          EXPECT_EQ(row(one.result.patches.value(), t), row(all.result.patches.value(), rebuilt))
              << i;
      }
      EXPECT_EQ(depths.size(), 3u) << exit.dump();
      EXPECT_DOUBLE_EQ(transmitter_operations, all.transmitter_operations);
      EXPECT_DOUBLE_EQ(receiver_operations, all.receiver_operations);
    }
}

TEST_F(Exits, TheThresholdSpansFromTheFirstDepthToTheDeepest) {
  const PooledVector<Plan> deep(12, Plan{0.5, 2, 4});
  const auto depths = [&](const Json& exit) {
    const Scenario s = scenario(exit);
    const Heard heard = run(s, model(s), tiny::first(12), deep);
    return std::set<int>(heard.trace.exit_depth.begin(), heard.trace.exit_depth.end());
  };
  const double never = 1 - 1e-15, always = 1e-9;
  EXPECT_EQ(depths(confidence(never)), std::set<int>{2});
  EXPECT_EQ(depths(confidence(always)), std::set<int>{1});
  EXPECT_EQ(depths({{"kind", "confidence"}, {"threshold", always}, {"from", 2}}), std::set<int>{2});
  EXPECT_EQ(depths({{"kind", "entropy"}, {"threshold", always}}), std::set<int>{2});
  EXPECT_EQ(depths({{"kind", "entropy"}, {"threshold", never}}), std::set<int>{1});
}

TEST_F(Exits, OperationsOfASkippedBlockAreSaved) {
  const auto cost = [&](const Json& exit) {
    const Scenario s = scenario(exit, {{"/transmitter/gate", "keep_all"}});
    return run(s, model(s), {0}, {{1, 2, 4}}).transmitter_operations;
  };
  const double block = 2.0 * 9 * 16 * 64 + 4.0 * 16 * 81 + 4.0 * 9 * 16 * 24 + 2 * 2.0 * 8 * 32;
  // Norm modulated by the condition, a score a token, its weighted sum, the classifier.
  const double head = 2.0 * 8 * 32 + 2.0 * 9 * 16 + 2.0 * 16 * 9 + 2.0 * 16 * 3;
  const double early = cost(confidence(1e-9)), late = cost(confidence(1 - 1e-15));
  EXPECT_DOUBLE_EQ(late - early, block);
  EXPECT_DOUBLE_EQ(late - cost("fixed"), head) << "at the deepest depth no head is asked";
  EXPECT_DOUBLE_EQ(cost(confidence(1 - 1e-15, true)) - late, head) << "but for an answer";
  const double mapper = 2.0 * 8 * 32 + 2.0 * 9 * 16 * 32;
  EXPECT_DOUBLE_EQ(early - cost(confidence(1e-9, true)), mapper) << "an answer maps nothing";
}

TEST_F(Exits, AnAnswerIsHeardAsTheHeadSaidIt) {
  const auto heard = said(model(scenario("fixed")), plans);
  const Scenario s = scenario(confidence(middle(heard), true));
  const Model heads = model(s);
  const Heard all = run(s, heads, tiny::first(12), plans);
  const PooledVector<std::int32_t> decided = decisions(*backend_, all.result);
  int answered = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (all.trace.answer[i] < 0) continue;
    ++answered;
    ASSERT_FALSE(all.result.lost[i]);
    EXPECT_EQ(decided[i], all.trace.answer[i]);
    EXPECT_TRUE(all.headers[i].answer);
    EXPECT_EQ(all.headers[i].exit_depth, all.trace.exit_depth[i]);
    EXPECT_EQ(all.trace.layout->rows_of(static_cast<int>(i)), 0);
    EXPECT_EQ(all.reception.ledger[i].payload, 0);
    const std::vector<int> word{semantic_word_bits(9)};
    EXPECT_EQ(all.reception.ledger[i].header, header_uses(word, all.burst.headers[i].format));
    EXPECT_EQ(std::count(all.result.rebuilt.begin(), all.result.rebuilt.end(),
                         static_cast<std::int32_t>(i)),
              0);
    EXPECT_EQ(run(s, heads, {static_cast<std::int32_t>(i)}, {plans[i]}).receiver_operations, 0)
        << "the receiver's networks have nothing to do";
    EXPECT_EQ(heads.receiver->operations(&all.burst.headers[i]), 0);
  }
  EXPECT_GE(answered, 3);
  EXPECT_LE(answered, 9);
  // A lost header loses the answer with it, and a class that there is not is no answer.
  const auto first = static_cast<std::size_t>(
      std::find_if(all.trace.answer.begin(), all.trace.answer.end(), [](int a) { return a >= 0; }) -
      all.trace.answer.begin());
  Pass pass{.backend = *backend_};
  pass.draws = {s.seed, s.repeat, {}};
  for (std::uint32_t i = 0; i < 12; ++i) pass.draws.images.push_back(i);
  Reception inverted = all.reception;
  for (auto& symbol : inverted.header_symbols[first]) symbol = -symbol;
  const Result lost = heads.receiver->receive(pass, inverted);
  EXPECT_TRUE(lost.lost[first]);
  EXPECT_EQ(decisions(*backend_, lost)[first], -1);
  Burst impossible = all.burst;
  impossible.headers[first].parts =
      write_semantic_header({.exit_depth = 1, .answer = true, .decision = 3}, 9);
  const Channel channel(s.channel);
  EXPECT_TRUE(
      heads.receiver->receive(pass, channel.apply(pass, impossible, channel.realise(pass.draws)))
          .lost[first]);
}

TEST_F(Exits, TrainingFollowsThePlan) {
  const Scenario s = scenario(confidence(1e-9, true));
  const Heard heard = run(s, model(s), tiny::first(12), plans, true, true);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(heard.trace.exit_depth[i], plans[i].exit_depth);
    EXPECT_EQ(heard.trace.answer[i], -1);
  }
  ASSERT_EQ(heard.trace.exits.size(), 2u);
  EXPECT_EQ(heard.trace.exits[0].images,
            (PooledVector<std::int32_t>{0, 1, 3, 4, 6, 7, 8, 9, 10, 11}))
      << "all that are inside and have a token";
  EXPECT_EQ(heard.trace.exits[1].images, (PooledVector<std::int32_t>{0, 1, 4, 6, 7, 9, 10, 11}));
}

TEST_F(Exits, ShardsAndThreadsMakeNoDifference) {
  data_ = tiny::images(60);
  const Scenario s = scenario(confidence(middle(said(model(scenario("fixed")), plans)), true),
                              {{"/channel", Json{{"kind", "rayleigh"}, {"snr_db", 3}}}});
  const Model heads = model(s);
  PointResult one;
  for (const auto& [threads, shard] : {std::pair{1, 60}, std::pair{1, 1}, std::pair{2, 7}}) {
    ThreadPool pool(threads);
    PointResult other = evaluate(s, heads, data_, pool, {.shard = shard});
    ASSERT_EQ(other.images.size(), 60u);
    if (one.images.empty()) {
      one = std::move(other);
      EXPECT_GT(one.totals.answered, 5);
      EXPECT_LT(one.totals.answered, 55);
      EXPECT_GT(one.totals.exits[1], 5);
      continue;
    }
    EXPECT_DOUBLE_EQ(other.transmitter_operations, one.transmitter_operations);
    EXPECT_DOUBLE_EQ(other.receiver_operations, one.receiver_operations);
    for (std::size_t i = 0; i < one.images.size(); ++i) {
      const ImageRecord &a = one.images[i], &b = other.images[i];
      EXPECT_EQ(a.decision, b.decision) << i;
      EXPECT_EQ(a.answered, b.answered) << i;
      EXPECT_EQ(a.exit_depth, b.exit_depth) << i;
      EXPECT_EQ(a.uses.total(), b.uses.total()) << i;
      EXPECT_EQ(a.scores[0], b.scores[0]) << i;
      EXPECT_FALSE(std::isnan(a.scores[0]))
          << "the mean image stands for an image that was answered";
    }
  }
}

TEST_F(Exits, ThresholdsAreSetAndSweptAtRunTime) {
  const std::string folder = fresh_folder("scenario");
  Json value = scenario("confidence").resolved;
  value["sweep"] = {{"/transmitter/exit/threshold", {0.25, 0.75}}};
  tiny::write_text(folder + "/x.json", value.dump());
  const Scenario set = read_scenario(folder + "/x.json", {{"/transmitter/exit/threshold", 0.8},
                                                          {"/transmitter/exit/answer", true}});
  EXPECT_EQ(set.exit.at("threshold"), 0.8);
  EXPECT_EQ(set.exit.at("answer"), true);
  EXPECT_TRUE(set.sweep.empty());
  const std::vector<Point> points = expand(read_scenario(folder + "/x.json"));
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].scenario.exit.at("threshold"), 0.75);
  expect_contains(error_of([&] {
                    (void)read_scenario(folder + "/x.json", {{"/transmitter/exit/threshold", 1}});
                  }),
                  "/transmitter/exit/threshold: must be above 0 and below 1, found 1");
}

TEST_F(Exits, WhatDoesNotFitTheNetworkIsKnownBeforeItIsBuilt) {
  const auto problem = [](const std::vector<std::pair<std::string, Json>>& changes) {
    return error_of([&] { (void)tiny::scenario(changes); });
  };
  expect_contains(problem({{"/transmitter/exit", "confidence"}}),
                  "/transmitter/exit: the model has no exit heads");
  expect_contains(problem({{"/transmitter/gate/at", Json::array()}}),
                  "/transmitter/gate/at: expected at least one depth");
  expect_contains(problem({{"/transmitter/gate/at", {2, 1}}}),
                  "/transmitter/gate/at: depths must ascend");
  expect_contains(problem({{"/transmitter/gate/at", {3}}}),
                  "/transmitter/gate/at: 3 is beyond the network's 2 transmitter blocks");
  expect_contains(problem({{"/receiver/router/k", 5}}),
                  "/receiver/router/k: the model has 4 experts, asked for 5");
}

}  // namespace
}  // namespace semwave
