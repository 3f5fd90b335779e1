// The way of one image, held together: what transmitter, channel and receiver promise each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "experiment/run/images.h"
#include "experiment/train/objective.h"
#include "phy/header/header_codec.h"
#include "tests/fixtures/tiny_model.h"
#include "tests/fixtures/whole_path.h"
#include "transmitter/gate/gate.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

class Path : public WholePath {
 protected:
  /// Images through everything, one plan each.
  Heard run(const Scenario& scenario, const Model& model, const std::vector<std::int32_t>& indices,
            const PooledVector<Plan>& plans, bool training = false, Tape* tape = nullptr,
            const Gradients* lane = nullptr) {
    return through(scenario, model, indices, plans,
                   {.training = training, .tape = tape, .lane = lane});
  }
};

const PooledVector<Plan> mixed_plans{{1, 2, 4},   {0.5, 0, 16}, {0, 1, 4},    {0.12, 1, 1},
                                     {0.3, 2, 3}, {1, 0, 8},    {0.75, 1, 2}, {0.5, 2, 4}};

TEST_F(Path, AnImageAloneAndInCompanyGivesTheSameBits) {
  for (const std::string gate : {"learned", "random", "keep_all"}) {
    const Scenario scenario =
        tiny::scenario({{"/transmitter/gate", Json{{"kind", gate}, {"at", {0, 1}}}}});
    const Model model = tiny::model(scenario, *backend_);
    const Heard all = run(scenario, model, tiny::first(8), mixed_plans);
    std::size_t rebuilt = 0;
    double transmitter_operations = 0, receiver_operations = 0;
    for (std::int32_t i = 0; i < 8; ++i) {
      const Heard one = run(scenario, model, {i}, {mixed_plans[static_cast<std::size_t>(i)]});
      EXPECT_EQ(row(one.result.logits.value(), 0), row(all.result.logits.value(), i))
          << gate << " image " << i;
      ASSERT_EQ(one.result.lost[0], all.result.lost[static_cast<std::size_t>(i)]);
      transmitter_operations += one.transmitter_operations;
      receiver_operations += one.receiver_operations;
      if (one.result.lost[0]) continue;
      for (std::int64_t t = 0; t < 9; ++t)
        EXPECT_EQ(row(one.result.patches.value(), t),
                  row(all.result.patches.value(), static_cast<std::int64_t>(rebuilt) * 9 + t))
            << gate << " image " << i;
      ++rebuilt;
    }
    EXPECT_GE(rebuilt, 6u);
    // Executed operations are each image's own, too: nothing is computed for one because of
    // another.
    EXPECT_DOUBLE_EQ(transmitter_operations, all.transmitter_operations) << gate;
    EXPECT_DOUBLE_EQ(receiver_operations, all.receiver_operations) << gate;
  }
}

TEST_F(Path, PlansAreFollowed) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = run(scenario, model, tiny::first(8), mixed_plans);
  for (std::size_t i = 0; i < mixed_plans.size(); ++i) {
    const Plan& plan = mixed_plans[i];
    const int k = tokens_to_keep(plan.keep_ratio, 9);
    EXPECT_EQ(heard.trace.layout->rows_of(static_cast<int>(i)), k);
    EXPECT_EQ(heard.trace.exit_depth[i], plan.exit_depth);
    EXPECT_EQ(heard.burst.ledger[i].payload, k * plan.symbols_per_token);
    EXPECT_EQ(heard.burst.starts[i + 1] - heard.burst.starts[i], k * plan.symbols_per_token);
    std::vector<int> bits;
    for (const Bits& part : heard.burst.headers[i].parts)
      bits.push_back(static_cast<int>(part.size()));
    EXPECT_EQ(heard.burst.ledger[i].header, header_uses(bits, heard.burst.headers[i].format));
    EXPECT_EQ(static_cast<std::int64_t>(heard.reception.header_symbols[i].size()),
              heard.burst.ledger[i].header);
    if (heard.result.lost[i]) continue;
    const SemanticHeader& header = heard.headers[i];
    EXPECT_EQ(header.exit_depth, plan.exit_depth);
    EXPECT_EQ(header.symbols_per_token, plan.symbols_per_token);
    EXPECT_EQ(header.k, k);
  }
}

TEST_F(Path, KeepIsOfTheGrid) {
  EXPECT_EQ(tokens_to_keep(0.25, 49), 12);
  EXPECT_EQ(tokens_to_keep(1, 49), 49);
  EXPECT_EQ(tokens_to_keep(0.001, 49), 1);
  EXPECT_EQ(tokens_to_keep(0, 49), 0);
  EXPECT_EQ(tokens_to_keep(3.0 / 49, 49), 3) << "rounding of a ratio must not lose a token";
}

