// Every channel under the whole semantic link: what arrives does not know of shards, training
// passes are differentiable, lost tokens are as if they had not been sent.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "experiment/results/results.h"
#include "phy/header/header_codec.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/tiny_model.h"
#include "tests/fixtures/whole_path.h"

namespace semwave {
namespace {

using Channels = WholePath;

const PooledVector<Plan> plans{{1, 2, 4},   {0.5, 0, 16}, {0, 1, 4},    {0.12, 1, 1},
                               {0.3, 2, 3}, {1, 0, 8},    {0.75, 1, 2}, {0.5, 2, 4}};

std::vector<Json> every_channel() {
  const std::string trace = temporary_path("trace.csv");
  std::ofstream(trace) << "slot,re,im\n0,1,0.5\n1,-0.3,1\n2,0.8,-0.8\n";
  const Json estimated{{"receiver", "estimated"}};
  return {
      {{"kind", "mimo"}, {"antennas", {{"transmit", 1}, {"receive", 3}}}},
      {{"kind", "mimo"},
       {"antennas", {{"transmit", 2}, {"receive", 2}}},
       {"detector", "zf"},
       {"snr_db", 20},
       {"csi", estimated}},
      {{"kind", "mimo"},
       {"antennas", {{"transmit", 3}, {"receive", 4}}},
       {"coherence", "symbol"},
       {"snr_db", 15}},
      {{"kind", "tdl"}, {"snr_db", 15}},
      {{"kind", "tdl"},
       {"profile", "C300"},
       {"prefix", 4},
       {"pilots", "symbols"},
       {"doppler_hz", 500},
       {"snr_db", 20},
       {"csi", estimated}},
      {{"kind", "erasure"}, {"loss", 0.3}},
      {{"kind", "gilbert_elliott"}, {"of", "packet"}, {"packet_uses", 8}, {"header", "lost too"}},
      {{"kind", "impulsive"}, {"interference", {{"kind", "qpsk"}, {"sir_db", 8}}}},
      {{"kind", "phase_noise"}, {"deviation", 0.02}},
      {{"kind", "trace"}, {"file", trace}, {"snr_db", 12}},
      {{"kind", "chain"},
       {"snr_db", 12},
       {"of",
        {{{"kind", "nakagami"}, {"m", 0.7}, {"coherence", {{"block", 30}}}},
         "impulsive",
         "phase_noise",
         {{"kind", "erasure"}, {"loss", 0.2}}}}},
      {{"kind", "rayleigh"},
       {"interference", {{"kind", "gaussian"}, {"sir_db", 10}, {"known", true}}},
       {"csi", estimated}}};
}

TEST_F(Channels, AnImageAloneAndInCompanyHearsTheSameBits) {
  for (const Json& channel : every_channel()) {
    const Scenario scenario = tiny::scenario({{"/channel", channel}});
    const Model model = tiny::model(scenario, *backend_);
    const Heard all = through(scenario, model, tiny::first(8), plans, {});
    int read = 0;
    for (std::int32_t i = 0; i < 8; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Heard one = through(scenario, model, {i}, {plans[at]}, {});
      EXPECT_EQ(one.reception.header_symbols[0], all.reception.header_symbols[at]) << channel;
      EXPECT_EQ(one.reception.ledger[0].total(), all.reception.ledger[at].total());
      EXPECT_EQ(one.reception.mean_gain[0], all.reception.mean_gain[at]);
      ASSERT_EQ(one.result.lost[0], all.result.lost[at]) << channel;
      EXPECT_EQ(row(one.result.logits.value(), 0), row(all.result.logits.value(), i))
          << channel << " image " << i;
      read += !all.result.lost[at];
    }
    EXPECT_GE(read, 3) << channel;
  }
}

TEST_F(Channels, ATrainingPassHearsThePayloadOfAnEvaluation) {
  for (const Json& channel : every_channel()) {
    const Scenario scenario = tiny::scenario(
        {{"/transmitter/gate", Json{{"kind", "learned"}, {"at", {0}}, {"exploration", 0}}},
         {"/channel", channel}});
    const Model model = tiny::model(scenario, *backend_);
    const Gradients lane(*model.parameters);
    Tape tape;
    const Heard training = through(scenario, model, tiny::first(8), plans,
                                   {.training = true, .tape = &tape, .lane = &lane}),
                evaluation = through(scenario, model, tiny::first(8), plans, {});
    ASSERT_EQ(training.reception.symbols.value().size(),
              evaluation.reception.symbols.value().size());
    for (std::int64_t j = 0; j < training.reception.symbols.value().size(); ++j)
      EXPECT_EQ(training.reception.symbols.value().data()[j],
                evaluation.reception.symbols.value().data()[j])
          << channel;
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(training.reception.ledger[i].total(), evaluation.reception.ledger[i].total())
          << channel;
      EXPECT_FALSE(training.result.lost[i]);  // in training the header is taken as read
    }
    EXPECT_TRUE(training.reception.symbols.needs_gradient()) << channel;
  }
}

TEST_F(Channels, ALostTokenIsATokenThatWasNotSent) {
  const Scenario scenario =
      tiny::scenario({{"/channel", Json{{"kind", "erasure"}, {"loss", 0.4}, {"noiseless", true}}}});
  const Model model = tiny::model(scenario, *backend_);
  int lost = 0, whole = 0;
  for (std::int32_t image = 0; image < 8; ++image) {
    const Plan plan{1, 2, 4};
    const Heard heard = through(scenario, model, {image}, {plan}, {});
    ASSERT_EQ(heard.result.tokens_lost.size(), 1u);
    // The same burst, with only what arrived: its header names those tokens alone.
    SemanticHeader header = heard.headers[0];
    Burst less{.starts = {0}, .ledger = {{}}};
    PooledVector<float> values;
    PooledVector<std::int32_t> positions;
    const float* sent = heard.burst.symbols.value().data();
    for (int t = 0; t < header.k; ++t) {
      const auto first = static_cast<std::size_t>(t * 4);
      if (heard.reception.erased[first]) continue;
      positions.push_back(header.positions[static_cast<std::size_t>(t)]);
      for (std::size_t s = first; s < first + 4; ++s) {
        less.places.push_back(heard.burst.places[s]);
        values.insert(values.end(), sent + 2 * s, sent + 2 * s + 2);
      }
    }
    EXPECT_EQ(heard.result.tokens_lost[0], header.k - static_cast<int>(positions.size()));
    lost += heard.result.tokens_lost[0];
    whole += heard.result.tokens_lost[0] == 0;
    header.k = static_cast<int>(positions.size());
    header.positions = positions;
    less.headers = {semantic_header_on_air(header, model.architecture.grid(), 40)};
    less.starts.push_back(static_cast<std::int32_t>(less.places.size()));
    less.symbols =
        Var(backend_->from_host({static_cast<std::int64_t>(less.places.size()), 2}, values.data()));
    Pass pass{.backend = *backend_,
              .draws = {.seed = 5, .images = {static_cast<std::uint32_t>(image)}}};
    const Channel ideal({.noiseless = true, .snr = {40, 40}});
    const Result result =
        model.receiver->receive(pass, ideal.apply(pass, less, ideal.realise(pass.draws)));
    EXPECT_EQ(row(result.logits.value(), 0), row(heard.result.logits.value(), 0)) << image;
    ASSERT_EQ(result.rebuilt.size(), heard.result.rebuilt.size());
    for (std::int64_t t = 0; t < 9; ++t)
      EXPECT_EQ(row(result.patches.value(), t), row(heard.result.patches.value(), t));
  }
  EXPECT_GT(lost, 10);
  EXPECT_LT(whole, 8);
}

TEST_F(Channels, EveryTokenMayBeLostAndAHeaderToo) {
  const Scenario scenario = tiny::scenario({{"/channel", Json{{"kind", "erasure"}, {"loss", 1}}}});
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = through(scenario, model, tiny::first(8), plans, {});
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_FALSE(heard.result.lost[i]);
    EXPECT_EQ(heard.result.tokens_lost[i], heard.headers[i].k);
  }
  for (std::int64_t j = 0; j < heard.result.logits.value().size(); ++j)
    EXPECT_TRUE(std::isfinite(heard.result.logits.value().data()[j]));
  const Scenario too = tiny::scenario(
      {{"/channel", Json{{"kind", "erasure"}, {"loss", 1}, {"header", "lost too"}}}});
  const Heard none = through(too, model, tiny::first(8), plans, {});
  for (std::size_t i = 0; i < 8; ++i) EXPECT_TRUE(none.result.lost[i]);
}

