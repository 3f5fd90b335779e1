// Gates on six tokens worked out by hand, their gradients, and an image in a shard against the same
// image alone.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/ops/ops.h"
#include "tests/core/expect_error.h"
#include "tests/fixtures/ragged.h"
#include "transmitter/gate/gate.h"

namespace semwave {
namespace {

using Rows = std::vector<std::int32_t>;
using Floats = std::vector<float>;

const Place place{"x.json", "/transmitter/gate"};
const Floats six = {1, 0, 0, 1, 1, 1, 2, 0, 0, 2, -1, 1};

/// Ten tokens of eight numbers, two blocks.
Architecture network() {
  Architecture a;
  a.height = 2, a.width = 5, a.dim = 8, a.heads = 2, a.condition_dim = 3;
  a.tokeniser = {{8, Window{1, 1, 0}}};
  a.transmitter_blocks = 2;
  return a;
}

Json filled(const Json& gate) {
  return resolve(gate, gates().field("gate"), place);
}

class GateKinds : public ::testing::Test {
 protected:
  std::unique_ptr<Gate> gate(const Json& named) {
    auto made = gates().make(filled(named), place, set_, network());
    set_.pack(true);
    return made;
  }
  Floats host(const Var& x) const {
    Floats values(static_cast<std::size_t>(x.value().size()));
    if (!values.empty()) backend_->to_host(x.value(), values.data());
    return values;
  }
  Var from(Shape shape, const Floats& values) const {
    return Var(backend_->from_host(shape, values.data()), true);
  }
  /// Rows that stay of one image of six tokens.
  Rows kept(const Gate& gate, int k, const Var& received = {}) {
    Pass pass{.backend = *backend_};
    pass.draws.images = {0};
    Tokens tokens{from({6, 2}, six), layout_of_rows({6}), received};
    const PooledVector<int> asked{k};
    const Kept kept = gate.select(pass, {tokens, 1, Var{}, asked, 6});
    EXPECT_EQ(kept.tokens.layout->rows_of(0), static_cast<int>(kept.source.size()));
    return {kept.source.begin(), kept.source.end()};
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  ParameterSet set_{*backend_, 3};
};

TEST_F(GateKinds, SixTokensByHand) {
  EXPECT_EQ(kept(*gate("uniform"), 3), (Rows{1, 3, 5}));
  EXPECT_EQ(kept(*gate("uniform"), 4), (Rows{0, 2, 3, 5}));
  EXPECT_EQ(kept(*gate("uniform"), 9), (Rows{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(kept(*gate("uniform"), 0), (Rows{}));
  EXPECT_EQ(kept(*gate("norm"), 3), (Rows{2, 3, 4})) << "token 5 is as long as 2 and comes later";
  const Var received = from({6, 1}, {.30f, .05f, .20f, .25f, .15f, .05f});
  EXPECT_EQ(kept(*gate("attention"), 3, received), (Rows{0, 2, 3}));
}

TEST_F(GateKinds, DrawnDecisionsAndTheirShare) {
  const Floats s{2, -1, .5f, 1, -.5f, 0}, u{.3f, .6f, .2f, .5f, .9f, .4f};
  Floats noisy(6);
  for (std::size_t i = 0; i < 6; ++i) noisy[i] = s[i] + std::log(u[i] / (1 - u[i]));
  const auto above = [&](const Floats& scores, int k) {
    const PooledVector<int> asked{k};
    const auto rows =
        rows_above_zero(*backend_, from({6, 1}, scores).value(), *layout_of_rows({6}), asked);
    return Rows(rows.begin(), rows.end());
  };
  EXPECT_EQ(above(noisy, 4), (Rows{0, 3, 4}));
  EXPECT_EQ(above({-3, -1, -2, -1, -9, -9}, 4), (Rows{1})) << "the best one stays";
  EXPECT_EQ(above(noisy, 0), (Rows{}));
}

TEST_F(GateKinds, PenaltiesOfTheShare) {
  // Five of ten tokens stay. Gumbel, asked for seven: 2 (.5 - .7)^2 = .08. Threshold, asked for
  // three: (.5 - .3)^2 (2 - .3) = .068; for seven (.5 - .7)^2 (2 - .7) = .052.
  const auto penalty = [&](int k, bool threshold, Floats* slope) {
    Tape tape;
    Pass pass{.backend = *backend_, .tape = &tape};
    const Tokens tokens{from({10, 1}, Floats(10)), layout_of_rows({10})};
    const PooledVector<int> asked{k};
    const Var condition, stays = from({10, 1}, {.9f, .8f, .7f, .6f, .5f, .4f, .3f, .2f, .1f, 0});
    const Var loss = share_penalty(pass, {tokens, 0, condition, asked, 10, 1.0f}, stays,
                                   *layout_of_rows({5}), 2, threshold ? 1 : 0);
    tape.backward(*backend_, loss);
    *slope = host(Var(stays.gradient(*backend_)));
    return host(loss)[0];
  };
  Floats slope;
  EXPECT_NEAR(penalty(7, false, &slope), .08, 1e-6);
  // d/d share 2 (share - a)^2 = 4 (-.2); each row has a tenth of the share.
  for (const float d : slope) EXPECT_NEAR(d, -.08, 1e-6);
  EXPECT_NEAR(penalty(3, true, &slope), .068, 1e-6);
  for (const float d : slope) EXPECT_NEAR(d, 2 * .2 * 1.7 / 10, 1e-6);
  EXPECT_NEAR(penalty(7, true, &slope), .052, 1e-6);
  for (const float d : slope) EXPECT_NEAR(d, -2 * .2 * 1.3 / 10, 1e-6);
}

TEST_F(GateKinds, ScoresHaveTheSlopesOfTheirParameters) {
  for (const char* kind : {"gumbel", "threshold"}) {
    ParameterSet set(*backend_, 5);
    const auto made = gates().make(filled(kind), place, set, network());
    set.pack(true);
    Floats x(7 * 8), c(2 * 3);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.7f * static_cast<float>(i));
    for (std::size_t i = 0; i < c.size(); ++i) c[i] = std::cos(2.3f * static_cast<float>(i));
    const RaggedPtr layout = layout_of_rows({4, 3});
    const auto total = [&](Pass& pass) {
      const Tokens tokens{Var(from({7, 8}, x).value()), layout};
      const Var condition(from({2, 3}, c).value());
      const Var score = made->score(pass, tokens, 1, condition);
      // Uneven weights, so that no two rows' slopes can cancel.
      return squared_error(pass, score,
                           backend_->from_host({7, 1}, Floats{1, -2, 3, -4, 5, -6, 7}.data()), {},
                           1.0f);
    };
    Gradients lane(set);
    lane.clear();
    Tape tape;
    Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane};
    tape.backward(*backend_, total(pass));
    int checked = 0;
    for (Parameter& parameter : set.all()) {
      if (parameter.name.find(".1.") == std::string::npos) continue;
      const Floats slope = host(Var(lane.of(parameter)));
      Floats values = host(Var(parameter.value));
      for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 3) {
        const float centre = values[i], step = 4e-3f;
        double at[2];
        for (int side = 0; side < 2; ++side) {
          values[i] = centre + (side ? step : -step);
          backend_->copy(parameter.value,
                         backend_->from_host(parameter.value.shape(), values.data()));
          set.pack(true);
          Pass plain{.backend = *backend_};
          at[side] = host(total(plain))[0];
        }
        values[i] = centre;
        backend_->copy(parameter.value,
                       backend_->from_host(parameter.value.shape(), values.data()));
        set.pack(true);
        const double difference = (at[1] - at[0]) / (2 * step);
        EXPECT_NEAR(slope[i], difference, 2e-2 * std::max(1.0, std::abs(difference)))
            << kind << " " << parameter.name << " [" << i << "]";
        ++checked;
      }
    }
    EXPECT_GT(checked, 8);
  }
}

TEST_F(GateKinds, AnImageInAShardIsTheImageAlone) {
  const std::vector<int> rows{10, 0, 7, 1};
  const int sum = 18;
  Floats x(static_cast<std::size_t>(sum) * 8), c(4 * 3), a(static_cast<std::size_t>(sum));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.3f * static_cast<float>(i * i));
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = std::cos(0.9f * static_cast<float>(i));
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = std::cos(2.1f * static_cast<float>(i));
  for (const std::string kind :
       {"random", "learned", "uniform", "norm", "attention", "gumbel", "threshold"})
    for (const bool training : {false, true}) {
      ParameterSet set(*backend_, 9);
      const auto made = gates().make(filled(kind), place, set, network());
      set.pack(true);
      const auto choose = [&](int first, int last) {
        std::vector<int> some(rows.begin() + first, rows.begin() + last);
        int begin = 0, count = 0;
        for (int i = 0; i < first; ++i) begin += rows[static_cast<std::size_t>(i)];
        for (const int n : some) count += n;
        Pass pass{.backend = *backend_, .draws = {.seed = 4, .visit = 2, .images = {}}};
        pass.training = training;
        PooledVector<int> k;
        for (int i = first; i < last; ++i) {
          pass.draws.images.push_back(static_cast<std::uint32_t>(100 + i));
          k.push_back(4);
        }
        const Tokens tokens{
            from({count, 8}, Floats(x.begin() + begin * 8, x.begin() + (begin + count) * 8)),
            layout_of_rows(some),
            from({count, 1}, Floats(a.begin() + begin, a.begin() + begin + count))};
        const Var condition =
            from({last - first, 3}, Floats(c.begin() + first * 3, c.begin() + last * 3));
        const Kept kept = made->select(pass, {tokens, 1, condition, k, 10});
        Rows positions(kept.tokens.layout->positions.begin(), kept.tokens.layout->positions.end());
        return std::pair(positions, kept.scores.defined() ? host(kept.scores) : Floats{});
      };
      const auto whole = choose(0, 4);
      std::pair<Rows, Floats> parts;
      for (int i = 0; i < 4; ++i) {
        const auto one = choose(i, i + 1);
        parts.first.insert(parts.first.end(), one.first.begin(), one.first.end());
        parts.second.insert(parts.second.end(), one.second.begin(), one.second.end());
      }
      EXPECT_EQ(whole.first, parts.first) << kind << (training ? " in training" : "");
      EXPECT_EQ(whole.second, parts.second) << kind << (training ? " in training" : "");
      if (kind != "threshold" && !(kind == "gumbel" && training)) {
        EXPECT_EQ(whole.first.size(), 4u + 4u + 1u) << kind;
      }
    }
}

TEST_F(GateKinds, DrawsDifferByDepth) {
  const auto made = gate("gumbel");
  Floats x(10 * 8, 0.0f), c(3);
  std::vector<Rows> kept;
  for (const int depth : {1, 2}) {
    Pass pass{.backend = *backend_, .draws = {.seed = 4, .visit = 0, .images = {7}}};
    pass.training = true;
    const Tokens tokens{from({10, 8}, x), layout_of_rows({10})};
    const PooledVector<int> k{5};
    const Kept chosen = made->select(pass, {tokens, depth, from({1, 3}, c), k, 10});
    kept.emplace_back(chosen.source.begin(), chosen.source.end());
  }
  EXPECT_NE(kept[0], kept[1]) << "equal scores at both depths, so only the draws differ";
}

TEST_F(GateKinds, AttentionNeedsABlockBefore) {
  EXPECT_NO_THROW(check_gate(filled("attention"), {1, 2}, network(), place));
  EXPECT_NO_THROW(check_gate(filled("norm"), {0}, network(), place));
  expect_contains(error_of([] {
                    check_gate(filled("attention"), {0, 2}, network(), place);
                  }),
                  "x.json: /transmitter/gate/at: a gate by attention needs a block before it");
}

TEST_F(GateKinds, OnlyTheThresholdGateLooks) {
  EXPECT_TRUE(gate_looks(filled("threshold")));
  EXPECT_FALSE(gate_looks(filled(Json{{"kind", "threshold"}, {"exact", true}})));
  for (const char* kind : {"uniform", "norm", "attention", "gumbel", "learned", "keep_all"})
    EXPECT_FALSE(gate_looks(filled(kind))) << kind;
}

}  // namespace
}  // namespace semwave
