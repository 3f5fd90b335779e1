// Rows and result folders: what a row says, what survives a kill, what a disk that is full leaves.
#include "experiment/results/results.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <limits>

#include "core/base/error.h"
#include "experiment/results/text_table.h"
#include "experiment/run/run.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/results/four_images.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

OrderedJson row_named(const std::string& sha, int value) {
  return {{"point", {{"/x", value}}}, {"images", 4}, {"point_sha256", sha}, {"status", "done"}};
}

std::string sha_named(char c) {
  return std::string(64, c);
}

std::vector<std::string> shas_in(const std::string& path) {
  std::vector<std::string> shas;
  for (const std::string& line : tiny::lines_of(path))
    shas.push_back(OrderedJson::parse(line)["point_sha256"].get<std::string>().substr(0, 1));
  return shas;
}

TEST(Results, RowHoldsTheContractsFigures) {
  const Scenario scenario = parse_scenario(tiny::scenario("pictures"), "x.json");
  Model model;
  model.architecture = *scenario.architecture;
  model.sha256 = "abc";
  const OrderedJson row = make_row(scenario, expand(scenario)[0], model.sha256, eight_by_eight(),
                                   four_images(scenario.metrics), "sha");
  EXPECT_EQ(row["images"], 4);
  EXPECT_EQ(row["correct"], 2);
  EXPECT_EQ(row["accuracy"], 0.5);
  // Wilson with z = 1.96 for 2 of 4: centre 0.5, half-width z / (1 + z^2/n) sqrt(p q / n + z^2 / (4
  // n^2)).
  EXPECT_NEAR(row["accuracy_ci95"][0].get<double>(), 0.15004, 1e-4);
  EXPECT_NEAR(row["accuracy_ci95"][1].get<double>(), 0.84996, 1e-4);
  EXPECT_EQ(row["psnr_db"], 12.0)
      << "a lost image counts, one without an image to rebuild does not";
  EXPECT_FALSE(row.contains("ssim")) << "not asked for";
  EXPECT_EQ(row["channel_uses"]["payload"], 28.0);
  EXPECT_EQ(row["channel_uses"]["header"], 35.0);
  EXPECT_EQ(row["channel_uses"]["pilots"], 1.0);
  EXPECT_EQ(row["channel_uses"]["total"], 64.0);
  EXPECT_EQ(row["cbr"], 1.0);
  EXPECT_EQ(row["cbr_payload"], 28.0 / 64);
  // 1e9 and 1e11 operations a second, 1e-11 J each, 64 symbols of 1 us at 0.1 W: the defaults of
  // the device model.
  EXPECT_NEAR(row["latency_ms"].get<double>(), 3 + 0.02 + 0.064, 1e-9);
  EXPECT_NEAR(row["energy_mj"].get<double>(), 0.03 + 0.02 + 0.0064, 1e-9);
  EXPECT_EQ(row["tokens_kept"], 7.0);
  EXPECT_EQ(row["exit_depth"], 1.75);
  EXPECT_EQ(row["exit_histogram"], OrderedJson({0, 1, 3}));
  // Of loads 3/4 and 1/4: (-.75 ln .75 - .25 ln .25) / ln 2; .75 x 2 - 1.
  EXPECT_NEAR(row["expert_health"]["entropy"].get<double>(), 0.8112781, 1e-6);
  EXPECT_NEAR(row["expert_health"]["max_violation"].get<double>(), 0.5, 1e-12);
  EXPECT_EQ(row["expert_health"]["dead"], 0);
  EXPECT_EQ(row["header_losses"], 1);
  EXPECT_EQ(row["images_per_second"], 2.0);
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "point",         "images",        "correct",           "accuracy",
                      "accuracy_ci95", "psnr_db",       "channel_uses",      "cbr",
                      "cbr_payload",   "tokens_kept",   "exit_depth",        "exit_histogram",
                      "expert_load",   "expert_health", "header_losses",     "flops",
                      "flops_dense",   "seconds",       "images_per_second", "latency_ms",
                      "energy_mj",     "answers",       "conventions",       "seed",
                      "point_sha256",  "model_sha256",  "data_sha256",       "semwave_version",
                      "status"}));
}

