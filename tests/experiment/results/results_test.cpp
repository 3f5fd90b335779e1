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
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

constexpr double not_rebuilt = std::numeric_limits<double>::quiet_NaN();

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

ImageRecord image_of(std::uint32_t image, SentHalf sent, HeardHalf heard, double psnr_db,
                     double ssim) {
  ImageRecord made;
  static_cast<SentHalf&>(made) = std::move(sent);
  static_cast<HeardHalf&>(made) = std::move(heard);
  made.image = image;
  made.scores[0] = psnr_db;
  made.scores[1] = ssim;
  return made;
}

/// Four images: right, wrong, lost, right without a rebuilt image.
PointResult four_images(const Metrics& metrics = {}) {
  PointResult result;
  const Ledger usual{.payload = 32, .header = 20};
  result.images = {
      image_of(0, {.label = 1, .exit_depth = 1, .tokens = 8}, {.decision = 1, .uses = usual}, 20,
               0.5),
      image_of(1, {.label = 0, .exit_depth = 2, .tokens = 8}, {.decision = 1, .uses = usual}, 10,
               0.3),
      image_of(
          2, {.label = 0, .exit_depth = 2, .tokens = 4},
          {.decision = -1, .header_lost = true, .uses = {.payload = 16, .header = 80, .pilots = 4}},
          6, 0.1),
      image_of(3, {.label = 0, .exit_depth = 2, .tokens = 8}, {.decision = 0, .uses = usual},
               not_rebuilt, not_rebuilt)};
  result.totals = PointTotals(metrics, 2);
  for (const ImageRecord& image : result.images) result.totals.add(image);
  result.expert_load = {0.75, 0.25};
  result.transmitter_operations = 3e6;
  result.receiver_operations = 2e6;
  result.wall_seconds = 2;
  return result;
}

Dataset eight_by_eight() {
  Dataset data;
  data.height = data.width = 8;
  data.channels = 1;
  return data;
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
  EXPECT_EQ(row["header_losses"], 1);
  EXPECT_EQ(row["images_per_second"], 2.0);
  std::vector<std::string> keys;
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"point",        "images",        "correct",
                                            "accuracy",     "accuracy_ci95", "psnr_db",
                                            "channel_uses", "cbr",           "cbr_payload",
                                            "tokens_kept",  "exit_depth",    "exit_histogram",
                                            "expert_load",  "header_losses", "flops",
                                            "flops_dense",  "seconds",       "images_per_second",
                                            "latency_ms",   "energy_mj",     "answers",
                                            "conventions",  "seed",          "point_sha256",
                                            "model_sha256", "data_sha256",   "semwave_version",
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

TEST(Table, EveryLineThatIsNoDataBeginsWithAHash) {
  Json value = tiny::scenario("pictures");
  value["sweep"] = {
      {"/channel/snr_db", {0, 10}},
      {"/transmitter/policy",
       {{{"kind", "fixed"}, {"keep", 0.25}, {"depth", 1}, {"symbols_per_token", 4}}}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  const Table table(scenario, points);
  Model model;
  model.architecture = *scenario.architecture;
  const std::string line = table.line(make_row(scenario, points[1], model.sha256, eight_by_eight(),
                                               four_images(scenario.metrics), "sha"));
  std::stringstream header(table.header());
  std::vector<std::string> heads;
  for (std::string head; std::getline(header, head);) heads.push_back(head);
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_TRUE(heads[0].starts_with("#") && heads[1].starts_with("#"));
  EXPECT_EQ(heads[1].size() + 1, line.size()) << heads[1] << "\n" << line;
  std::stringstream names(heads[1].substr(1)), cells(line);
  std::vector<std::string> name_list{std::istream_iterator<std::string>(names), {}},
      cell_list{std::istream_iterator<std::string>(cells), {}};
  ASSERT_EQ(name_list.size(), cell_list.size()) << "a value with a blank would shift the columns";
  EXPECT_EQ(name_list[0], "snr_db");
  EXPECT_EQ(cell_list[0], "10");
  EXPECT_EQ(cell_list[1], "fixed(depth=1,keep=0.25,S=4)");
  EXPECT_EQ(table.label(points[0]), "snr_db=0 policy=fixed(depth=1,keep=0.25,S=4)");
}

TEST(Results, ATableSaysListsInPlainWords) {
  Json value = tiny::scenario("pictures");
  const Json chain =
      Json::parse(R"({"kind": "chain", "of": [{"kind": "nakagami", "m": 4}, "erasure"]})");
  value["sweep"] = {{"/channel", {chain}}, {"/transmitter/gate/at", {Json::array({0})}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  const std::string label = Table(scenario, points).label(points[0]);
  EXPECT_NE(label.find("channel=chain(of=[nakagami(m=4),erasure])"), std::string::npos) << label;
  EXPECT_NE(label.find("at=[0]"), std::string::npos) << label;
}

/// The names of a table's columns.
std::vector<std::string> names_of(const Table& table) {
  const std::string header = table.header();
  const std::size_t last = header.rfind('#');
  std::stringstream names(header.substr(last + 1));
  return {std::istream_iterator<std::string>(names), {}};
}

TEST(Table, PartsOfTheUsesAddUpToTheTotal) {
  const auto parts = [](const Json& value) {
    return parts_of_uses(expand(parse_scenario(value, "x.json")));
  };
  using Parts = std::vector<std::string>;
  Json value = tiny::scenario("pictures");
  EXPECT_EQ(parts(value), (Parts{"payload", "header"}));
  value["channel"] = {{"kind", "rayleigh"},
                      {"snr_db", 5},
                      {"csi", {{"receiver", {{"kind", "estimated"}, {"pilots", 4}}}}}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "pilots"}));
  value["channel"] = {{"kind", "tdl"}, {"snr_db", 5}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "prefix"}));
  value["transmitter"]["link"] = {{"kind", "digital"}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "parity", "prefix"}));
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<std::string> names = names_of(Table(scenario, expand(scenario)));
  EXPECT_EQ(std::count(names.begin(), names.end(), "parity"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "prefix"), 1);
}

