// The link laboratory: counts that do not depend on threads, the stopping rule, resume, rates
// against closed forms, and what a row says.
#include "experiment/link/link_run.h"

#include <gtest/gtest.h>

#include <cmath>

#include "phy/bounds/error_rate.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

Scenario laboratory(const Json& link, const Json& channel,
                    const Json& stop = {{"frame_errors", 40}, {"max_frames", 4000}},
                    const Json& sweep = Json::object()) {
  return parse_scenario(
      {{"version", 1}, {"link", link}, {"channel", channel}, {"stop", stop}, {"sweep", sweep}},
      "link.json");
}

Json awgn(double snr_db) {
  return {{"kind", "awgn"}, {"snr_db", snr_db}};
}

LinkPoint measure(const Scenario& scenario, int threads) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(threads);
  return run_link_point(scenario, *backend, pool, nullptr, nullptr);
}

double tail(double x) {
  return 0.5 * std::erfc(x / std::sqrt(2.0));
}

TEST(LinkRun, CountsAreTheSameForAnyNumberOfThreads) {
  for (const Json& link :
       {Json{{"code", "ldpc"}, {"length", 648}}, Json{{"code", "polar"}, {"block_bits", 100}}}) {
    const Scenario scenario = laboratory(link, awgn(0.5));
    const LinkCounts one = measure(scenario, 1).counts, three = measure(scenario, 3).counts;
    EXPECT_EQ(one.frames, three.frames);
    EXPECT_EQ(one.frame_errors, three.frame_errors);
    EXPECT_EQ(one.bit_errors, three.bit_errors);
    EXPECT_EQ(one.symbol_errors, three.symbol_errors);
    EXPECT_EQ(one.iterations, three.iterations);
    EXPECT_GE(one.frame_errors, 1);
  }
}

TEST(LinkRun, APointEndsWithEnoughErrorsOrEnoughFrames) {
  const LinkCounts noisy =
      measure(laboratory({{"code", "ldpc"}, {"length", 648}}, awgn(-3)), 2).counts;
  EXPECT_EQ(noisy.frames, 64);
  EXPECT_EQ(noisy.frame_errors, 64);
  const LinkCounts clean = measure(laboratory({{"code", "ldpc"}, {"length", 648}}, awgn(10),
                                              {{"frame_errors", 40}, {"max_frames", 100}}),
                                   2)
                               .counts;
  EXPECT_EQ(clean.frames, 100);
  EXPECT_EQ(clean.frame_errors, 0);
  EXPECT_EQ(clean.bits, 100 * 324);
  EXPECT_EQ(clean.symbols, 100 * 324);
}

TEST(LinkRun, UncodedBitsErrAsTheClosedFormSays) {
  const Scenario scenario =
      laboratory({{"code", "none"}, {"modulation", "bpsk"}, {"block_bits", 500}, {"eb_n0_db", 4}},
                 awgn(0), {{"frame_errors", 0}, {"max_frames", 600}});
  EXPECT_DOUBLE_EQ(scenario.channel.snr.from_db, 4);
  const LinkCounts counts = measure(scenario, 1).counts;
  const double expected = tail(std::sqrt(2 * std::pow(10.0, 0.4))),
               bits = static_cast<double>(counts.bits);
  ASSERT_GE(counts.bit_errors, 1000);
  EXPECT_LT(std::abs(static_cast<double>(counts.bit_errors) - bits * expected) /
                std::sqrt(bits * expected * (1 - expected)),
            4);
  EXPECT_EQ(counts.bit_errors, counts.symbol_errors);  // one bit a symbol
}

TEST(LinkRun, EbN0CountsTheInformationBitsOfAUse) {
  const Scenario coded = laboratory({{"code", "ldpc"},
                                     {"length", 1296},
                                     {"rate", "2/3"},
                                     {"modulation", "16-qam"},
                                     {"eb_n0_db", 3}},
                                    awgn(0));
  EXPECT_NEAR(coded.channel.snr.from_db, 3 + 10 * std::log10(4 * 2.0 / 3), 1e-12);
  EXPECT_EQ(coded.link->block_bits, 864);
}

