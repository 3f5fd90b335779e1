// The digital mode of the semantic pair: an error-free channel gives exactly the quantised
// features, uses are what the ledger says, lost code blocks lose their tokens, and nothing depends
// on company, threads or shards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "experiment/planning/budget.h"
#include "experiment/run/evaluate.h"
#include "experiment/train/objective.h"
#include "experiment/train/training_step.h"
#include "tests/core/expect_error.h"
#include "tests/fixtures/tiny_model.h"
#include "tests/fixtures/whole_path.h"

namespace semwave {
namespace {

const Json fixed_qpsk{
    {"kind", "digital"},
    {"bits_per_value", 3},
    {"coding", {{"kind", "fixed"}, {"code", "polar"}, {"rate", 0.5}, {"modulation", "qpsk"}}}};
const Json automatic{{"kind", "digital"}, {"bits_per_value", 3}};
const PooledVector<Plan> plans{{1, 2, 4},    {0.5, 0, 16}, {0, 1, 4},
                               {0.12, 1, 1}, {0.3, 2, 3},  {1, 0, 8}};

class Digital : public WholePath {
 protected:
  Heard run(const Scenario& scenario, const Model& model, const std::vector<std::int32_t>& indices,
            const PooledVector<Plan>& asked, bool training = false, Tape* tape = nullptr,
            const Gradients* lane = nullptr) {
    return through(scenario, model, indices, asked,
                   {.training = training, .tape = tape, .lane = lane});
  }
  static Scenario scenario(const Json& link,
                           const Json& channel = {{"kind", "awgn"}, {"snr_db", 12}}) {
    return tiny::scenario({{"/transmitter/link", link}, {"/channel", channel}});
  }
};

TEST_F(Digital, AnErrorFreeChannelGivesExactlyTheQuantisedFeatures) {
  const Scenario analogue = tiny::scenario({{"/channel", Json{{"kind", "ideal"}}}}),
                 digital = scenario(fixed_qpsk, {{"kind", "ideal"}});
  const Model a = tiny::model(analogue, *backend_), d = tiny::model(digital, *backend_);
  const Heard plain = run(analogue, a, tiny::first(6), plans);
  const Heard bits = run(digital, d, tiny::first(6), plans);
  // The analogue burst is the features; what the digital receiver makes of its own burst must be
  // their nearest levels.
  const Quantiser quantiser(3);
  const DigitalLink& link = *digital.digital;
  Symbols y(static_cast<std::size_t>(bits.burst.starts.back()));
  backend_->to_host(bits.reception.symbols.value(), reinterpret_cast<float*>(y.data()));
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto features = std::span(
        plain.burst.symbols.value().data() + 2 * plain.burst.starts[i],
        static_cast<std::size_t>(2 * (plain.burst.starts[i + 1] - plain.burst.starts[i])));
    const auto first = static_cast<std::size_t>(bits.burst.starts[i]),
               count = static_cast<std::size_t>(bits.burst.starts[i + 1]) - first;
    ASSERT_FALSE(bits.result.lost[i]);
    EXPECT_EQ(bits.headers[i].positions, plain.headers[i].positions);
    const DigitalLink::Heard heard = link.receive(
        std::span(y).subspan(first, count), Symbols(count, {1, 0}),
        PooledVector<float>(count, 0.0f), static_cast<std::int64_t>(features.size()) * 3, 0);
    ASSERT_EQ(heard.values.size(), features.size());
    for (std::size_t v = 0; v < features.size(); ++v)
      EXPECT_EQ(heard.values[v], quantiser.value(quantiser.index(features[v])));
  }
  // Fine levels leave next to nothing of the difference: the way behind the link is the same. Noise
  // the receiver is told differs, so not to the bit.
  Json fine = fixed_qpsk;
  fine["bits_per_value"] = 8;
  const Scenario eight = scenario(fine, {{"kind", "ideal"}});
  const Heard close = run(eight, tiny::model(eight, *backend_), tiny::first(6), plans);
  for (std::int64_t i = 0; i < 6; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(row(close.result.logits.value(), i)[c], row(plain.result.logits.value(), i)[c],
                  0.05);
}

TEST_F(Digital, UsesAreWhatTheLedgerSaysAndTheForecastKnowsThem) {
  for (const Json& link : {fixed_qpsk, automatic}) {
    const Scenario digital = scenario(link);
    const Model model = tiny::model(digital, *backend_);
    const Heard heard = run(digital, model, tiny::first(6), plans);
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const std::int64_t k = heard.trace.layout->rows_of(static_cast<int>(i)),
                         bits = k * plans[i].symbols_per_token * 2 * 3;
      const Ledger& ledger = heard.reception.ledger[i];
      EXPECT_EQ(ledger.payload + ledger.parity, heard.burst.starts[i + 1] - heard.burst.starts[i]);
      if (link == fixed_qpsk) {
        EXPECT_EQ(ledger.payload, bits / 2);
        EXPECT_EQ(ledger.payload + ledger.parity, bits == 0 ? 0 : (2 * (bits + 11) + 1) / 2);
      }
      const std::optional<Forecast> forecast = model.transmitter->forecast(
          {12, 0, CsiKind::perfect}, plans[i], static_cast<std::uint32_t>(i));
      ASSERT_TRUE(forecast);
      EXPECT_EQ(forecast->uses.payload, ledger.payload);
      EXPECT_EQ(forecast->uses.parity, ledger.parity);
      EXPECT_EQ(forecast->uses.header, ledger.header);
      EXPECT_EQ(heard.receiver_operations > 0, true);
      EXPECT_FALSE(heard.result.lost[i]);
      if (!heard.result.tokens_lost.empty()) {
        EXPECT_EQ(heard.result.tokens_lost[i], 0);
      }
    }
    double operations = 0;
    for (std::size_t i = 0; i < plans.size(); ++i)
      operations += model.receiver->operations(&heard.burst.headers[i]);
    EXPECT_DOUBLE_EQ(operations, heard.receiver_operations);
  }
}

TEST_F(Digital, TheChoiceOfCodingFollowsTheBelievedSnrAndIsRead) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  for (const double snr_db : {0.0, 6.0, 12.0, 20.0}) {
    const Scenario digital = scenario(automatic, {{"kind", "awgn"}, {"snr_db", snr_db}});
    const Model model = tiny::model(digital, *backend_);
    const Heard heard = run(digital, model, {0}, {{1, 2, 8}});
    ASSERT_FALSE(heard.result.lost[0]);
    const std::int64_t uses = heard.burst.starts[1];
    EXPECT_LT(uses, before);
    before = uses;
    const TransportChoice choice = cheapest(9 * 8 * 2 * 3, snr_db);
    EXPECT_EQ(heard.headers[0].coding, choice.index);
    EXPECT_EQ(choice.uses, uses);
    EXPECT_LE(choice.loss, largest_transport_loss);
  }
}