TEST(Results, PointIsKnownByWhatChangesItsNumbers) {
  const std::string folder = fresh_folder("hash");
  const auto hash = [&](const std::string& pointer, const Json& value,
                        const std::string& model = "m", const std::string& data = "d") {
    Json changed = tiny::scenario(folder);
    if (!pointer.empty()) changed[Json::json_pointer(pointer)] = value;
    return point_sha256(parse_scenario(changed, "x.json"), model, data, DeviceKind::cpu);
  };
  const std::string plain = hash("", {});
  EXPECT_EQ(plain.size(), 64u);
  EXPECT_EQ(hash("/name", "other"), plain);
  EXPECT_EQ(hash("/output", {{"records", true}}), plain);
  EXPECT_EQ(hash("/sweep", {{"/channel/snr_db", {1, 2}}}), plain);
  EXPECT_EQ(hash("/source/path", "elsewhere"), plain) << "the images count, not where they lie";
  EXPECT_EQ(hash("/channel/snr_db", 5.0), plain);
  EXPECT_NE(hash("/channel/snr_db", 6), plain);
  EXPECT_NE(hash("/seed", 2), plain);
  EXPECT_NE(hash("/source/repeat", 1), plain);
  EXPECT_NE(hash("", {}, "other"), plain);
  EXPECT_NE(hash("", {}, "m", "other"), plain);

  tiny::write_text(folder + "/t.json",
                   R"({"made_by": "a", "entries": [{"from_db": 0, "keep": 0.5}]})");
  const Json table{{"kind", "table"}, {"file", folder + "/t.json"}};
  const std::string before = hash("/transmitter/policy", table);
  tiny::write_text(folder + "/t.json",
                   R"({"made_by": "a", "entries": [{"from_db": 0, "keep": 0.25}]})");
  EXPECT_NE(hash("/transmitter/policy", table), before)
      << "a table that changed makes other points";
}

TEST(Results, CsvHasAColumnForEveryNumber) {
  const OrderedJson first{
      {"point",
       {{"/channel/snr_db", 5}, {"/transmitter/policy", {{"kind", "fixed"}, {"keep", 1}}}}},
      {"accuracy_ci95", {0.1, 0.2}},
      {"uses", {{"payload", 3.5}}}};
  const OrderedJson second{{"point", {{"/channel/snr_db", 6}}}, {"name", "a, \"b\""}};
  EXPECT_EQ(to_csv({first, second}),
            "/channel/snr_db,/transmitter/policy,accuracy_low,accuracy_high,uses.payload,name\n"
            "5,\"{\"\"kind\"\":\"\"fixed\"\",\"\"keep\"\":1}\",0.1,0.2,3.5,\n"
            "6,,,,,\"a, \"\"b\"\"\"\n");
}

TEST(ResultFolder, DropsWhatAKillLeftHalfWritten) {
  const std::string path = fresh_folder("out");
  const std::vector<ImageRecord> records = four_images().images;
  {
    ResultFolder folder(path);
    folder.add(row_named(sha_named('a'), 1), {}, &records);
  }
  const std::string rows = tiny::read_text(path + "/results.jsonl"),
                    recorded = tiny::read_text(path + "/records.jsonl");
  std::string next = recorded;
  for (std::size_t at = 0; (at = next.find(sha_named('a'), at)) != std::string::npos;)
    next.replace(at, 64, sha_named('b'));
  tiny::write_text(path + "/results.jsonl", rows + R"({"point":{"/x":2},"point_sha256":"bbbb)");
  tiny::write_text(
      path + "/records.jsonl",
      recorded + next.substr(0, next.size() - 30));  // killed before the row of b was whole
  ResultFolder folder(path);
  EXPECT_NE(folder.find(sha_named('a'), true), nullptr);
  EXPECT_EQ(folder.find(sha_named('b'), false), nullptr);
  EXPECT_EQ(tiny::read_text(path + "/results.jsonl"), rows);
  EXPECT_EQ(tiny::read_text(path + "/records.jsonl"), recorded)
      << "records without their row are made again";
  folder.add(row_named(sha_named('b'), 2), {}, &records);
  EXPECT_EQ(tiny::lines_of(path + "/records.jsonl").size(), 8u);
}