TEST(LinkRun, ACodeMayBeNamedByAWordOrWithFieldsOfItsOwn) {
  const auto row_of = [](const Json& link) {
    const Scenario scenario = laboratory(link, awgn(6), {{"frame_errors", 0}, {"max_frames", 10}});
    return make_link_row(scenario, {Json::object(), scenario}, measure(scenario, 1),
                         std::string(64, 'a'));
  };
  EXPECT_EQ(row_of({{"code", "bch"}})["name"], "QPSK (63,45) bch");
  EXPECT_EQ(row_of({{"code", "bch"}})["block_bits"], 45);
  EXPECT_TRUE(row_of({{"code", "bch"}}).contains("fer_predicted"));
  EXPECT_EQ(row_of({{"code", {{"kind", "bch"}, {"n", 15}, {"t", 2}}}})["name"], "QPSK (15,7) bch");
  const Json apart{{"kind", "ldpc"}, {"rate", "2/3"}, {"length", 648}};
  EXPECT_EQ(row_of({{"code", apart}})["name"], "QPSK 2/3 ldpc 648");
  EXPECT_EQ(row_of({{"code", "ldpc"}, {"rate", "2/3"}, {"length", 648}})["name"],
            "QPSK 2/3 ldpc 648");
  const auto refusal = [](const Json& link) {
    return error_of([&] { laboratory(link, awgn(6)); });
  };
  expect_contains(refusal({{"code", "bhc"}}), "did you mean 'bch'?");
  expect_contains(refusal({{"code", {{"kind", "bch"}, {"n", 16}}}}), "/link/code/n");
  expect_contains(refusal({{"code", {{"kind", "bch"}, {"rate", 0.5}}}}), "/link/code/rate");
  expect_contains(refusal({{"code", "ldpc"}, {"rate", 0.4}}), "/link/rate");
  expect_contains(refusal({{"code", "polar"}, {"file", "x.alist"}}), "a file names an LDPC code");
  expect_contains(refusal({{"code", {{"kind", "bch"}, {"n", 15}, {"t", 2}}}, {"crc", true}}),
                  "/link/code");
}

TEST(LinkRun, AConstellationFromOutsideMeetsItsUnionBound) {
  modulations().add("16-apsk", {.summary = "4 phases within 12"}, [](const Json&) {
    std::vector<std::complex<double>> points;
    for (int p = 0; p < 4; ++p) points.push_back(std::polar(1.0, M_PI / 4 * (2 * p + 1)));
    for (int p = 0; p < 12; ++p) points.push_back(std::polar(2.7, M_PI / 12 * (2 * p + 1)));
    return Modulation::of(std::make_shared<const Constellation>("16-APSK", points));
  });
  const auto counts_at = [](double snr_db) {
    return measure(laboratory({{"code", "none"}, {"modulation", "16-apsk"}, {"block_bits", 400}},
                              awgn(snr_db), {{"frame_errors", 0}, {"max_frames", 1500}}),
                   2)
        .counts;
  };
  const Modulation apsk = modulations().make({{"kind", "16-apsk"}}, {});
  // The bound lies above, and is met within a few per cent where errors are rare.
  for (const auto& [snr_db, slack] : {std::pair{8.0, 1.0}, {12.0, 0.1}, {14.0, 0.06}}) {
    const LinkCounts counts = counts_at(snr_db);
    const double bound = symbol_error_rate(apsk, std::pow(10.0, snr_db / 10)) *
                         static_cast<double>(counts.symbols),
                 found = static_cast<double>(counts.symbol_errors);
    EXPECT_LT(found, bound + 4 * std::sqrt(bound)) << snr_db;
    EXPECT_GT(found, bound * (1 - slack) - 4 * std::sqrt(bound)) << snr_db;
  }
}

TEST(LinkRun, ABinarySymmetricChannelFlipsAsOftenAsItSaysAndCarriesBitsAlone) {
  const Json bsc{{"kind", "bsc"}, {"crossover", 0.03}};
  const LinkCounts counts = measure(laboratory({{"code", "none"}, {"block_bits", 500}}, bsc,
                                               {{"frame_errors", 0}, {"max_frames", 200}}),
                                    1)
                                .counts;
  const double bits = static_cast<double>(counts.bits),
               symbols = static_cast<double>(counts.symbols), pair = 1 - 0.97 * 0.97;
  EXPECT_LT(std::abs(static_cast<double>(counts.bit_errors) - 0.03 * bits) /
                std::sqrt(bits * 0.03 * 0.97),
            4);
  EXPECT_LT(std::abs(static_cast<double>(counts.symbol_errors) - pair * symbols) /
                std::sqrt(symbols * pair * (1 - pair)),
            4);  // I and Q by themselves
  // A code whose rate lies below the capacity 0.806 decodes, on soft bits that are those of the
  // flips.
  EXPECT_EQ(measure(laboratory({{"code", "ldpc"}, {"length", 1944}}, bsc, {{"max_frames", 64}}), 1)
                .counts.frame_errors,
            0);
  expect_contains(error_of([&] {
                    laboratory({{"modulation", "16-qam"}}, bsc);
                  }),
                  "/link/modulation");
  expect_contains(error_of([&] { laboratory({{"eb_n0_db", 3}}, bsc); }), "/link/eb_n0_db");
  const auto images = [&](const Json& link) {
    Json scenario = tiny::scenario("pictures");
    scenario["channel"] = bsc;
    scenario["transmitter"]["link"] = link;
    return scenario;
  };
  expect_contains(error_of([&] { parse_scenario(images("analogue"), "x.json"); }),
                  "'bsc' carries bits alone");
  expect_contains(error_of([&] { parse_scenario(images("digital"), "x.json"); }),
                  "/transmitter/link/coding");
  parse_scenario(images({{"kind", "digital"}, {"coding", {{"kind", "fixed"}}}}), "x.json");
}