TEST_F(Digital, TheChoiceMayBeAmongTheCodingsOfNr) {
  Json link = automatic;
  link["coding"] = {{"kind", "auto"}, {"codings", "nr-256qam"}};
  for (const double snr_db : {6.0, 20.0}) {
    const Scenario digital = scenario(link, {{"kind", "awgn"}, {"snr_db", snr_db}});
    const Model model = tiny::model(digital, *backend_);
    const Heard heard = run(digital, model, {0}, {{1, 2, 8}});
    ASSERT_FALSE(heard.result.lost[0]);
    const TransportChoice choice =
        cheapest(9 * 8 * 2 * 3, snr_db, largest_transport_loss, CodingList::nr_256qam);
    EXPECT_EQ(heard.headers[0].coding, choice.index);
    EXPECT_EQ(heard.burst.starts[1], choice.uses);
  }
  link["coding"]["codings"] = "wifi";
  EXPECT_THROW(scenario(link), Error);
}

TEST_F(Digital, AnImageAloneAndInCompanyGivesTheSameBits) {
  const Scenario digital =
      scenario(automatic, {{"kind", "rayleigh"}, {"snr_db", 8}, {"coherence", "symbol"}});
  const Model model = tiny::model(digital, *backend_);
  const Heard all = run(digital, model, tiny::first(6), plans);
  for (std::int32_t i = 0; i < 6; ++i) {
    const Heard one = run(digital, model, {i}, {plans[static_cast<std::size_t>(i)]});
    ASSERT_EQ(one.result.lost[0], all.result.lost[static_cast<std::size_t>(i)]);
    EXPECT_EQ(row(one.result.logits.value(), 0), row(all.result.logits.value(), i)) << i;
  }
}