TEST(Table, FitsANarrowTerminal) {
  Json value = tiny::scenario("pictures");
  value["sweep"] = {
      {"/transmitter/policy",
       {{{"kind", "fixed"}, {"keep", 0.25}, {"depth", 1}, {"symbols_per_token", 4}}}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  Model model;
  model.architecture = *scenario.architecture;
  const OrderedJson row = make_row(scenario, points[0], model.sha256, eight_by_eight(),
                                   four_images(scenario.metrics), "sha");
  for (const std::size_t width : {100u, 80u, 60u, 44u}) {
    Table table(scenario, points);
    const std::size_t all = names_of(table).size();
    table.fit(width);
    std::stringstream lines(table.header() + table.line(row));
    std::string line;
    std::getline(lines, line);
    const std::size_t left = names_of(table).size();
    EXPECT_LT(left, all);
    EXPECT_TRUE(line.starts_with("# " + std::to_string(all - left) + " columns do not fit"))
        << line;
    for (std::size_t next = 0; std::getline(lines, line); ++next)
      EXPECT_LE(line.size(), width) << line;
    const std::vector<std::string> names = names_of(table);
    for (const char* kept : {"total", "accuracy"})
      EXPECT_EQ(std::count(names.begin(), names.end(), kept), 1) << kept;
  }
  Table whole(scenario, points), wide(scenario, points);
  wide.fit(1000);
  EXPECT_EQ(wide.header() + wide.line(row), whole.header() + whole.line(row));
}

class RunOfTinyWorld : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pictures_ = scratch_folder() + "/world";
    tiny::write_pictures(pictures_, 1, 30);
  }
  void SetUp() override {
    folder_ = fresh_folder("world");
    value_ = tiny::scenario(pictures_);
    value_["sweep"] = {{"/channel/snr_db", {0, 20}}, {"/transmitter/policy/keep", {0.25, 1}}};
    value_["output"] = {{"records", true}};
  }
  RunSummary run(const std::string& out, int threads, int shard) const {
    const auto backend = make_cpu_backend();
    ThreadPool pool(threads);
    semwave::Run made(parse_scenario(value_, "x.json"), *backend, pool);
    made.open(folder_ + "/" + out, {});
    return made.run(
        {.shard = shard, .interrupt = nullptr, .progress = {}, .finished = {}, .failed = {}});
  }
  std::string at(const std::string& file) const { return folder_ + "/" + file; }

  static inline std::string pictures_;
  std::string folder_;
  Json value_;
};

TEST_F(RunOfTinyWorld, RowsDoNotDependOnThreadsOrShards) {
  EXPECT_EQ(run("one", 1, 0).done, 4u);
  const auto rows = tiny::rows_without_times(at("one/results.jsonl"));
  ASSERT_EQ(rows.size(), 4u);
  for (const auto& [threads, shard] :
       {std::pair{2, 0}, std::pair{4, 1}, std::pair{3, 7}, std::pair{1, 60}}) {
    const std::string out = "out_" + std::to_string(threads) + "_" + std::to_string(shard);
    run(out, threads, shard);
    EXPECT_EQ(tiny::rows_without_times(at(out + "/results.jsonl")), rows)
        << threads << " threads, shards of " << shard;
    EXPECT_EQ(tiny::read_text(at(out + "/records.jsonl")),
              tiny::read_text(at("one/records.jsonl")));
  }
}

TEST_F(RunOfTinyWorld, RunsOnlyWhatIsMissing) {
  run("long", 1, 0);
  value_["sweep"] = {{"/channel/snr_db", {20}}, {"/transmitter/policy/keep", {1}}};
  EXPECT_EQ(run("grown", 1, 0).done, 1u);
  value_["sweep"] = {{"/channel/snr_db", {0, 20}}, {"/transmitter/policy/keep", {0.25, 1}}};
  const RunSummary summary = run("grown", 1, 0);
  EXPECT_EQ(summary.done, 3u);
  EXPECT_EQ(summary.reused, 1u);
  EXPECT_EQ(tiny::rows_without_times(at("grown/results.jsonl")),
            tiny::rows_without_times(at("long/results.jsonl")))
      << "in the order of the grid";
  EXPECT_EQ(tiny::read_text(at("grown/records.jsonl")), tiny::read_text(at("long/records.jsonl")));
  value_["seed"] = 9;
  EXPECT_EQ(run("grown", 1, 0).done, 4u) << "another seed, other points";
  EXPECT_EQ(tiny::lines_of(at("grown/results.jsonl")).size(), 8u) << "earlier rows stay";
}