TEST_F(Path, SentSymbolsHaveUnitMeanPowerInEveryScope) {
  for (const std::string power : {"image", "token", "symbol"}) {
    const Scenario scenario = tiny::scenario({{"/conventions", Json{{"power", power}}}});
    const Model model = tiny::model(scenario, *backend_);
    const Heard heard = run(scenario, model, tiny::first(8), mixed_plans);
    const float* x = heard.burst.symbols.value().data();
    for (std::size_t i = 0; i < mixed_plans.size(); ++i) {
      const int piece = power == "image"   ? heard.burst.starts[i + 1] - heard.burst.starts[i]
                        : power == "token" ? mixed_plans[i].symbols_per_token
                                           : 1;
      for (std::int32_t s = heard.burst.starts[i]; s < heard.burst.starts[i + 1]; s += piece) {
        double sum = 0;
        for (std::int32_t j = s; j < s + piece; ++j)
          sum += double(x[2 * j]) * x[2 * j] + double(x[2 * j + 1]) * x[2 * j + 1];
        EXPECT_NEAR(sum / piece, 1, 1e-5) << power << " image " << i;
      }
    }
  }
}

TEST_F(Path, TheHighestScoresStay) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = run(scenario, model, tiny::first(4), PooledVector<Plan>(4, Plan{0.5, 2, 4}));
  ASSERT_EQ(heard.trace.scored->rows(), 36);
  for (int i = 0; i < 4; ++i) {
    std::vector<std::pair<float, int>> ranked;
    for (int t = 0; t < 9; ++t)
      ranked.emplace_back(-heard.trace.scores.value().data()[i * 9 + t], t);
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::int32_t> best;
    for (std::size_t j = 0; j < 4; ++j) best.push_back(ranked[j].second);
    std::sort(best.begin(), best.end());
    const auto& layout = *heard.trace.layout;
    EXPECT_EQ(best, std::vector<std::int32_t>(
                        layout.positions.begin() + layout.starts[static_cast<std::size_t>(i)],
                        layout.positions.begin() + layout.starts[static_cast<std::size_t>(i) + 1]));
  }
}

TEST_F(Path, EqualScoresLeaveTheLowerPosition) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  const auto gate = gates().make(Json{{"kind", "random"}, {"at", {0}}}, scenario.place("/gate"),
                                 *model.parameters, model.architecture);
  Pass pass{.backend = *backend_};
  const RaggedPtr layout = Ragged::full(2, 5);
  const std::vector<float> rows(10, 1), scores{1, 3, 3, 0, 3, 2, 2, 2, 2, 2};
  const Kept kept = keep_best(pass, *gate, {Var(backend_->from_host({10, 1}, rows.data())), layout},
                              Var(backend_->from_host({10, 1}, scores.data())), {2, 3});
  EXPECT_EQ(kept.tokens.layout->positions, (PooledVector<std::int32_t>{1, 2, 0, 1, 2}));

  // A NaN counts as the lowest score of all, whatever stands beside it.
  const float nan = std::nanf("");
  const std::vector<float> broken{nan, -5, nan, -7, nan, nan, nan, nan, nan, nan};
  const Kept sound =
      keep_best(pass, *gate, {Var(backend_->from_host({10, 1}, rows.data())), layout},
                Var(backend_->from_host({10, 1}, broken.data())), {3, 2});
  EXPECT_EQ(sound.tokens.layout->positions, (PooledVector<std::int32_t>{0, 1, 3, 0, 1}));
}

TEST_F(Path, SkippedWorkIsNotDone) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  const auto cost = [&](Plan plan) { return run(scenario, model, {0}, {plan}); };
  const double full = cost({1, 2, 4}).transmitter_operations,
               half = cost({0.5, 2, 4}).transmitter_operations,
               shallow = cost({1, 1, 4}).transmitter_operations;
  // A block of 9 tokens, counted by hand: attention 2*9*16*64 + 4*16*81, feed-forward 4*9*16*24,
  // two modulations 2*8*32 each.
  const double block = 2.0 * 9 * 16 * 64 + 4.0 * 16 * 81 + 4.0 * 9 * 16 * 24 + 2 * 2.0 * 8 * 32;
  EXPECT_DOUBLE_EQ(full - shallow, block);
  EXPECT_LT(half, full - 1.1 * block * (5.0 / 9));
  // The dense figure is what a run without gate executes at full depth.
  const Scenario open = tiny::scenario({{"/transmitter/gate", Json{{"kind", "keep_all"}}},
                                        {"/receiver/router", Json{{"kind", "top_k"}, {"k", 4}}}});
  const Model dense = tiny::model(open, *backend_);
  const Heard heard = run(open, dense, {0}, {{1, 2, 16}});
  EXPECT_DOUBLE_EQ(dense.transmitter->dense_operations(6, 6), heard.transmitter_operations);
  EXPECT_DOUBLE_EQ(dense.receiver->dense_operations(6, 6), heard.receiver_operations);
}