TEST_F(Digital, ALostCodeBlockLosesItsTokensAndNoOthers) {
  // 9 tokens of 16 symbols at 8 bits: 2304 bits in several code blocks; at this SNR some of them
  // fail while headers, which are stronger, hold.
  const Json link{{"kind", "digital"},
                  {"bits_per_value", 8},
                  {"coding",
                   {{"kind", "fixed"},
                    {"code", "ldpc"},
                    {"length", 648},
                    {"rate", "1/2"},
                    {"modulation", "qpsk"}}},
                  {"interleaver", false}};
  const Scenario digital = scenario(link, {{"kind", "awgn"}, {"snr_db", 0.6}});
  const Model model = tiny::model(digital, *backend_);
  const Heard heard = run(digital, model, tiny::first(12), PooledVector<Plan>(12, Plan{1, 2, 16}));
  const BlockLayout layout = lay_blocks(2304, digital.digital->coding(0));
  ASSERT_GT(layout.blocks, 4);
  const Transport transport(2304, digital.digital->coding(0), {.interleave = false});
  int some = 0, images = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    if (heard.result.lost[i]) continue;
    ++images;
    const auto first = static_cast<std::size_t>(heard.burst.starts[i]), count = transport.uses();
    const auto* y =
        reinterpret_cast<const std::complex<float>*>(heard.reception.symbols.value().data()) +
        first;
    Bits bits(2304), held(transport.blocks());
    transport.decode({y, count}, Symbols(count, {1, 0}),
                     PooledVector<float>(count, static_cast<float>(std::pow(10.0, -0.06))), bits,
                     held);
    std::vector<int> gone(9, 0);
    for (int b = 0; b < layout.blocks; ++b)
      for (std::int64_t bit = layout.block_start(b);
           !held[static_cast<std::size_t>(b)] && bit < layout.block_start(b) + layout.block_bits(b);
           ++bit)
        gone[static_cast<std::size_t>(bit / 256)] = 1;
    const auto lost = std::count(gone.begin(), gone.end(), 1);
    EXPECT_EQ(heard.result.tokens_lost[i], lost);
    some += lost > 0 && lost < 9;
  }
  EXPECT_GE(images, 6);
  EXPECT_GE(some, 2);
  for (const float logit : row(heard.result.logits.value(), 0)) EXPECT_TRUE(std::isfinite(logit));
}

TEST_F(Digital, BitsGoOverABinarySymmetricChannelHeaderAndAll) {
  const Scenario digital = scenario(fixed_qpsk, {{"kind", "bsc"}, {"crossover", 0.02}});
  const Model model = tiny::model(digital, *backend_);
  const Heard heard = run(digital, model, tiny::first(6), plans);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    EXPECT_FALSE(heard.result.lost[i]);
    EXPECT_EQ(heard.result.tokens_lost[i], 0);
    EXPECT_EQ(heard.reception.ledger[i].payload + heard.reception.ledger[i].parity,
              heard.burst.starts[i + 1] - heard.burst.starts[i]);
  }
  // Something was flipped, and repaired.
  const auto symbols = static_cast<std::int64_t>(heard.burst.starts.back());
  std::int64_t flipped = 0;
  for (std::int64_t v = 0; v < 2 * symbols; ++v)
    flipped +=
        heard.burst.symbols.value().data()[v] * heard.reception.symbols.value().data()[v] < 0;
  EXPECT_NEAR(static_cast<double>(flipped), 0.04 * static_cast<double>(symbols),
              4 * std::sqrt(0.04 * static_cast<double>(symbols)));
}