TEST(ResultFolder, EndsInTheOrderOfTheGrid) {
  const std::string path = fresh_folder("out");
  const std::vector<ImageRecord> records = four_images().images;
  {
    ResultFolder folder(path);
    for (const char c : {'x', 'c', 'a'}) folder.add(row_named(sha_named(c), c), {}, &records);
  }
  ResultFolder folder(path);
  folder.add(row_named(sha_named('b'), 'b'), {}, &records);
  folder.finish(
      {row_named(sha_named('a'), 1), row_named(sha_named('b'), 2), row_named(sha_named('c'), 3)});
  EXPECT_EQ(shas_in(path + "/results.jsonl"), (std::vector<std::string>{"a", "b", "c", "x"}))
      << "rows of other points stay, behind";
  const auto lines = shas_in(path + "/records.jsonl");
  ASSERT_EQ(lines.size(), 16u);
  EXPECT_EQ((std::vector<std::string>{lines[0], lines[4], lines[8], lines[12]}),
            (std::vector<std::string>{"a", "b", "c", "x"}));
  EXPECT_EQ(tiny::lines_of(path + "/results.csv").size(), 5u);
  EXPECT_NE(folder.find(sha_named('x'), true), nullptr);
}

TEST(ResultFolder, KeepsTheLinesOfAPointOnceAndWhole) {
  const std::string path = fresh_folder("out");
  const std::vector<ImageRecord> records = four_images().images;
  const std::vector<SlotRow> slots(3);
  OrderedJson row = row_named(sha_named('a'), 1);
  row["timeline"] = {{"slots", 3}};
  {
    ResultFolder folder(path);
    folder.add(row, {}, nullptr, &slots);
    EXPECT_NE(folder.find(sha_named('a'), false, true), nullptr);
    EXPECT_EQ(folder.find(sha_named('a'), true, true), nullptr);
    folder.add(row_named(sha_named('b'), 2), {}, &records);
    folder.add(row, {}, &records, &slots);  // run again for its records: its slots are replaced
  }
  EXPECT_EQ(tiny::lines_of(path + "/slots.jsonl").size(), 3u);
  EXPECT_EQ(tiny::lines_of(path + "/records.jsonl").size(), 8u);
  // A kill while records were appended to a point whose row stood already.
  const std::string text = tiny::read_text(path + "/records.jsonl");
  tiny::write_text(path + "/records.jsonl", text.substr(0, text.size() - 200));
  ResultFolder folder(path);
  EXPECT_NE(folder.find(sha_named('b'), true), nullptr);
  EXPECT_EQ(folder.find(sha_named('a'), true, true), nullptr) << "some of its records are missing";
  EXPECT_NE(folder.find(sha_named('a'), false, true), nullptr);
}