TEST_F(Path, OnlyTheChosenExpertsRun) {
  const auto operations = [&](int k) {
    const Scenario scenario = tiny::scenario({{"/receiver/router/k", k}});
    const Model model = tiny::model(scenario, *backend_);
    const Heard heard = run(scenario, model, {0, 1}, PooledVector<Plan>(2, Plan{1, 2, 4}));
    EXPECT_EQ(heard.result.expert_rows[0] + heard.result.expert_rows[1] +
                  heard.result.expert_rows[2] + heard.result.expert_rows[3],
              2 * 2 * 9 * k);
    return heard.receiver_operations;
  };
  // One more expert a row: two products of 16 x 24 for 18 rows in 2 blocks, and 2 x 16 for
  // combining.
  EXPECT_DOUBLE_EQ(operations(2) - operations(1), 2 * 18 * (2 * 2.0 * 16 * 24 + 2 * 16));
}

TEST_F(Path, ATokenSetHasNoPlacesAndNoImage) {
  const Scenario scenario = tiny::scenario({{"/transmitter/positions", "none"}});
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = run(scenario, model, tiny::first(3), PooledVector<Plan>(3, Plan{0.5, 2, 4}));
  EXPECT_FALSE(heard.result.patches.defined());
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard.burst.headers[i].parts.size(), 1u);
    EXPECT_TRUE(heard.headers[i].positions.empty());
  }
}

TEST_F(Path, NoTokenAtAllIsLegal) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = run(scenario, model, tiny::first(2), {{0, 2, 4}, {0, 0, 1}});
  EXPECT_EQ(heard.burst.starts.back(), 0);
  for (std::int64_t i = 0; i < heard.result.logits.value().size(); ++i)
    EXPECT_TRUE(std::isfinite(heard.result.logits.value().data()[i]));
  EXPECT_EQ(heard.result.rebuilt.size(), 2u);
}

TEST_F(Path, ALostHeaderIsALostImage) {
  const Scenario scenario = tiny::scenario({{"/channel/snr_db", 10}});
  const Model model = tiny::model(scenario, *backend_);
  Pass pass{.backend = *backend_};
  pass.draws = {5, 0, {0, 1}};
  const Channel channel(scenario.channel);
  const Fading fading = channel.realise(pass.draws);
  const Burst burst = model.transmitter->transmit(
      pass, image_tensor(*backend_, data_, tiny::first(2)), channel.observe(fading),
      PooledVector<Plan>(2, Plan{0.5, 2, 4}), nullptr);
  Reception heard = channel.apply(pass, burst, fading);
  for (auto& symbol : heard.header_symbols[0]) symbol = -symbol;
  const Result result = model.receiver->receive(pass, heard);
  EXPECT_TRUE(result.lost[0]);
  EXPECT_FALSE(result.lost[1]);
  EXPECT_EQ(result.rebuilt, (PooledVector<std::int32_t>{1}));
}

TEST_F(Path, TrainingAndInferenceComputeTheSameNumbers) {
  // What is dropped is dropped in training too: without exploration both passes agree to the last
  // bit.
  const Scenario scenario = tiny::scenario(
      {{"/transmitter/gate", Json{{"kind", "learned"}, {"at", {0}}, {"exploration", 0}}},
       {"/channel", Json{{"kind", "ideal"}}}});
  const Model model = tiny::model(scenario, *backend_);
  const Gradients lane(*model.parameters);
  Tape tape;
  const Heard training = run(scenario, model, tiny::first(8), mixed_plans, true, &tape, &lane);
  const Heard inference = run(scenario, model, tiny::first(8), mixed_plans);
  EXPECT_GT(tape.size(), 10u);
  for (std::int64_t i = 0; i < 8; ++i)
    EXPECT_EQ(row(training.result.logits.value(), i), row(inference.result.logits.value(), i)) << i;
  for (std::int64_t t = 0; t < 72; ++t)
    EXPECT_EQ(row(training.result.patches.value(), t), row(inference.result.patches.value(), t))
        << t;
}

TEST_F(Path, PlansBeyondTheModelAreRefused) {
  const Scenario scenario = tiny::scenario();
  const Model model = tiny::model(scenario, *backend_);
  EXPECT_THROW(run(scenario, model, {0}, {{0.5, 3, 4}}), Error);
  EXPECT_THROW(run(scenario, model, {0}, {{0.5, -1, 4}}), Error);
  EXPECT_THROW(run(scenario, model, {0}, {{1.5, 1, 4}}), Error);
  EXPECT_THROW(run(scenario, model, {0}, {{std::nan(""), 1, 4}}), Error);
  EXPECT_THROW(run(scenario, model, {0}, {{0.5, 1, 17}}), Error);
}

}  // namespace
}  // namespace semwave