TEST_F(RunOfTinyWorld, RowsNameFilesFromTheirFolder) {
  tiny::write_text(at("table.json"),
                   R"({"made_by": "test", "entries": [{"from_db": 0, "keep": 0.5, "depth": 1,)"
                   R"( "symbols_per_token": 4}]})");
  value_["sweep"] = {
      {"/transmitter/policy",
       {value_["transmitter"]["policy"], {{"kind", "table"}, {"file", at("table.json")}}}}};
  run("out", 1, 0);
  for (const bool again : {false, true}) {
    const auto row = OrderedJson::parse(tiny::lines_of(at("out/results.jsonl"))[1]);
    EXPECT_EQ(row["point"]["/transmitter/policy"]["file"], "../table.json")
        << "wherever the program was started";
    if (!again) {
      EXPECT_EQ(run("out", 1, 0).reused, 2u);
    }
  }
}

TEST_F(RunOfTinyWorld, AFolderHoldsResultsOfOneKind) {
  value_["sweep"] = {{"/channel/snr_db", {5, 5.0, 10}}};
  EXPECT_EQ(run("out", 1, 0).others, 0u) << "two points of one sum are one row";
  value_["sweep"] = {{"/channel/snr_db", {10, 20}}};
  EXPECT_EQ(run("out", 1, 0).others, 1u);
  EXPECT_NO_THROW(ResultFolder::check(at("out")));
  expect_contains(error_of([&] { ResultFolder::check(at("out"), "code"); }),
                  "holds results of another command");
  tiny::write_text(at("out/training.safetensors"), "");
  expect_contains(error_of([&] { run("out", 1, 0); }), "holds a training");
}

TEST_F(RunOfTinyWorld, ATableOfAModelIsRefusedBesideAFreshNetwork) {
  tiny::write_text(
      at("plans.json"),
      R"({"made_by": "test", "model_sha256": "abc", "network": {}, "edges_db": [], "share": [1],
    "plans": [{"keep": 0.5, "depth": 1, "symbols_per_token": 4, "operations": 1, "uses": [60],
      "accuracy": [0.5]}]})");
  value_["sweep"] = Json::object();
  value_["transmitter"]["policy"] = {{"kind", "pareto"}, {"file", at("plans.json")}, {"uses", 60}};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  expect_contains(error_of([&] { semwave::Run(parse_scenario(value_, "x.json"), *backend, pool); }),
                  "made for the model abc");
}

TEST_F(RunOfTinyWorld, AFailedPointLeavesTheOthers) {
  // What can be known is refused before anything runs; a table that goes away meanwhile cannot.
  const std::string table = at("table.json");
  tiny::write_text(table,
                   R"({"made_by": "test", "entries": [{"from_db": 0, "keep": 0.5, "depth": 1,)"
                   R"( "symbols_per_token": 4}]})");
  const Json fixed = value_["transmitter"]["policy"];
  value_["sweep"] = {{"/transmitter/policy",
                      {fixed,
                       {{"kind", "table"}, {"file", table}},
                       {{"kind", "fixed"}, {"keep", 1}, {"depth", 1}, {"symbols_per_token", 1}}}}};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  semwave::Run made(parse_scenario(value_, "x.json"), *backend, pool);
  std::filesystem::remove(table);
  std::vector<std::size_t> failed, finished;
  const RunSummary summary = made.run(
      {.shard = 0,
       .interrupt = nullptr,
       .progress = {},
       .finished = [&](std::size_t point, const OrderedJson&, bool) { finished.push_back(point); },
       .failed = [&](std::size_t point, const Error&) { failed.push_back(point); }});
  EXPECT_EQ(failed, std::vector<std::size_t>{1});
  EXPECT_EQ(finished, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(summary.failed, 1u);
}

TEST_F(RunOfTinyWorld, MetricsThatWereNotAskedForAreLeftOut) {
  value_["metrics"] = {"psnr"};
  run("out", 1, 0);
  const auto row = OrderedJson::parse(tiny::lines_of(at("out/results.jsonl"))[0]);
  EXPECT_TRUE(row.contains("psnr_db"));
  EXPECT_FALSE(row.contains("accuracy"));
}

TEST_F(RunOfTinyWorld, RefusesImagesTheNetworkWasNotMadeFor) {
  value_["model"]["architecture"]["image"] = {16, 16, 1};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  EXPECT_THROW(semwave::Run(parse_scenario(value_, "x.json"), *backend, pool), Error);
}

}  // namespace
}  // namespace semwave