TEST_F(Channels, TheConventionOfPublicCodeMovesEverythingByThreeDecibel) {
  const double shift = 10 * std::log10(2.0);
  const Scenario named = tiny::scenario({{"/conventions", Json{{"snr", "per_real_value"}}},
                                         {"/channel", Json{{"kind", "rayleigh"}, {"snr_db", 4}}}});
  const Scenario higher =
      tiny::scenario({{"/channel", Json{{"kind", "rayleigh"}, {"snr_db", 4 + shift}}}});
  const Model model = tiny::model(higher, *backend_);
  const Heard a = through(named, model, tiny::first(8), plans, {}),
              b = through(higher, model, tiny::first(8), plans, {});
  for (std::int64_t j = 0; j < a.reception.symbols.value().size(); ++j)
    EXPECT_NEAR(a.reception.symbols.value().data()[j], b.reception.symbols.value().data()[j], 1e-5);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(a.burst.headers[i].format, b.burst.headers[i].format);  // beliefs move along
    EXPECT_NEAR(a.reception.header_noise_variance[i], b.reception.header_noise_variance[i], 1e-12);
  }
}

TEST_F(Channels, RowsNameConventionsThatAreNotTheDefault) {
  const auto conventions_of = [&](const std::vector<std::pair<std::string, Json>>& changes) {
    const Scenario scenario = tiny::scenario(changes);
    const Model model = tiny::model(scenario, *backend_);
    PointResult result;
    result.totals = PointTotals({}, 2);
    return make_row(scenario, {Json::object(), scenario}, model.sha256, data_, result,
                    "x")["conventions"];
  };
  EXPECT_EQ(conventions_of({}), (OrderedJson{{"power", "image"}}));
  EXPECT_EQ(conventions_of({{"/conventions", Json{{"snr", "per_real_value"}}}}),
            (OrderedJson{{"power", "image"}, {"snr", "per_real_value"}}));
  EXPECT_EQ(conventions_of({{"/channel", "rayleigh"}, {"/conventions", Json{{"fading", "real"}}}}),
            (OrderedJson{{"power", "image"}, {"fading", "real"}}));
}

