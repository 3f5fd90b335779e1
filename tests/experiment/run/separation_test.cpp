// The separation pair and the label pair, whole: what is sent fits, what is counted was sent, what
// is promised holds.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "experiment/results/results.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/images.h"
#include "experiment/train/training_step.h"
#include "tests/core/expect_error.h"
#include "tests/fixtures/tiny_model.h"
#include "transmitter/separation/sent_stream.h"
#include "transmitter/separation/stream_fit.h"

// x265 3.5 never gives back the names of its parameters, about a kilobyte an encoder; under the
// address sanitizer that is not ours to report.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}  // NOLINT: the name is the sanitizer's

namespace semwave {
namespace {

using Changes = std::vector<std::pair<std::string, Json>>;

Scenario separation(Changes changes, const std::string& codec = "jpeg", int budget = 400) {
  Json value = tiny::scenario_json();
  value.erase("train");
  value.erase("receiver");
  value["transmitter"] = {{"kind", "separation"}, {"codec", codec}, {"budget", budget}};
  value["model"]["architecture"]["image_head"] = false;
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  return parse_scenario(value, "tiny.json");
}

Scenario label(Changes changes = {}) {
  Json value = tiny::scenario_json();
  value.erase("train");
  value.erase("receiver");
  value["transmitter"] = "label";
  value["metrics"] = {"accuracy"};
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  return parse_scenario(value, "tiny.json");
}

/// Sums over the streams of a run.
struct Streams {
  std::int64_t unfit = 0, block_losses = 0, bytes = 0, quality = 0, bound = 0;
};
Streams streams_of(const PointResult& result) {
  Streams sum;
  for (const ImageRecord& image : result.images) {
    const SentStream stream = stream_of(image.notes);
    sum.unfit += stream.bytes == 0;
    sum.block_losses += image.block_lost;
    sum.bytes += stream.bytes;
    sum.quality += stream.quality;
    sum.bound += stream.bytes > 0 && stream.coding < 0;
  }
  return sum;
}

class Separation : public ::testing::Test {
 protected:
  PointResult run(const Scenario& scenario, int images, int shard = 0) {
    const Model model = make_model(scenario, *backend_);
    return evaluate(scenario, model, tiny::images(images), pool_, {.shard = shard});
  }
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  ThreadPool pool_{2};
};

TEST_F(Separation, WhatIsSentStaysWithinTheBudgetAndIsCounted) {
  for (const char* codec : {"jpeg", "webp", "heic"})
    for (const double snr_db : {3.0, 12.0}) {
      const PointResult result =
          run(separation({{"/channel/snr_db", snr_db},
                          {"/channel/csi", {{"receiver", {{"kind", "estimated"}, {"pilots", 4}}}}}},
                         codec, 700),
              6);
      for (const ImageRecord& image : result.images) {
        ASSERT_GT(stream_of(image.notes).bytes, 0) << codec;
        EXPECT_LE(image.uses.total(), 700);
        EXPECT_GT(image.uses.parity, 0);
        EXPECT_EQ(image.uses.pilots, 4);
        const ModulationCoding& coding =
            modulation_codings().at(static_cast<std::size_t>(stream_of(image.notes).coding));
        EXPECT_EQ(image.uses.payload + image.uses.parity,
                  transport_uses(8 * std::int64_t{stream_of(image.notes).bytes}, coding));
        EXPECT_EQ(
            image.uses.payload,
            lay_blocks(8 * std::int64_t{stream_of(image.notes).bytes}, coding).payload_uses());
      }
      EXPECT_EQ(streams_of(result).unfit, 0);
      EXPECT_EQ(result.transmitter_operations, 0);
      const double read =
          static_cast<double>(6 - result.totals.lost - streams_of(result).block_losses) / 6;
      EXPECT_NEAR(result.receiver_operations, read * result.receiver_operations_dense,
                  1e-6 * result.receiver_operations_dense);
    }
}

TEST_F(Separation, StreamsMayGoThroughTheCodingsOfNr) {
  const PointResult result = run(
      separation({{"/channel/snr_db", 12.0}, {"/transmitter/codings", "nr-256qam"}}, "jpeg", 500),
      6);
  EXPECT_EQ(streams_of(result).unfit, 0);
  for (const ImageRecord& image : result.images) {
    const SentStream stream = stream_of(image.notes);
    const auto& codings = modulation_codings(CodingList::nr_256qam);
    ASSERT_LT(stream.coding, static_cast<int>(codings.size()));
    EXPECT_EQ(image.uses.payload + image.uses.parity,
              transport_uses(8 * std::int64_t{stream.bytes},
                             codings[static_cast<std::size_t>(stream.coding)]));
    EXPECT_FALSE(image.block_lost);
  }
}

TEST_F(Separation, WithoutErrorsThePictureIsThatOfTheCodecAndNoBetterQualityFits) {
  for (const char* codec : {"jpeg", "webp", "heic"}) {
    const Scenario scenario = separation({{"/channel", "ideal"}}, codec, 260);
    const Model model = make_model(scenario, *backend_);
    const Dataset data = tiny::images(5);
    const auto indices = tiny::first(5);
    Pass pass{.backend = *backend_};
    pass.draws = {scenario.seed, 0, {indices.begin(), indices.end()}};
    const Channel channel(scenario.channel);
    const Fading fading = channel.realise(pass.draws);
    TransmitTrace trace;
    const Burst burst =
        model.transmitter->transmit(pass, image_tensor(*backend_, data, indices),
                                    channel.observe(fading), PooledVector<Plan>(5), &trace);
    const Result result = model.receiver->receive(pass, channel.apply(pass, burst, fading));
    ASSERT_EQ(result.rebuilt.size(), 5u);
    const auto coder = image_codecs().make({{"kind", codec}}, Place{"test", ""});
    for (int i = 0; i < 5; ++i) {
      const Picture original{12, 12, 1, {data.image(i), data.image(i) + 144}};
      const auto stream =
          coder->encode(original, stream_of(trace.notes[static_cast<std::size_t>(i)]).quality);
      const Picture decoded = coder->decode(stream, 12, 12, 1);
      for (std::size_t v = 0; v < 144; ++v)
        EXPECT_EQ(std::lround(255 * result.images[static_cast<std::size_t>(i) * 144 + v]),
                  decoded.pixels[v]);
      const SeparationSettings settings{.codec = scenario.resolved["transmitter"]["codec"],
                                        .budget = 260,
                                        .channel = scenario.channel};
      StreamFitter fitter(settings, GainOutlook(settings.channel, settings.budget),
                          {.snr_db = Channel::ideal_snr_db});
      const int quality = stream_of(trace.notes[static_cast<std::size_t>(i)]).quality;
      if (quality < ImageCodec::best_quality) {
        EXPECT_FALSE(fitter.fit(static_cast<int>(coder->encode(original, quality + 1).size())))
            << codec << " " << quality;
      }
    }
  }
}

TEST_F(Separation, ShardsChangeNothing) {
  const Scenario scenario = separation({{"/channel", {{"kind", "rayleigh"}, {"snr_db", 12}}}});
  const PointResult whole = run(scenario, 24, 24), alone = run(scenario, 24, 1);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(whole.images[i].decision, alone.images[i].decision);
    EXPECT_EQ(whole.images[i].uses.total(), alone.images[i].uses.total());
    EXPECT_EQ(whole.images[i].scores[0], alone.images[i].scores[0]);
    EXPECT_EQ(whole.images[i].notes, alone.images[i].notes);
  }
}

TEST_F(Separation, WhereNothingFitsNothingIsSentAndTheImageIsLost) {
  const Scenario scenario = separation({{"/channel/snr_db", -12}}, "jpeg", 60);
  const PointResult result = run(scenario, 9);
  for (const ImageRecord& image : result.images) {
    EXPECT_EQ(stream_of(image.notes).bytes, 0);
    EXPECT_EQ(image.uses.total(), 0);
    EXPECT_EQ(image.decision, -1);
    EXPECT_FALSE(image.header_lost);
    EXPECT_FALSE(std::isnan(image.scores[0]));  // of the mean image
  }
  const Model model = make_model(scenario, *backend_);
  const OrderedJson row =
      make_row(scenario, expand(scenario)[0], model.sha256, tiny::images(9), result, "sha");
  EXPECT_EQ(row["separation"]["unfit"], 1.0);
  EXPECT_EQ(row["accuracy"], 0.0);
  EXPECT_TRUE(make_record(result.images[0], {}, "sha")["decision"].is_null());
}

TEST_F(Separation, LossesStayBelowTheOutageAndTheCliffIsBelowWhatWasBelieved) {
  // Images of 144 values, 600 of them: at an outage of 1 % at most 6 are expected; 4 deviations
  // above.
  for (const double snr_db : {2.0, 9.0}) {
    const Streams streams = streams_of(run(separation({{"/channel/snr_db", snr_db}}), 600));
    EXPECT_EQ(streams.unfit, 0);
    EXPECT_LE(static_cast<double>(streams.block_losses), 6 + 4 * std::sqrt(6.0)) << snr_db;
  }
}

TEST_F(Separation, AFadeThatIsNotKnownIsExpected) {
  const Json rayleigh{{"kind", "rayleigh"}, {"snr_db", 30}, {"csi", {{"transmitter", "none"}}}};
  const Scenario known = separation({{"/channel", {{"kind", "rayleigh"}, {"snr_db", 30}}}}),
                 unknown = separation({{"/channel", rayleigh}});
  const PointResult a = run(known, 60), b = run(unknown, 600);
  EXPECT_GT(streams_of(a).quality, streams_of(b).quality / 10)
      << "a margin for the fade costs quality";
  const auto lost = static_cast<double>(streams_of(b).block_losses + b.totals.lost);
  EXPECT_GT(lost, 0) << "1 % of the fades are deeper than the margin";
  EXPECT_LE(lost, 600 * 0.011 + 4 * std::sqrt(6.0));
}

TEST_F(Separation, BoundsCarryMoreThanCodes) {
  std::int64_t last = 0;
  for (const char* transport : {"coded", "normal_approximation", "capacity"}) {
    const PointResult result = run(
        separation({{"/transmitter/transport", transport}, {"/channel/snr_db", 6}}, "jpeg", 200),
        300);
    EXPECT_GT(streams_of(result).bytes, last) << transport;
    last = streams_of(result).bytes;
    if (std::string(transport) == "coded") continue;
    EXPECT_EQ(result.totals.uses.header + result.totals.uses.parity, 0);
    EXPECT_EQ(streams_of(result).bound, 300);
    const double per_use = 8.0 * static_cast<double>(streams_of(result).bytes) /
                           static_cast<double>(result.totals.uses.payload);
    EXPECT_LE(per_use, std::log2(1 + std::pow(10.0, 0.6)));
    const std::int64_t lost = streams_of(result).block_losses;
    EXPECT_LE(static_cast<double>(lost),
              std::string(transport) == "capacity" ? 0 : 3 + 4 * std::sqrt(3.0));
  }
}

TEST_F(Separation, WithoutANetworkImagesAreRebuiltAndNotTold) {
  const Scenario scenario =
      separation({{"/model", {{"image", {12, 12, 1}}}}, {"/metrics", {"psnr"}}});
  const PointResult result = run(scenario, 6);
  EXPECT_EQ(result.receiver_operations, 0);
  EXPECT_GT(result.totals.scores[0].sum / 6, 15);
  EXPECT_EQ(make_model(scenario, *backend_).receiver->mean_image(), std::vector<float>(144, 0.5f));
}

TEST_F(Separation, ALabelIsTheClassifiersAndCostsItsOperations) {
  const Scenario scenario = label({{"/channel", "ideal"}});
  const Model model = make_model(scenario, *backend_);
  const Dataset data = tiny::images(12);
  const PointResult result = evaluate(scenario, model, data, pool_, {});
  Pass pass{.backend = *backend_};
  const auto indices = tiny::first(12);
  const Var logits = (*model.classifier)(pass, image_tensor(*backend_, data, indices));
  EXPECT_NEAR(pass.operations / 12, model.classifier->operations(), 1e-6 * pass.operations);
  EXPECT_EQ(result.transmitter_operations, model.classifier->operations());
  for (int i = 0; i < 12; ++i) {
    const float* row = logits.value().data() + 3 * i;
    EXPECT_EQ(result.images[static_cast<std::size_t>(i)].decision,
              std::max_element(row, row + 3) - row);
    EXPECT_TRUE(result.images[static_cast<std::size_t>(i)].answered);
    const std::optional<Forecast> forecast =
        model.transmitter->forecast({.snr_db = Channel::ideal_snr_db}, {}, 0);
    EXPECT_EQ(result.images[static_cast<std::size_t>(i)].uses.total(), forecast->uses.total());
  }
}

TEST_F(Separation, MistakesAreNamedWithTheirPlace) {
  expect_contains(error_of([] { separation({}, "jpeg", 12); }), "/transmitter/budget");
  expect_contains(error_of([] { separation({}, "jpg"); }), "jpeg");
  expect_contains(error_of([] {
                    separation({{"/receiver", {{"kind", "semantic"}}}});
                  }),
                  "/receiver/kind");
  expect_contains(error_of([] { separation({{"/model", {{"image", {12, 12, 1}}}}}); }), "/metrics");
  expect_contains(error_of([] { label({{"/metrics", {"psnr"}}}); }), "/metrics");
  expect_contains(error_of([] { label({{"/model", {{"image", {12, 12, 1}}}}}); }), "/model");
  expect_contains(error_of([] { separation({{"/train", {{"epochs", 1}}}}); }), "/train");
  expect_contains(error_of([] {
                    separation({{"/transmitter/gate", "learned"}});
                  }),
                  "/transmitter/gate");
}

TEST(ClassifierTraining, LearnsFromCleanImages) {
  const auto backend = make_cpu_backend();
  Scenario scenario = label({{"/train", {{"epochs", 1}, {"batch", 12}, {"deepest_share", 1}}}});
  const Model model = make_model(scenario, *backend);
  const Dataset data = tiny::images(12);
  ThreadPool pool(1);
  TrainingStep step(scenario, model, data, pool, 4);
  const auto indices = tiny::first(12);
  const BatchLoss loss = step.run(indices, 0);
  EXPECT_GT(loss.class_loss, 0.5);
  EXPECT_EQ(loss.routed_blocks, 0);
  double moved = 0;
  for (const Parameter& parameter : model.parameters->all())
    for (const Gradients& lane : step.lanes()) {
      const Tensor gradient = lane.of(parameter);
      double sum = 0;
      for (std::int64_t i = 0; i < gradient.size(); ++i) sum += std::abs(gradient.data()[i]);
      if (parameter.name == "receiver.mean_image") {
        EXPECT_EQ(sum, 0);
      }
      moved += sum;
    }
  EXPECT_GT(moved, 0);
}

}  // namespace
}  // namespace semwave