TEST(ResultFolder, TakesTheRecordsOfManyPointsAtOnce) {
  const std::string path = fresh_folder("out");
  const std::vector<ImageRecord> records = four_images().images;
  // More than one piece of the file, and lines of any length.
  constexpr std::size_t many = 6000;
  const auto lines = [](char point, std::size_t count, std::size_t longer) {
    const auto line = [=](std::size_t i) {
      return OrderedJson{
          {"point_sha256", sha_named(point)}, {"image", i}, {"more", std::string(longer, 'x')}}
          .dump();
    };
    return FreshLines{sha_named(point), count, line};
  };
  {
    ResultFolder folder(path);
    folder.add(row_named(sha_named('c'), 3), {}, &records);
    folder.add(row_named(sha_named('b'), 2), {}, &records);
    folder.add_records(std::vector{lines('a', many, 300), lines('d', 0, 0), lines('b', 3, 1)});
    folder.finish(
        {row_named(sha_named('a'), 1), row_named(sha_named('b'), 2), row_named(sha_named('d'), 4)});
  }
  const std::vector<std::string> found = shas_in(path + "/records.jsonl");
  ASSERT_EQ(found.size(), many + 3 + 4);
  EXPECT_EQ(std::count(found.begin(), found.begin() + many, "a"),
            static_cast<std::ptrdiff_t>(many));
  EXPECT_EQ((std::vector<std::string>{found[many], found[many + 2], found[many + 3]}),
            (std::vector<std::string>{"b", "b", "c"}))
      << "in the order of the grid, the earlier records of b gone";
  EXPECT_NE(ResultFolder(path).find(sha_named('c'), true), nullptr);

  // Killed before the rows were written: the records go, and nothing else.
  const std::string before = tiny::read_text(path + "/records.jsonl");
  { ResultFolder(path).add_records(std::vector{lines('e', 2, 1)}); }
  { const ResultFolder again(path); }
  EXPECT_EQ(tiny::read_text(path + "/records.jsonl"), before);
}

TEST(ResultFolder, RunsAgainWhatHasNoRecordsWhereTheyAreWanted) {
  ResultFolder folder(fresh_folder("out"));
  folder.add(row_named(sha_named('a'), 1), {}, nullptr);
  EXPECT_NE(folder.find(sha_named('a'), false), nullptr);
  EXPECT_EQ(folder.find(sha_named('a'), true), nullptr);
}

TEST(ResultFolder, RefusesWhatItCannotUse) {
  const std::string path = fresh_folder("out");
  tiny::write_text(path + "/file", "");
  EXPECT_THROW(ResultFolder(path + "/file"), Error);
  EXPECT_THROW(ResultFolder(path + "/file/below"), Error);
  tiny::write_text(
      path + "/results.jsonl",
      "{\"point\":{},\"point_sha256\":\"a\"}\nnot a row\n{\"point\":{},\"point_sha256\":\"b\"}\n");
  try {
    ResultFolder folder(path);
    FAIL() << "a broken line in the middle was taken";
  } catch (const Error& mistake) {
    EXPECT_NE(std::string(mistake.what()).find("results.jsonl: line 2"), std::string::npos)
        << mistake.what();
  }
}

TEST(ResultFolder, IsUsedByOneRunAtATime) {
  const std::string path = fresh_folder("out");
  const ResultFolder first(path);
  try {
    ResultFolder second(path);
    FAIL() << "two runs opened one folder";
  } catch (const Error& mistake) {
    EXPECT_NE(std::string(mistake.what()).find("another run"), std::string::npos);
  }
}

TEST(ResultFolder, KeepsWholeRowsWhereNoMoreCanBeWritten) {
  const std::string path = fresh_folder("out");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // a limit on file sizes stands in for a full disk: both stop a write half way
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{250, 250};
    setrlimit(RLIMIT_FSIZE, &limit);
    int status = 1;
    try {
      ResultFolder folder(path);
      for (int i = 0; i < 10; ++i)
        folder.add(row_named(sha_named(static_cast<char>('a' + i)), i), {}, nullptr);
    } catch (const Error& mistake) {
      status = std::string(mistake.what()).find("results.jsonl: cannot write: File too large") ==
                       std::string::npos
                   ? 2
                   : 0;
    }
    _exit(status);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(shas_in(path + "/results.jsonl"), std::vector<std::string>{"a"});
  EXPECT_TRUE(tiny::read_text(path + "/results.jsonl").ends_with("\n"));
}

}  // namespace
}  // namespace semwave