TEST(ChannelScenario, ConventionsThatDoNotGoTogetherAreRefused) {
  const auto refused = [](const std::vector<std::pair<std::string, Json>>& changes) {
    return error_of([&] { (void)tiny::scenario(changes); });
  };
  expect_contains(refused({{"/conventions", Json{{"fading", "real"}}}}), "/conventions/fading");
  expect_contains(
      refused({{"/conventions", Json{{"fading", "real"}}},
               {"/channel", Json{{"kind", "rayleigh"}, {"csi", {{"receiver", "quantised"}}}}}}),
      "channel.csi.receiver");
  expect_contains(refused({{"/conventions", Json{{"power", "batch"}}}}), "image, token, symbol");
  expect_contains(refused({{"/conventions", Json{{"snr", "per_value"}}}}), "per_real_value");
  expect_contains(refused({{"/channel", "tdl"}, {"/train", Json{{"pilots", 4}}}}), "/train/pilots");
}

TEST(ChannelScenario, ATraceLiesBesideTheScenarioAndItsContentsAreThePoint) {
  const std::string folder = temporary_path("world"), file = folder + "/x.json";
  std::filesystem::create_directories(folder + "/traces");
  std::ofstream(folder + "/traces/a.csv") << "slot,snr_db\n0,3\n";
  Json value = tiny::scenario_json();
  value["channel"] = {{"kind", "trace"}, {"file", "traces/a.csv"}};
  std::ofstream(file) << value.dump();
  const Scenario read = read_scenario(file);
  EXPECT_EQ(read.channel.snr.from_db, 3);
  EXPECT_NE(scenario_text(read, folder).find("\"file\": \"traces/a.csv\""), std::string::npos);
  const std::string before = point_sha256(read, "m", "d", DeviceKind::cpu);
  std::filesystem::rename(folder + "/traces/a.csv", folder + "/traces/b.csv");
  EXPECT_EQ(point_sha256(read_scenario(file, {{"/channel/file", folder + "/traces/b.csv"}}), "m",
                         "d", DeviceKind::cpu),
            before);  // what is in it matters
  std::ofstream(folder + "/traces/a.csv") << "slot,snr_db\n0,4\n";
  EXPECT_NE(point_sha256(read_scenario(file), "m", "d", DeviceKind::cpu), before);
}

TEST_F(Channels, RealValuedFadingHasNoPhase) {
  const Scenario scenario =
      tiny::scenario({{"/conventions", Json{{"fading", "real"}}},
                      {"/channel", Json{{"kind", "rayleigh"}, {"coherence", "symbol"}}}});
  const Model model = tiny::model(scenario, *backend_);
  const Heard heard = through(scenario, model, tiny::first(8), plans, {});
  const Tensor& gains = heard.reception.gains;
  for (std::int64_t s = 0; s < gains.rows(); ++s) {
    EXPECT_GT(gains.data()[2 * s], 0);
    EXPECT_EQ(gains.data()[2 * s + 1], 0);
  }
}

}  // namespace
}  // namespace semwave