TEST(LinkRun, RowsSayWhatWasSeenAndNeverZero) {
  const Scenario scenario =
      laboratory({{"code", "ldpc"}, {"length", 648}}, awgn(10), {{"max_frames", 300}});
  const LinkPoint clean = measure(scenario, 1);
  const Point point{Json::object(), scenario};
  const OrderedJson row = make_link_row(scenario, point, clean, std::string(64, 'a'));
  EXPECT_TRUE(row["fer"].is_null());
  EXPECT_TRUE(row["ber"].is_null());
  EXPECT_DOUBLE_EQ(row["fer_ci95"][1].get<double>(), 0.01);
  EXPECT_EQ(row["frames"], 300);
  EXPECT_EQ(row["channel_uses"]["payload"], 162);
  EXPECT_EQ(row["channel_uses"]["parity"], 162);
  EXPECT_EQ(row["code"], "ldpc");
  const std::string line = link_table(scenario, {point}).line(row);
  expect_contains(line, "<1.00e-02");
  const Scenario bad = laboratory({{"code", "ldpc"}, {"length", 648}}, awgn(0.5));
  const LinkPoint seen = measure(bad, 1);
  const OrderedJson lossy = make_link_row(bad, {Json::object(), bad}, seen, std::string(64, 'b'));
  EXPECT_GT(lossy["fer"].get<double>(), lossy["fer_ci95"][0].get<double>());
  EXPECT_LT(lossy["fer"].get<double>(), lossy["fer_ci95"][1].get<double>());
  EXPECT_GT(lossy["ber"].get<double>(), 0);
  EXPECT_NEAR(lossy["eb_n0_db"].get<double>(), 0.5, 1e-9);  // QPSK at rate 1/2
}

TEST(LinkRun, AFrameWhoseCheckFailsIsLostThoughItsMessageIsRight) {
  // 40 bits behind a code of 364: errors of the CRC's sixteen alone are as common as others.
  const Scenario scenario =
      laboratory({{"code", "ldpc"}, {"length", 648}, {"block_bits", 24}, {"crc", true}}, awgn(-4),
                 {{"max_frames", 4000}});
  const LinkPoint seen = measure(scenario, 1);
  const OrderedJson row =
      make_link_row(scenario, {Json::object(), scenario}, seen, std::string(64, 'c'));
  EXPECT_GT(row["frame_losses"].get<double>(), 1.05 * row["frame_errors"].get<double>());
  EXPECT_EQ(row["loss"].get<double>(),
            row["frame_losses"].get<double>() / row["frames"].get<double>());
  // The table is right within a few hundredths of a decibel: a third of the losses this low.
  EXPECT_NEAR(row["loss"].get<double>() / row["fer_predicted"].get<double>(), 1, 0.3)
      << "what is predicted is what an image would lose";

  const Scenario plain = laboratory({{"code", "none"}, {"block_bits", 100}}, awgn(6));
  const LinkPoint bare = measure(plain, 1);
  EXPECT_EQ(bare.counts.frame_losses, bare.counts.frame_errors) << "no check, no other losses";
}

TEST(LinkRun, AFolderIsGoneOnWith) {
  const std::string folder = fresh_folder("out");
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(2);
  const Json link{{"code", "ldpc"}, {"length", 648}},
      stop{{"frame_errors", 20}, {"max_frames", 640}};
  const auto run = [&](const Json& snrs) {
    LinkRun all(laboratory(link, awgn(0), stop, {{"/channel/snr_db", snrs}}), *backend, pool);
    all.open(folder, OrderedJson::object());
    return all.run({});
  };
  EXPECT_EQ(run({0, 1}).done, 2u);
  const std::vector<std::string> first = tiny::lines_of(folder + "/results.jsonl");
  const RunSummary longer = run({0, 1, 2});
  EXPECT_EQ(longer.reused, 2u);
  EXPECT_EQ(longer.done, 1u);
  const std::vector<std::string> second = tiny::lines_of(folder + "/results.jsonl");
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[0], first[0]);
  EXPECT_EQ(second[1], first[1]);
}

TEST(LinkRun, MistakesAreNamed) {
  const auto message = [](const Json& link, const Json& channel = awgn(5)) {
    return error_of([&] { laboratory(link, channel); });
  };
  expect_contains(message({{"code", "turbo"}}), "/link/code");
  expect_contains(message({{"code", "ldpc"}, {"rate", 0.9}}), "/link/rate");
  expect_contains(message({{"code", "polar"}, {"rate", 1}}), "/link/rate");
  expect_contains(message({{"decoder", {{"iterations", 0}}}}), "/link/decoder/iterations");
  expect_contains(message({{"eb_n0_db", 3}}, {{"kind", "ideal"}}), "/link/eb_n0_db");
  expect_contains(message({{"block_bits", -1}}), "/link/block_bits");
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  Scenario none = laboratory(Json::object(), awgn(5));
  none.link.reset();
  expect_contains(error_of([&] { LinkRun(none, *backend, pool); }), "'link'");
  expect_contains(error_of([&] {
                    parse_scenario({{"version", 1}, {"channel", "awgn"}}, "x.json");
                  }),
                  "'model'");
}

}  // namespace
}  // namespace semwave
