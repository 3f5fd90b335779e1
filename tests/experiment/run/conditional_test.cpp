// Every gate, exit and router on the way of an image: alone and in company, for any number of
// threads in training, and with checkpoints that do not fit.
#include <set>

#include "core/tensor/checkpoint.h"
#include "experiment/objective/objective_term.h"
#include "experiment/planning/calibrate.h"
#include "experiment/train/training_step.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/whole_path.h"

namespace semwave {
namespace {

using Changes = std::vector<std::pair<std::string, Json>>;

const Changes heads{{"/model/architecture/transmitter/exit_heads", true}};

/// One method each, beside the defaults.
std::vector<Changes> methods() {
  std::vector<Changes> all;
  for (const Json& gate : std::vector<Json>{"uniform",
                                            "norm",
                                            "gumbel",
                                            "threshold",
                                            {{"kind", "threshold"}, {"exact", true}},
                                            {{"kind", "attention"}, {"at", {1, 2}}},
                                            {{"kind", "gumbel"}, {"at", {0, 2}}}})
    all.push_back({{"/transmitter/gate", gate}, {"/train/depth", {{"choice", {1, 2}}}}});
  for (const Json& exit : std::vector<Json>{
           {{"kind", "patience"}, {"answer", true}},
           {{"kind", "ensemble"}, {"threshold", 0.36}},
           {{"kind", "budgeted"}, {"thresholds", {0.36, 0.4}}, {"answer", true}},
           {{"kind", "channel"},
            {"receiver", {{{"snr_db", 0}, {"right", 0.3}}, {{"snr_db", 20}, {"right", 0.4}}}}}})
    all.push_back({heads[0], {"/transmitter/exit", exit}});
  for (const Json& router :
       std::vector<Json>{{{"kind", "top_k"}, {"k", 2}, {"capacity", 0.75}, {"renormalise", true}},
                         {{"kind", "top_k"}, {"shared", true}},
                         "noisy_top_k",
                         "expert_choice",
                         "hash",
                         "random",
                         "sigmoid_bias",
                         "soft"})
    all.push_back({{"/receiver/router", router}});
  return all;
}

class Conditional : public WholePath {};

TEST_F(Conditional, AnImageAloneAndInCompanyGivesTheSameBits) {
  for (const Changes& method : methods()) {
    const Scenario scenario = tiny::scenario(method);
    const Model model = tiny::model(scenario, *backend_);
    const std::vector<std::int32_t> indices = tiny::first(7);
    PooledVector<Plan> plans;
    for (int i = 0; i < 7; ++i)
      plans.push_back({.keep_ratio = i % 3 == 0 ? 1.0 : 0.4,
                       .exit_depth = i % 4 == 3 ? 1 : 2,
                       .symbols_per_token = 4});
    const Heard all = through(scenario, model, indices, plans, {});
    std::set<int> depths;
    for (std::int32_t i = 0; i < 7; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Heard one = through(scenario, model, {i}, {plans[at]}, {});
      depths.insert(one.trace.exit_depth[0]);
      EXPECT_EQ(one.trace.exit_depth[0], all.trace.exit_depth[at]) << method.back().second.dump();
      EXPECT_EQ(one.trace.answer[0], all.trace.answer[at]);
      EXPECT_EQ(one.trace.layout->rows_of(0), all.trace.layout->rows_of(i));
      EXPECT_EQ(one.headers[0].positions, all.headers[at].positions);
      if (one.trace.answer[0] < 0) {
        EXPECT_EQ(row(one.result.logits.value(), 0), row(all.result.logits.value(), i))
            << method.back().second.dump() << " image " << i;
      }
    }
  }
}

TEST_F(Conditional, TrainingIsTheSameForAnyNumberOfThreads) {
  for (Changes method : methods()) {
    method.push_back({"/train/losses/image", 0.5});
    const auto train = [&](int threads) {
      const Scenario scenario = tiny::scenario(method);
      Model model = tiny::model(scenario, *backend_);
      model.parameters->pack(true);
      ThreadPool pool(threads);
      TrainingStep step(scenario, model, data_, pool, 2);
      const BatchLoss loss = step.run(tiny::first(12), 1);
      EXPECT_TRUE(std::isfinite(loss.total(*scenario.train))) << method.front().second.dump();
      std::vector<float> out;
      for (const Gradients& lane : step.lanes()) {
        std::vector<float> part(static_cast<std::size_t>(lane.flat().size()));
        backend_->to_host(lane.flat(), part.data());
        out.insert(out.end(), part.begin(), part.end());
      }
      for (const Parameter& p : model.parameters->all())
        if (p.steered)
          for (std::int64_t i = 0; i < p.value.size(); ++i) out.push_back(p.value.data()[i]);
      return out;
    };
    EXPECT_EQ(train(1), train(3)) << method.front().second.dump();
  }
}

TEST_F(Conditional, WhatIsBudgetedIsWhatIsCounted) {
  for (const Json& router : std::vector<Json>{"hash",
                                              "soft",
                                              "expert_choice",
                                              "sigmoid_bias",
                                              {{"kind", "top_k"}, {"shared", true}}}) {
    const Scenario scenario = tiny::scenario({{"/receiver/router", router}});
    const Model model = tiny::model(scenario, *backend_);
    const Heard one = through(scenario, model, {1},
                              {{.keep_ratio = 0.5, .exit_depth = 2, .symbols_per_token = 4}}, {});
    EXPECT_EQ(model.receiver->operations(&one.burst.headers[0]), one.receiver_operations)
        << router.dump();
  }
  for (const Json& gate :
       std::vector<Json>{"uniform", "norm", "gumbel", {{"kind", "attention"}, {"at", {1}}}}) {
    const Scenario scenario = tiny::scenario({{"/transmitter/gate", gate}});
    const Model model = tiny::model(scenario, *backend_);
    const Plan plan{.keep_ratio = 0.5, .exit_depth = 2, .symbols_per_token = 4};
    const Heard one = through(scenario, model, {1}, {plan}, {});
    ChannelState state;
    state.snr_db = 10;
    EXPECT_EQ(model.transmitter->forecast(state, plan, 1)->operations, one.transmitter_operations)
        << gate.dump();
  }
}

TEST_F(Conditional, AnAttentionGateCannotServeAnImageThatLeavesAtOnce) {
  const Scenario scenario =
      tiny::scenario({{"/transmitter/gate", {{"kind", "attention"}, {"at", {1}}}}});
  const Model model = tiny::model(scenario, *backend_);
  const auto send = [&](double keep) {
    through(scenario, model, {0}, {{.keep_ratio = keep, .exit_depth = 0, .symbols_per_token = 4}},
            {});
  };
  EXPECT_NO_THROW(send(1)) << "nothing to drop";
  expect_contains(error_of([&] { send(0.5); }),
                  "/transmitter/policy/depth: a gate by attention needs a block before it");
}

TEST_F(Conditional, ParametersOfAnotherRouterAreMissed) {
  const Model trained = tiny::model(tiny::scenario(), *backend_);
  const Checkpoint checkpoint = to_checkpoint(trained);
  const auto load = [&](const Json& router) {
    const Scenario scenario = tiny::scenario({{"/receiver/router", router}});
    const Model model = tiny::model(scenario, *backend_);
    load_parameters(*model.parameters, checkpoint, "m.safetensors");
  };
  EXPECT_NO_THROW(load("expert_choice")) << "it has the same parameters";
  EXPECT_NO_THROW(load("hash")) << "it has none";
  expect_contains(error_of([&] { load("sigmoid_bias"); }),
                  "m.safetensors: no parameter receiver.blocks.0.router.balance: the model was "
                  "trained with another router; choose that one or train this one");
  expect_contains(error_of([&] {
                    load({{"kind", "soft"}, {"slots", 2}});
                  }),
                  "parameter receiver.blocks.0.router.weight has shape [4, 17], the model needs");
}

TEST_F(Conditional, ADenseModelBecomesEveryExpert) {
  const Scenario dense = tiny::scenario({{"/model/architecture/receiver/experts", 1}});
  const Model trained = tiny::model(dense, *backend_);
  const Scenario mixed =
      tiny::scenario({{"/receiver/router", {{"kind", "top_k"}, {"k", 2}, {"renormalise", true}}}});
  Model model = tiny::model(mixed, *backend_);
  load_initial(*model.parameters, to_checkpoint(trained), "dense.safetensors");
  model.parameters->pack(false);
  for (Parameter& p : trained.parameters->all())
    if (p.name.starts_with("transmitter.")) {
      Parameter* same = model.parameters->find(p.name);
      ASSERT_NE(same, nullptr);
      EXPECT_EQ(row(same->value, 0), row(p.value, 0));
    }
  trained.parameters->pack(false);
  const PooledVector<Plan> plans(3,
                                 Plan{.keep_ratio = 0.5, .exit_depth = 2, .symbols_per_token = 4});
  const Heard before = through(dense, trained, {0, 1, 2}, plans, {}),
              after = through(mixed, model, {0, 1, 2}, plans, {});
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<float> a = row(before.result.logits.value(), i),
                             b = row(after.result.logits.value(), i);
    for (std::size_t c = 0; c < a.size(); ++c)
      EXPECT_NEAR(a[c], b[c], 1e-4) << "weights that sum to 1 keep what the dense model says";
  }
  EXPECT_THROW(load_parameters(*model.parameters, to_checkpoint(trained), "dense.safetensors"),
               Error)
      << "only where a training starts";
}

TEST_F(Conditional, CalibrationHearsEveryHead) {
  HeadWords words{.classes = 3, .labels = {}, .heads = {{}, {}}};
  // The first head is right about two thirds and sure of all, the second is right.
  for (int i = 0; i < 30; ++i) {
    words.labels.push_back(i % 3);
    for (int c = 0; c < 3; ++c) {
      words.heads[0].push_back(c == (i % 3 == 2 ? 0 : i % 3) ? 4.0f - 0.1f * static_cast<float>(i)
                                                             : 0.0f);
      words.heads[1].push_back(c == i % 3 ? 4.0f : 0.0f);
    }
  }
  const Calibration made = calibrate(words);
  ASSERT_EQ(made.heads.size(), 2u);
  EXPECT_NEAR(made.heads[0].accuracy, 2.0 / 3, 1e-9);
  EXPECT_NEAR(made.heads[1].accuracy, 1, 1e-9);
  EXPECT_LT(made.heads[0].error_calibrated, made.heads[0].error);
  const DepthBudget& half = made.for_depth(1.5);
  EXPECT_LE(half.mean_depth, 1.5);
  EXPECT_GT(half.mean_depth, 1.3);
  const Json exit = budgeted_exit(made, half, false, "abc");
  EXPECT_EQ(exit["model_sha256"], "abc");
  EXPECT_EQ(exit["thresholds"].size(), 2u);
  EXPECT_NO_THROW((void)tiny::scenario({heads[0], {"/transmitter/exit", exit}}));
}

TEST_F(Conditional, HeadsLearnFromTheDeepest) {
  // The first head says 1/2 1/2, the deepest 3/4 1/4: a cross-entropy of ln 2, its slope p - t.
  Tape tape;
  Pass pass{.backend = *backend_, .tape = &tape};
  const auto head = [&](int depth, const std::vector<float>& logits) {
    ExitLogits said{.depth = depth, .images = {0}, .logits = {}};
    said.logits = Var(backend_->from_host({1, 2}, logits.data()), true);
    return said;
  };
  TransmitTrace sent;
  sent.asks_heads = true;
  sent.exits = {head(1, {1, 1}), head(2, {std::log(3.0f), 0})};
  Architecture two;
  two.classes = 2;
  const std::vector<std::int32_t> labels{0};
  const Result result;
  const Tensor images = backend_->zeros({1, 1, 1, 1});
  const auto term = objective_terms().make({{"kind", "distil"}}, Place{});
  const ObjectiveInput input{two, images, labels, sent, result, 1};
  const Var loss = term->value(pass, input, 1.0f);
  EXPECT_NEAR(loss.value().data()[0], std::log(2.0), 1e-6);
  tape.backward(*backend_, loss);
  const Tensor slope = sent.exits[0].logits.gradient(*backend_);
  EXPECT_NEAR(slope.data()[0], -0.25, 1e-6);
  EXPECT_NEAR(slope.data()[1], 0.25, 1e-6);
  const Tensor none = sent.exits[1].logits.gradient(*backend_);
  EXPECT_EQ(none.data()[0], 0) << "the teacher is not drawn to its pupils";
  sent.asks_heads = false;
  const ObjectiveInput deaf{two, images, labels, sent, result, 1};
  EXPECT_THROW((void)term->value(pass, deaf, 1.0f), Error);
}

TEST_F(Conditional, ThresholdsOfAnotherModelAreRefused) {
  const std::string folder = fresh_folder("conditional_thresholds");
  const Model model = tiny::model(tiny::scenario({heads[0]}), *backend_);
  const std::string file = folder + "/model.safetensors";
  write_checkpoint(file, to_checkpoint(model));
  const std::string sha256 = read_checkpoint(file).sha256;
  const auto load = [&](const std::string& made_for) {
    Json value = tiny::scenario_json();
    value["model"] = file;
    value.erase("train");
    value["transmitter"]["exit"] = {
        {"kind", "budgeted"}, {"thresholds", {0.5, 2}}, {"model_sha256", made_for}};
    (void)make_model(parse_scenario(value, folder + "/x.json"), *backend_);
  };
  EXPECT_NO_THROW(load(sha256));
  EXPECT_NO_THROW(load(""));
  expect_contains(error_of([&] { load(std::string(64, 'a')); }),
                  "/transmitter/exit/model_sha256: fitted to the model aaaaaaaaaaaaaaaa..., this "
                  "one is " +
                      sha256.substr(0, 16));
}

}  // namespace
}  // namespace semwave
