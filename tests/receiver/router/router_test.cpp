// Routers on six tokens worked out by hand, their gradients, and an image in a shard against the
// same image alone.
#include "receiver/router/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "receiver/router/choice.h"
#include "tests/core/expect_error.h"
#include "tests/fixtures/ragged.h"

namespace semwave {
namespace {

using Floats = std::vector<float>;
using Indices = std::vector<std::int32_t>;

const Place place{"x.json", "/receiver/router"};
// Logits of six tokens for three experts. The second token's would tie with the first's; rounding
// of a softmax decides such ties, so it stands a hair lower.
const Floats logits = {2, 1, 0, 1.9999f, 0, 1, 1.5f, 1, 0, 0, 1, 0, 3, 0, 0, 0, 0, .5f};

/// A grid of six tokens of `dim` numbers, one receiver block.
Architecture network(int experts, int dim = 6) {
  Architecture a;
  a.height = 2, a.width = 3, a.dim = dim, a.heads = 1;
  a.tokeniser = {{dim, Window{1, 1, 0}}};
  a.receiver_blocks = 1;
  a.experts = experts;
  return a;
}

Json filled(const Json& router) {
  return resolve(router, routers().field("router"), place);
}

Indices plain(const PooledVector<std::int32_t>& values) {
  return {values.begin(), values.end()};
}

class Routers : public ::testing::Test {
 protected:
  /// A router whose logits of the six one-hot tokens are those above.
  std::unique_ptr<Router> by_hand(const Json& named, ParameterSet& set) {
    auto made = routers().make(filled(named), place, set, network(3));
    if (Parameter* weight = set.find("receiver.blocks.0.router.weight")) {
      const auto experts = static_cast<std::size_t>(weight->value.shape()[0]);
      Floats w(experts * 7);
      for (std::size_t e = 0; e < experts; ++e)
        for (std::size_t t = 0; t < 6; ++t) w[e * 7 + t] = logits[t * 3 + e];
      backend_->copy(weight->value, backend_->from_host(weight->value.shape(), w.data()));
    }
    set.pack(true);
    return made;
  }
  RoutedBlock choose(const Router& router, Pass& pass) {
    Floats tokens(36), described(42);
    for (std::size_t t = 0; t < 6; ++t) tokens[t * 6 + t] = described[t * 7 + t] = 1;
    const Var x = from({6, 6}, tokens), y = from({6, 7}, described);
    return router.choose(pass, {0, x, y, layout_of_rows({6})});
  }
  RoutedBlock choose(const Json& named) {
    ParameterSet set(*backend_);
    const auto router = by_hand(named, set);
    Pass pass{.backend = *backend_};
    pass.draws.images = {0};
    return choose(*router, pass);
  }
  Floats host(const Var& x) const {
    Floats values(static_cast<std::size_t>(x.value().size()));
    if (!values.empty()) backend_->to_host(x.value(), values.data());
    return values;
  }
  Var from(Shape shape, const Floats& values) const {
    return Var(backend_->from_host(shape, values.data()), true);
  }
  /// Rows of each expert.
  static std::vector<Indices> rows_of(const Routing& routing) {
    std::vector<Indices> rows;
    for (std::size_t e = 0; e + 1 < routing.group_starts.size(); ++e)
      rows.emplace_back(routing.source.begin() + routing.group_starts[e],
                        routing.source.begin() + routing.group_starts[e + 1]);
    return rows;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

/// Expert e answers (e + 2) x.
Var multiples(Pass& pass, const Var& rows, std::span<const std::int32_t> group_starts) {
  PooledVector<Var> parts;
  for (std::size_t e = 0; e + 1 < group_starts.size(); ++e) {
    PooledVector<std::int32_t> of_expert;
    for (std::int32_t r = group_starts[e]; r < group_starts[e + 1]; ++r) of_expert.push_back(r);
    parts.push_back(affine(pass, gather_rows(pass, rows, of_expert), static_cast<float>(e + 2)));
  }
  return concat_rows(pass, parts);
}

TEST_F(Routers, TopKAndItsWeights) {
  const RoutedBlock one = choose("top_k");
  EXPECT_EQ(plain(one.routing.expert), (Indices{0, 0, 0, 1, 0, 2}));
  const Floats p = host(one.routing.probabilities);
  EXPECT_NEAR(p[0], .6652, 1e-4);
  EXPECT_NEAR(p[1], .2447, 1e-4);
  EXPECT_NEAR(p[2], .0900, 1e-4);
  const RoutedBlock two = choose({{"kind", "top_k"}, {"k", 2}, {"renormalise", true}});
  EXPECT_EQ(plain(two.routing.expert), (Indices{0, 1, 0, 2, 0, 1, 1, 0, 0, 1, 2, 0}));
  const Floats sum_to_one = host(two.routing.probabilities);
  EXPECT_NEAR(sum_to_one[0], .7311, 1e-4);
  EXPECT_NEAR(sum_to_one[1], .2689, 1e-4);
}

TEST_F(Routers, CapacityServesTheSurestFirst) {
  EXPECT_EQ(capacity_of(1, 1, 6, 3), 2);
  EXPECT_EQ(capacity_of(1.25, 2, 49, 4), 31);
  EXPECT_EQ(capacity_of(1, 1, 1, 4), 1) << "at least one of an image with a row";
  const RoutedBlock made = choose({{"kind", "top_k"}, {"capacity", 1}});
  // By falling top weight the rows come 4 0 1 3 2 5; expert 0 is full after 4 and 0.
  EXPECT_EQ(plain(made.routing.expert), (Indices{0, -1, -1, 1, 0, 2}));
  EXPECT_EQ(plain(made.routing.row), (Indices{0, -1, -1, 2, 1, 3}));
  EXPECT_EQ(rows_of(made.routing), (std::vector<Indices>{{0, 4}, {3}, {5}}));
  Choice second{1, 0, 1, 0, 0, 1};
  const Floats values{.1f, .9f, .4f, .6f, .7f, .3f};
  limit_to_capacity(second, values, *layout_of_rows({3}), 2, 2, 0.5);  // two rows an expert
  EXPECT_EQ(plain(second), (Indices{1, 0, 1, -1, 0, -1}))
      << "first choices come before every second one";
}

TEST_F(Routers, ExpertsChooseRows) {
  const RoutedBlock made = choose("expert_choice");
  EXPECT_EQ(rows_of(made.routing), (std::vector<Indices>{{0, 4}, {2, 3}, {1, 5}}));
  EXPECT_FALSE(made.logits.defined()) << "nothing to balance";
}

TEST_F(Routers, FixedRoutes) {
  EXPECT_EQ(plain(choose("hash").routing.expert), (Indices{0, 1, 2, 0, 1, 2}));
  ParameterSet set(*backend_);
  const auto router = by_hand("random", set);
  EXPECT_EQ(set.size(), 0);
  std::vector<Indices> seen;
  for (const std::uint32_t visit : {0u, 7u})
    for (const std::uint32_t image : {3u, 4u}) {
      Pass pass{.backend = *backend_, .draws = {.seed = 2, .visit = visit, .images = {image}}};
      seen.push_back(plain(choose(*router, pass).routing.expert));
    }
  EXPECT_EQ(seen[0], seen[2]) << "an image takes the same way in every visit";
  EXPECT_NE(seen[0], seen[1]) << "another image another one";
}

TEST_F(Routers, ABiasChoosesAndDoesNotWeigh) {
  ParameterSet set(*backend_);
  const auto router = by_hand({{"kind", "sigmoid_bias"}, {"step", 0.25}}, set);
  Parameter* bias = set.find("receiver.blocks.0.router.balance");
  ASSERT_NE(bias, nullptr);
  EXPECT_TRUE(bias->steered) << "no optimiser may touch it";
  BatchStatistics statistics(1);
  Pass pass{.backend = *backend_};
  pass.training = true;
  pass.statistics = &statistics;
  EXPECT_EQ(plain(choose(*router, pass).routing.expert), (Indices{0, 0, 0, 1, 0, 2}));
  statistics.reduce();
  router->after_step(*backend_, statistics);  // loads 4 1 1, mean 2
  EXPECT_EQ(host(Var(bias->value)), (Floats{-.25f, .25f, .25f}));
  backend_->copy(bias->value, backend_->from_host({3}, Floats{-.6f, 0, .3f}.data()));
  const RoutedBlock made = choose(*router, pass);
  EXPECT_EQ(made.routing.expert[0], 2);
  EXPECT_NEAR(host(made.routing.probabilities)[2], .5, 1e-6) << "the weight has no bias in it";
}

TEST_F(Routers, SlotsAreMeansAndRowsAreMeansOfSlots) {
  ParameterSet set(*backend_);
  const auto router =
      routers().make(filled({{"kind", "soft"}, {"slots", 1}}), place, set, network(2, 2));
  Parameter* weight = set.find("receiver.blocks.0.router.weight");
  backend_->copy(weight->value,
                 backend_->from_host(weight->value.shape(), Floats{1, 0, 0, 0, 1, 0}.data()));
  set.pack(true);
  const Floats x{1, 0, 0, 1, 1, 1, 2, 0, 0, 2, -1, 1};
  Floats described;
  for (std::size_t t = 0; t < 6; ++t)
    described.insert(described.end(), {x[2 * t], x[2 * t + 1], 0});
  Floats slots;
  const Experts experts = [&](Pass& pass, const Var& rows, std::span<const std::int32_t> starts) {
    slots = host(rows);
    return multiples(pass, rows, starts);
  };
  Pass pass{.backend = *backend_};
  const Var tokens = from({6, 2}, x), input = from({6, 3}, described),
            zero = from({6, 2}, Floats(12));
  const Floats y =
      host(router->mix(pass, {0, tokens, input, layout_of_rows({6})}, experts, zero, nullptr));
  const Floats expected_slots{1.3063f, .4006f, .1710f, 1.3072f};
  ASSERT_EQ(slots.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(slots[i], expected_slots[i], 1e-4);
  EXPECT_NEAR(y[0], 2.0479, 1e-4);
  EXPECT_NEAR(y[1], 1.6404, 1e-4);
}

TEST_F(Routers, ASharedExpertWorksOnEveryRow) {
  const RoutedBlock made = choose({{"kind", "top_k"}, {"shared", true}});
  EXPECT_EQ(rows_of(made.routing)[0], (Indices{0, 1, 2, 3, 4, 5}));
  const Floats weights = host(made.routing.probabilities);
  for (std::size_t r = 0; r < 6; ++r) EXPECT_EQ(weights[r * 3], 1);
  EXPECT_EQ(made.logits.value().columns(), 2) << "only the others are told apart";
}

TEST_F(Routers, NoiseIsOfTraining) {
  ParameterSet set(*backend_);
  const auto router = by_hand({{"kind", "noisy_top_k"}, {"noise", 30}}, set);
  Pass quiet{.backend = *backend_, .draws = {.seed = 2, .visit = 1, .images = {5}}}, noisy = quiet;
  noisy.training = true;
  const Indices calm = plain(choose(*router, quiet).routing.expert);
  EXPECT_EQ(calm, (Indices{0, 0, 0, 1, 0, 2}));
  const RoutedBlock loud = choose(*router, noisy);
  EXPECT_NE(plain(loud.routing.expert), calm);
  EXPECT_EQ(plain(loud.routing.expert), plain(choose(*router, noisy).routing.expert));
}

const std::vector<Json> kinds{"top_k",
                              {{"kind", "top_k"}, {"k", 2}, {"renormalise", true}},
                              {{"kind", "top_k"}, {"k", 2}, {"capacity", 0.75}},
                              {{"kind", "top_k"}, {"k", 2}, {"shared", true}, {"capacity", 1}},
                              {{"kind", "noisy_top_k"}, {"k", 2}},
                              "expert_choice",
                              {{"kind", "expert_choice"}, {"capacity", 2}},
                              {{"kind", "sigmoid_bias"}, {"k", 2}},
                              {{"kind", "soft"}, {"slots", 2}},
                              "hash",
                              "random"};

TEST_F(Routers, HaveTheSlopesOfTheirParametersAndRows) {
  for (const Json& kind : kinds) {
    ParameterSet set(*backend_, 8);
    const auto router = routers().make(filled(kind), place, set, network(3, 4));
    set.pack(true);
    Floats x(7 * 4);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.9f * static_cast<float>(i));
    const RaggedPtr layout = layout_of_rows({4, 0, 3});
    const auto loss = [&](Pass& pass, const Var& tokens) {
      pass.training = true;
      pass.draws = {.seed = 1, .visit = 0, .images = {1, 2, 3}};
      const Var noise(backend_->from_host({7, 1}, Floats(7, -.5f).data()));
      const Var described = concat_columns(pass, tokens, noise);
      const Var mixed =
          router->mix(pass, {0, tokens, described, layout}, multiples, tokens, nullptr);
      Floats target(28);
      for (std::size_t i = 0; i < target.size(); ++i) target[i] = i % 3 == 0 ? 2.0f : -1.0f;
      return squared_error(pass, mixed, backend_->from_host({7, 4}, target.data()), {}, 0.5f);
    };
    Gradients lane(set);
    lane.clear();
    Tape tape;
    Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane};
    const Var tokens = from({7, 4}, x);
    tape.backward(*backend_, loss(pass, tokens));
    const auto value = [&] {
      Pass plain_pass{.backend = *backend_};
      return static_cast<double>(host(loss(plain_pass, Var(from({7, 4}, x).value())))[0]);
    };
    const float step = 1e-3f;
    const auto expect_slope = [&](const std::string& what, float slope, const auto& move) {
      move(step);
      const double above = value();
      move(-2 * step);
      const double below = value();
      move(step);
      const double difference = (above - below) / (2 * step);
      EXPECT_NEAR(slope, difference, 2e-2 * std::max(1.0, std::abs(difference)))
          << kind.dump() << " " << what;
    };
    const Floats dx = host(Var(tokens.gradient(*backend_)));
    for (std::size_t i = 0; i < x.size(); i += 3)
      expect_slope("row " + std::to_string(i), dx[i], [&](float by) { x[i] += by; });
    for (Parameter& parameter : set.all()) {
      if (parameter.steered) continue;
      const Floats slopes = host(Var(lane.of(parameter)));
      for (std::size_t i = 0; i < slopes.size(); i += 2)
        expect_slope(parameter.name, slopes[i], [&](float by) {
          parameter.value.data()[i] += by;
          set.pack(true);
        });
    }
  }
}

TEST_F(Routers, AnImageInAShardIsTheImageAlone) {
  const std::vector<int> rows{6, 0, 5, 1};
  Floats x(12 * 4);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.7f * static_cast<float>(i * i));
  for (const Json& kind : kinds)
    for (const bool training : {false, true}) {
      ParameterSet set(*backend_, 8);
      const auto router = routers().make(filled(kind), place, set, network(3, 4));
      set.pack(true);
      const auto mixed = [&](int first, int last) {
        int begin = 0, count = 0;
        for (int i = 0; i < last; ++i) (i < first ? begin : count) += rows[std::size_t(i)];
        Pass pass{.backend = *backend_, .draws = {.seed = 6, .visit = 1, .images = {}}};
        pass.training = training;
        for (int i = first; i < last; ++i)
          pass.draws.images.push_back(static_cast<std::uint32_t>(40 + i));
        const Var tokens =
            from({count, 4}, Floats(x.begin() + 4 * begin, x.begin() + 4 * (begin + count)));
        const Var noise = from({count, 1}, Floats(static_cast<std::size_t>(count), .25f));
        const Var described = concat_columns(pass, tokens, noise);
        const RaggedPtr layout =
            layout_of_rows(std::vector<int>(rows.begin() + first, rows.begin() + last));
        RoutedBlock routed;
        const Floats y =
            host(router->mix(pass, {0, tokens, described, layout}, multiples, tokens, &routed));
        EXPECT_LE(routed.routing.group_starts.back(),
                  last - first == 1 ? router->rows_run(count) : 1e9)
            << kind.dump();
        return y;
      };
      const Floats whole = mixed(0, 4);
      Floats parts;
      for (int i = 0; i < 4; ++i) {
        const Floats one = mixed(i, i + 1);
        parts.insert(parts.end(), one.begin(), one.end());
      }
      EXPECT_EQ(whole, parts) << kind.dump() << (training ? " in training" : "");
    }
}

TEST_F(Routers, WhatDoesNotFitIsSaid) {
  const auto problem = [&](const Json& named, int experts = 3) {
    return error_of([&] {
      ParameterSet set(*backend_);
      routers().make(filled(named), place, set, network(experts))->check(network(experts), place);
    });
  };
  expect_contains(problem({{"kind", "top_k"}, {"k", 4}}),
                  "x.json: /receiver/router/k: the model has 3 experts, asked for 4");
  expect_contains(problem({{"kind", "sigmoid_bias"}, {"k", 4}}), "the model has 3 experts");
  expect_contains(problem({{"kind", "top_k"}, {"k", 3}, {"shared", true}}),
                  "the model has 3 experts, asked for 4");
  expect_contains(problem({{"kind", "top_k"}, {"capacity", 0.4}}),
                  "/receiver/router/capacity: leaves an expert less than one token of the grid's "
                  "6: with 3 experts and k = 1 it must be at least 0.5");
  expect_contains(problem({{"kind", "expert_choice"}, {"capacity", 0.4}}),
                  "/receiver/router/capacity: leaves an expert less than one token");
  expect_contains(problem({{"kind", "top_k"}, {"renormalise", true}}),
                  "/receiver/router/renormalise: with k = 1 every weight would be 1");
  expect_contains(problem({{"kind", "top_k"}, {"shared", true}}, 1),
                  "/receiver/router/shared: needs an expert beside the shared one");
}

}  // namespace
}  // namespace semwave
