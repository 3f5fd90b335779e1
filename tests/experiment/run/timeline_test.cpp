// Links over time: queues against closed forms, what feedback tells, and nothing that depends on
// threads or shards.
#include "experiment/run/timeline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/base/error.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/tiny_model.h"
#include "transmitter/policy/plan_table.h"

namespace semwave {
namespace {

const Json fading_link{{"kind", "rayleigh"}, {"snr_db", {{"uniform", {0, 20}}}}, {"doppler", 0.05}};

Scenario over_time(Json timeline, std::vector<std::pair<std::string, Json>> changes = {}) {
  changes.insert(changes.begin(), {{"/channel", fading_link},
                                   {"/timeline", std::move(timeline)},
                                   {"/output", {{"records", true}}}});
  Json value = tiny::scenario_json();
  value.erase("train");
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  return parse_scenario(value, "tiny.json");
}

Timeline run(const Scenario& scenario, int threads = 1, int shard = 4) {
  const auto backend = make_cpu_backend();
  Model model = tiny::model(scenario, *backend);
  model.sha256 = "tiny";
  ThreadPool pool(threads);
  return run_timeline(scenario, model, tiny::images(30), pool, {.shard = shard});
}

TEST(Timeline, ThreadsAndShardsChangeNothing) {
  const Scenario scenario = over_time({{"links", 7},
                                       {"slots", 12},
                                       {"arrivals", {{"kind", "poisson"}, {"mean", 0.9}}},
                                       {"slot_uses", 150},
                                       {"deadline", 4},
                                       {"feedback", {{"delay", 2}, {"loss", 0.3}}}});
  const Timeline reference = run(scenario, 1, 1);
  EXPECT_GT(reference.result.totals.images, 30);
  for (const auto& [threads, shard] : {std::pair{2, 1}, std::pair{3, 4}, std::pair{1, 64}}) {
    const Timeline other = run(scenario, threads, shard);
    ASSERT_EQ(other.result.images.size(), reference.result.images.size());
    for (std::size_t i = 0; i < other.result.images.size(); ++i) {
      const ImageRecord &a = reference.result.images[i], &b = other.result.images[i];
      EXPECT_EQ(std::tie(a.image, a.link, a.slot, a.arrived, a.decision, a.late, a.gain,
                         a.believed_snr_db),
                std::tie(b.image, b.link, b.slot, b.arrived, b.decision, b.late, b.gain,
                         b.believed_snr_db));
      EXPECT_EQ(a.uses.total(), b.uses.total());
      EXPECT_TRUE(a.scores[0] == b.scores[0] ||
                  (std::isnan(a.scores[0]) && std::isnan(b.scores[0])));
    }
    EXPECT_EQ(other.result.transmitter_operations, reference.result.transmitter_operations);
    EXPECT_EQ(other.totals.scored[0].halfwidth, reference.totals.scored[0].halfwidth);
    EXPECT_EQ(other.result.expert_load, reference.result.expert_load);
    ASSERT_EQ(other.slots.size(), 12u);
    for (std::size_t s = 0; s < 12; ++s) EXPECT_EQ(other.slots[s].uses, reference.slots[s].uses);
  }
}

TEST(Timeline, EveryImageHasOneFate) {
  const Timeline made = run(over_time({{"links", 5},
                                       {"slots", 40},
                                       {"queue", 3},
                                       {"deadline", 5},
                                       {"slot_uses", 100},
                                       {"arrivals", {{"kind", "poisson"}, {"mean", 0.8}}}}));
  const TimelineTotals& t = made.totals;
  EXPECT_EQ(t.arrived, made.result.totals.images + t.dropped + t.expired + t.waiting);
  EXPECT_GT(t.dropped + t.expired, 0);
  std::int64_t arrived = 0, sent = 0, correct = 0, late = 0;
  for (const SlotRow& slot : made.slots) {
    arrived += slot.arrived;
    sent += slot.sent;
    correct += slot.correct;
    late += slot.late;
  }
  EXPECT_EQ(arrived, t.arrived);
  EXPECT_EQ(sent, made.result.totals.images);
  EXPECT_EQ(correct, made.result.totals.correct);
  EXPECT_EQ(late, t.late);
  for (const ImageRecord& r : made.result.images) {
    const std::int64_t slots = (r.uses.total() + 99) / 100;
    EXPECT_EQ(r.late, r.slot + slots - r.arrived > 5);
    EXPECT_LE(r.slot - r.arrived + 1, 5u) << "what cannot be in time is not sent";
  }
}

TEST(Timeline, ALongBurstKeepsItsLinkBusy) {
  // Each burst takes two or more slots, one image a slot: every second slot carries one, the queue
  // fills, the rest is dropped.
  const Timeline made =
      run(over_time({{"links", 2}, {"slots", 41}, {"queue", 4}, {"slot_uses", 1000}},
                    {{"/channel", {{"kind", "awgn"}, {"snr_db", 15}}}}));
  EXPECT_EQ(made.result.totals.images, 2 * 41);
  const std::int64_t uses = made.result.images[0].uses.total();
  const Timeline slow =
      run(over_time({{"links", 2}, {"slots", 41}, {"queue", 4}, {"slot_uses", uses / 2 + 1}},
                    {{"/channel", {{"kind", "awgn"}, {"snr_db", 15}}}}));
  EXPECT_EQ(slow.result.totals.images, 2 * 21);
  EXPECT_EQ(slow.totals.waiting, 2 * 3);
  EXPECT_EQ(slow.totals.dropped, 2 * (41 - 21 - 3));
}

TEST(Timeline, AQueueIsAsLongAsTheoryHasIt) {
  // Poisson arrivals of mean a, one served a slot: mean number waiting behind it is a^2 / (2 (1 -
  // a)). The network is left out.
  const double a = 0.7;
  const Timeline made = run(over_time({{"links", 40},
                                       {"slots", 6000},
                                       {"queue", 1000},
                                       {"arrivals", {{"kind", "poisson"}, {"mean", a}}}},
                                      {{"/metrics", Json::array()},
                                       {"/channel", {{"kind", "awgn"}, {"snr_db", 15}}},
                                       {"/output/records", false}}));
  EXPECT_NEAR(static_cast<double>(made.totals.arrived) / (40 * 6000), a,
              4 * std::sqrt(a / (40 * 6000)));
  EXPECT_NEAR(made.totals.queue, a * a / (2 * (1 - a)), 0.06);
  EXPECT_EQ(made.totals.dropped, 0);
  EXPECT_TRUE(made.result.images.empty());
  EXPECT_NEAR(made.totals.wait_slots, 1 + made.totals.queue / a, 0.02);  // Little's law
}

TEST(Timeline, WithoutTheNetworkUsesAreThoseOfTheRun) {
  const Json timeline{{"links", 3}, {"slots", 8}};
  const Timeline with = run(over_time(timeline)),
                 without = run(over_time(timeline, {{"/metrics", Json::array()}}));
  ASSERT_EQ(with.result.images.size(), without.result.images.size());
  for (std::size_t i = 0; i < with.result.images.size(); ++i) {
    EXPECT_EQ(with.result.images[i].uses.total(), without.result.images[i].uses.total());
    EXPECT_EQ(with.result.images[i].tokens, without.result.images[i].tokens);
    EXPECT_NEAR(with.result.images[i].gain, without.result.images[i].gain, 1e-12);
  }
  EXPECT_NEAR(with.result.transmitter_operations, without.result.transmitter_operations, 1);
}

TEST(Timeline, FeedbackTellsOfThePast) {
  const Timeline late = run(over_time({{"links", 1}, {"slots", 20}, {"feedback", {{"delay", 3}}}}));
  ASSERT_EQ(late.result.images.size(), 20u);
  const auto met = [&](std::size_t slot) {
    return late.result.images[slot].snr_db + 10 * std::log10(late.result.images[slot].gain);
  };
  for (std::size_t slot = 0; slot < 20; ++slot) {
    if (slot < 3)
      EXPECT_EQ(late.result.images[slot].believed_snr_db, 10)
          << "nothing was heard yet: the middle of the law";
    else
      EXPECT_NEAR(late.result.images[slot].believed_snr_db, met(slot - 3), 1e-6);
    EXPECT_EQ(late.slots[slot].age, slot < 3 ? static_cast<double>(slot) : 3);
  }
  const Timeline deaf =
      run(over_time({{"links", 1}, {"slots", 20}, {"feedback", {{"delay", 0}, {"loss", 1}}}}));
  for (const ImageRecord& r : deaf.result.images) EXPECT_EQ(r.believed_snr_db, 10);
  // What both ends agreed on is known without a report: the convention, and interference whose
  // power is known.
  const Timeline agreed = run(over_time(
      {{"links", 1}, {"slots", 3}, {"feedback", {{"delay", 0}, {"loss", 1}}}},
      {{"/conventions", {{"snr", "per_real_value"}}},
       {"/channel/interference", {{"sir_db", 3}, {"kind", "gaussian"}, {"known", true}}}}));
  for (const ImageRecord& r : agreed.result.images)
    EXPECT_NEAR(r.believed_snr_db, -10 * std::log10(std::pow(10, -1.0) / 2 + std::pow(10, -0.3)),
                1e-9);
  const Timeline at_once =
      run(over_time({{"links", 1}, {"slots", 20}, {"feedback", {{"delay", 0}}}}));
  for (const ImageRecord& r : at_once.result.images)
    EXPECT_NEAR(r.believed_snr_db, r.snr_db + 10 * std::log10(r.gain), 1e-6);
  // Half of the reports lost: some beliefs are older.
  const Timeline lossy =
      run(over_time({{"links", 4}, {"slots", 40}, {"feedback", {{"delay", 1}, {"loss", 0.5}}}}));
  EXPECT_GT(lossy.totals.age, 1.5);
  EXPECT_LT(lossy.totals.age, 2.6);  // geometric: 1 + p / (1 - p) = 2
}

TEST(Timeline, LinksThatSendOneImageMeetNoiseOfTheirOwn) {
  const auto backend = make_cpu_backend();
  const Scenario scenario =
      over_time({{"links", 4}, {"slots", 6}}, {{"/channel", {{"kind", "awgn"}, {"snr_db", -3}}}});
  const Model model = tiny::model(scenario, *backend);
  ThreadPool pool(1);
  const Timeline made = run_timeline(scenario, model, tiny::images(1), pool, {});
  int different = 0;
  for (std::size_t i = 0; i < made.result.images.size(); i += 4)
    for (std::size_t l = 1; l < 4; ++l)
      different += !(made.result.images[i].scores[0] == made.result.images[i + l].scores[0]);
  EXPECT_GT(different, 12) << "the same image in the same slot";
}

/// A table of the tiny network: below 8 dB a burst takes many uses for little, above it few for
/// much.
std::string steep_table() {
  PlanTable table{
      .made_by = "test", .model_sha256 = "tiny", .edges_db = {8}, .share = {0.5, 0.5}, .plans = {}};
  table.plans = {{.plan = {0.3, 1, 4},
                  .operations = 1e3,
                  .uses = {300, 40},
                  .accuracy = {0.4, 0.8},
                  .psnr_db = {}}};
  const std::string path = temporary_path("steep.json");
  std::ofstream(path) << table.to_json();
  return path;
}

TEST(Timeline, AnImageThatIsHeldBackWaitsForABetterSlotOrItsDeadline) {
  const Json timeline{
      {"links", 6},    {"slots", 300}, {"arrivals", {{"kind", "periodic"}, {"every", 2}}},
      {"deadline", 6}, {"queue", 16},  {"feedback", {{"delay", 0}}}};
  const auto with = [&](Json policy) {
    return run(
        over_time(timeline, {{"/channel/snr_db", 9}, {"/transmitter/policy", std::move(policy)}}));
  };
  const Timeline at_once =
      with({{"kind", "fixed"}, {"keep", 0.3}, {"depth", 1}, {"symbols_per_token", 4}});
  EXPECT_EQ(at_once.result.totals.images, at_once.totals.arrived);
  EXPECT_EQ(at_once.totals.wait_slots, 1);
  EXPECT_EQ(at_once.totals.arrived_uses, static_cast<double>(at_once.result.totals.uses.total()) /
                                             static_cast<double>(at_once.totals.arrived));

  const Timeline waits =
      with({{"kind", "drift_plus_penalty"}, {"file", steep_table()}, {"uses", 45}});
  const TimelineTotals& t = waits.totals;
  EXPECT_EQ(t.arrived, at_once.totals.arrived);
  EXPECT_EQ(t.arrived, waits.result.totals.images + t.expired + t.waiting);
  EXPECT_GT(t.expired, 0) << "deep fades outlast the deadline";
  EXPECT_GT(t.wait_slots, 1.2);
  EXPECT_LT(t.arrived_uses, 0.7 * at_once.totals.arrived_uses);
  EXPECT_DOUBLE_EQ(t.scored[0].arrived * static_cast<double>(t.arrived),
                   static_cast<double>(waits.result.totals.correct));
  EXPECT_DOUBLE_EQ(t.arrived_uses * static_cast<double>(t.arrived),
                   static_cast<double>(waits.result.totals.uses.total()));
  EXPECT_GT(t.arrived_uses_halfwidth, 0);
  EXPECT_GT(t.scored[1].arrived, 0);
  EXPECT_GT(at_once.totals.scored[1].arrived, 0);
  EXPECT_NEAR(at_once.totals.scored[1].arrived,
              at_once.result.totals.scores[1].sum / static_cast<double>(at_once.totals.arrived),
              1e-9)
      << "all were sent";
  // Images that never came through stand as the mean image: those sent are worth something else.
  const double sent_psnr_db = waits.result.totals.scores[1].sum /
                              static_cast<double>(waits.result.totals.images),
               share =
                   static_cast<double>(waits.result.totals.images) / static_cast<double>(t.arrived);
  const double rest = (t.scored[1].arrived - share * sent_psnr_db) / (1 - share);
  EXPECT_GT(rest, 1);
  EXPECT_LT(rest, 40);
  int later = 0, early = 0, early_at_once = 0;
  for (const ImageRecord& r : at_once.result.images) early_at_once += r.believed_snr_db < 8;
  for (const ImageRecord& r : waits.result.images) {
    early += r.believed_snr_db < 8;
    EXPECT_FALSE(r.late);
    later += r.slot > r.arrived;
  }
  EXPECT_GT(later, 30);
  EXPECT_LT(early, 0.6 * early_at_once) << "300 uses for 0.4 are not worth the price";
  // In its order: an image that came later never overtakes.
  std::vector<std::uint32_t> last(6, 0);
  for (const ImageRecord& r : waits.result.images) {
    EXPECT_GE(r.arrived, last[r.link]);
    last[r.link] = r.arrived;
  }
}

TEST(Timeline, WhatSharesALimitHasIntervalsOverStretchesInWhichSomethingCame) {
  const auto with = [&](int slots, int every) {
    return run(over_time(
        {{"links", 8}, {"slots", slots}, {"arrivals", {{"kind", "periodic"}, {"every", every}}}},
        {{"/transmitter/policy",
          {{"kind", "drift_plus_penalty"},
           {"file", steep_table()},
           {"uses", 200},
           {"budget", "network"}}}}));
  };
  const Timeline once = with(40, 40), often = with(200, 1);
  EXPECT_TRUE(std::isinf(once.totals.arrived_uses_halfwidth)) << "one stretch is no interval";
  EXPECT_GT(often.totals.arrived_uses_halfwidth, 0);
  EXPECT_TRUE(std::isfinite(often.totals.arrived_uses_halfwidth));
}

TEST(Timeline, SoundingIsPaidForInEverySlot) {
  const Json channel{{"kind", "rayleigh"},
                     {"snr_db", 15},
                     {"csi", {{"transmitter", {{"kind", "estimated"}, {"pilots", 3}}}}}};
  const Timeline made = run(
      over_time({{"links", 2}, {"slots", 21}, {"arrivals", {{"kind", "periodic"}, {"every", 5}}}},
                {{"/channel", channel}}));
  EXPECT_EQ(made.result.totals.images, 2 * 5);  // slots 0, 5, 10, 15, 20
  EXPECT_EQ(made.result.totals.uses.pilots, 2 * 3 * 21);
}

TEST(Timeline, AnOracleNeedsNoFeedback) {
  PlanTable table{
      .made_by = "test", .model_sha256 = "fresh", .edges_db = {}, .share = {1}, .plans = {}};
  table.plans = {
      {.plan = {0.5, 2, 4}, .operations = 1e6, .uses = {100}, .accuracy = {0.5}, .psnr_db = {}}};
  const std::string file = temporary_path("table.json");
  std::ofstream(file) << table.to_json();
  const auto believed = [&](const char* kind) {
    return run(over_time(
                   {{"links", 1}, {"slots", 12}, {"feedback", {{"delay", 4}, {"loss", 0.5}}}},
                   {{"/transmitter/policy", {{"kind", kind}, {"file", file}, {"uses", 100}}}}))
        .result.images;
  };
  for (const ImageRecord& r : believed("oracle"))
    EXPECT_NEAR(r.believed_snr_db, r.snr_db + 10 * std::log10(r.gain), 1e-6);
  EXPECT_EQ(believed("pareto")[3].believed_snr_db, 10);
}

TEST(Timeline, ARepeatIsALaterStretch) {
  const Json timeline{{"links", 1}, {"slots", 5}, {"feedback", {{"delay", 0}}}};
  const Timeline whole =
                     run(over_time({{"links", 1}, {"slots", 10}, {"feedback", {{"delay", 0}}}})),
                 second = run(over_time(timeline, {{"/source/repeat", 1}}));
  for (std::size_t slot = 0; slot < 5; ++slot)
    EXPECT_EQ(second.result.images[slot].gain, whole.result.images[slot + 5].gain);
}

TEST(Timeline, APolicyThatRemembersKeepsItsLimit) {
  PlanTable table{.made_by = "test",
                  .model_sha256 = "fresh",
                  .edges_db = {10},
                  .share = {0.5, 0.5},
                  .plans = {}};
  table.plans = {{.plan = {0.2, 1, 4},
                  .operations = 1e6,
                  .uses = {120, 40},
                  .accuracy = {0.5, 0.8},
                  .psnr_db = {}},
                 {.plan = {1, 2, 8},
                  .operations = 2e6,
                  .uses = {250, 120},
                  .accuracy = {0.7, 0.9},
                  .psnr_db = {}}};
  const std::string file = temporary_path("table.json");
  std::ofstream(file) << table.to_json();
  const Json policy{{"kind", "drift_plus_penalty"}, {"file", file}, {"uses", 100}, {"v", 1e5}};
  const Timeline made =
      run(over_time({{"links", 4}, {"slots", 1500}},
                    {{"/metrics", Json::array()}, {"/transmitter/policy", policy}}));
  EXPECT_NEAR(made.totals.arrived_uses / 100, 1, 0.03);
  expect_contains(error_of([&] {
                    Json value = tiny::scenario_json();
                    set_pointer(value, "/transmitter/policy", policy, "test");
                    (void)parse_scenario(value, "tiny.json");
                  }),
                  "needs a timeline");
}

TEST(Timeline, RefusesWhatCannotBe) {
  expect_contains(error_of([] {
                    (void)over_time({{"slots", 10}, {"feedback", {{"delay", 10}}}});
                  }),
                  "tiny.json: /timeline/feedback/delay");
  expect_contains(error_of([] { (void)over_time({{"links", 0}}); }), "/timeline/links");
  expect_contains(error_of([] {
                    (void)over_time({{"slots", 10}},
                                    {{"/channel/csi",
                                      {{"transmitter", {{"kind", "delayed"}, {"delay", 10}}}}}});
                  }),
                  "/channel/csi/transmitter/delay");
  expect_contains(error_of([] {
                    (void)over_time({{"slots", 65536}}, {{"/source/repeat", 65536}});
                  }),
                  "/source/repeat");
  expect_contains(error_of([] {
                    (void)over_time({{"slots", 10}}, {{"/stop", {{"max_images", 3}}}});
                  }),
                  "/stop");
  expect_contains(error_of([] {
                    (void)over_time({{"arrivals", {{"kind", "poisson"}, {"mean", -1}}}});
                  }),
                  "/timeline/arrivals/mean");
  expect_contains(error_of([] {
                    (void)over_time({{"feedback", {{"loss", 1.5}}}});
                  }),
                  "/timeline/feedback/loss");
}

}  // namespace
}  // namespace semwave