TEST_F(Digital, AtTheEndOfATrainingPassGradientsReachTheMapperThroughTheQuantiser) {
  const Scenario digital = scenario(automatic);
  const Model model = tiny::model(digital, *backend_);
  Tape tape;
  const Gradients lane(*model.parameters);
  const Heard heard = run(digital, model, tiny::first(6), plans, true, &tape, &lane);
  // The receiver has taken the features as read: they are levels.
  const Quantiser quantiser(3);
  ASSERT_TRUE(heard.reception.values.defined());
  for (std::int64_t v = 0; v < heard.reception.values.value().size(); ++v) {
    const float value = heard.reception.values.value().data()[v];
    EXPECT_EQ(value, quantiser.value(quantiser.index(value)));
  }
  const ShardLoss loss =
      objective(*std::make_unique<Pass>(Pass{
                    .backend = *backend_, .tape = &tape, .gradients = &lane, .training = true}),
                model.architecture, digital.train.value(),
                image_tensor(*backend_, data_, PooledVector<std::int32_t>{0, 1, 2, 3, 4, 5}),
                PooledVector<std::int32_t>{0, 1, 2, 0, 1, 2}, heard.trace, heard.result, 6);
  tape.backward(*backend_, loss.total);
  double mapper = 0;
  for (const Parameter& p : model.parameters->all())
    if (p.name == "transmitter.mapper.weight")
      for (std::int64_t i = 0; i < p.value.size(); ++i)
        mapper += std::abs(static_cast<double>(lane.of(p).data()[i]));
  EXPECT_GT(mapper, 1e-6);
}

TEST_F(Digital, TrainingRunsAndItsHardnessRises) {
  Scenario digital = scenario(automatic);
  EXPECT_EQ(digital.train->hardness(0), 2);
  EXPECT_EQ(digital.train->hardness(1), 40);
  const Model model = tiny::model(digital, *backend_);
  ThreadPool pool(1);
  TrainingStep step(digital, model, data_, pool, 0);
  const std::vector<std::int32_t> batch = tiny::first(12);
  EXPECT_TRUE(std::isfinite(step.run(batch, 0).total(*digital.train)));
}

TEST(DigitalScenario, MistakesAreNamed) {
  const auto message = [](const Json& link) {
    return error_of([&] { tiny::scenario({{"/transmitter/link", link}}); });
  };
  expect_contains(message({{"kind", "digitl"}}), "digital");
  expect_contains(message({{"kind", "digital"}, {"bits_per_value", 9}}),
                  "/transmitter/link/bits_per_value");
  expect_contains(message({{"kind", "digital"}, {"range", 0}}), "/transmitter/link/range");
  expect_contains(message({{"kind", "digital"},
                           {"coding", {{"kind", "fixed"}, {"code", "ldpc"}, {"rate", 0.6}}}}),
                  "/transmitter/link/coding/rate");
  expect_contains(
      message({{"kind", "digital"},
               {"coding", {{"kind", "fixed"}, {"code", "ldpc"}, {"file", "nowhere.alist"}}}}),
      "nowhere.alist");
  expect_contains(message({{"kind", "digital"},
                           {"coding", {{"kind", "fixed"}, {"code", "ldpc"}, {"length", 700}}}}),
                  "/transmitter/link/coding/length");
}

}  // namespace
}  // namespace semwave
