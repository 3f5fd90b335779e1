// Result folders that somebody else wrote: nested without end, lines without end, pipes in a file's
// place. Each is an Error with its line, and nothing crashes or waits.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/input_file.h"
#include "experiment/planning/make_plan_table.h"
#include "experiment/results/compare.h"
#include "experiment/results/recorded_folder.h"
#include "experiment/results/text_table.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

const std::string sha(64, 'a');
const std::string row = R"({"point":{},"point_sha256":")" + sha +
                        R"(","model_sha256":"m","data_sha256":"d"})"
                        "\n";
const std::string deep = std::string(100000, '[') + std::string(100000, ']');

std::string record_line(std::uint32_t image) {
  ImageRecord record{};
  record.image = image;
  return make_record(record, {}, sha).dump() + "\n";
}

/// A folder of one point with two records.
std::string folder_with(const std::string& rows, const std::string& more_records = "") {
  const std::string path = fresh_folder("folder");
  tiny::write_text(path + "/scenario.json", R"({"name": "n", "sweep": {}})");
  tiny::write_text(path + "/results.jsonl", rows);
  std::string records;
  for (std::uint32_t image = 0; image < 2; ++image) records += record_line(image);
  tiny::write_text(path + "/records.jsonl", records + more_records);
  return path;
}

std::string error_of_rows(const std::string& rows) {
  const std::string path = folder_with(rows);
  const std::string read = error_of([&] { (void)read_rows(path + "/results.jsonl"); });
  EXPECT_EQ(error_of([&] { RecordedFolder folder(path); }), read);
  EXPECT_EQ(error_of([&] { ResultFolder::check(path, "point"); }), read);
  EXPECT_EQ(error_of([&] { ResultFolder folder(path, "point"); }), read);
  return read;
}

std::string error_of_records(const std::string& more) {
  const std::string path = folder_with(row, more);
  return error_of([&] {
    const RecordedFolder folder(path);
    PairedTotals all;
    (void)compare_point(folder, folder, {0, 0}, all);
  });
}

TEST(HostileResults, NestedRowsAreRefused) {
  expect_contains(
      error_of_rows(row + R"({"point":{},"point_sha256":")" + sha + R"(","x":)" + deep + "}\n"),
      "results.jsonl: line 2: is no row of results: line 1, column ");
  expect_contains(error_of_rows(deep + "\n"), "nested more than 64 deep; repair or remove it");
  expect_contains(error_of_rows("{\"point\":{},\"point\":{}}\n"), "the key 'point' is given twice");
}

TEST(HostileResults, ARowWithoutEndIsRefused) {
  expect_contains(error_of_rows("\"" + std::string(LineReader::longest_line, 'x') + "\"\n"),
                  "line 1: is longer than");
}

TEST(HostileResults, NestedRecordsAreRefused) {
  const std::string begun = R"({"point_sha256":")" + sha + R"(","image":2,"x":)";
  expect_contains(error_of_records(begun + deep + "}\n"),
                  "records.jsonl: line 3: is no record: line 1, column ");
  expect_contains(
      error_of_records(begun + "\"" + std::string(LineReader::longest_line, 'x') + "\"}\n"),
      "records.jsonl: a line is longer than");
}

TEST(HostileResults, NumbersAreWholeAndInRange) {
  const Json good = Json::parse(record_line(2));
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"image", 2.5},
                                                 {"image", 1e300},
                                                 {"image", -1},
                                                 {"image", 1LL << 32},
                                                 {"label", 1e300},
                                                 {"label", "1"},
                                                 {"decision", 1LL << 31}}) {
    Json wrong = good;
    wrong[key] = value;
    expect_contains(error_of_records(wrong.dump() + "\n"), "records.jsonl: line 3: is no record");
  }
}

TEST(HostileResults, ARowPointsAtNothingThatIsNotThere) {
  // A place far behind the end of a list would be filled up to there.
  const std::string path =
      folder_with(R"({"point":{"/list/4000000000":1},"point_sha256":")" + sha + "\"}\n");
  tiny::write_text(path + "/scenario.json", R"({"name": "n", "list": [1, 2], "sweep": {}})");
  const RecordedFolder folder(path);
  expect_contains(error_of([&] { (void)folder.value_at(0, "/list"); }),
                  "row 0: does not fit scenario.json beside it");
}

TEST(HostileResults, AKilledRunsSweepIsAList) {
  const std::string path = folder_with(row);
  tiny::write_text(path + "/scenario.json", R"({"name": "n", "sweep": {"/seed": 7}})");
  tiny::write_text(path + "/run.json", "{}");
  expect_contains(error_of([&] { RecordedFolder folder(path); }),
                  "scenario.json: /sweep/~1seed: is no list of values");
}

TEST(HostileResults, RowsThatLackWhatTheyShouldHoldMakeACsvAndATable) {
  const std::string path = fresh_folder("folder");
  tiny::write_text(path + "/results.jsonl", R"({"point":{},"point_sha256":")" + sha +
                                                R"(","accuracy_ci95":[],"timeline":3,"images":1})"
                                                "\n");
  ResultFolder folder(path);
  EXPECT_EQ(folder.find(sha, true, true), nullptr);
  EXPECT_EQ(folder.finish({}), 1u);
  Table table;
  table.add("", "a", 3, [](const OrderedJson& read) { return read.at("no").get<std::string>(); });
  EXPECT_EQ(table.line(read_rows(path + "/results.jsonl").rows[0]), "    -\n");
}

TEST(HostileResults, NestedLinesMakeNoTable) {
  const std::string path = fresh_folder("table");
  Json scenario = tiny::scenario("pictures");
  scenario["source"]["split"] = "validation";
  tiny::write_text(path + "/scenario.json", scenario.dump());
  tiny::write_text(path + "/results.jsonl", deep + "\n");
  expect_contains(error_of([&] { (void)make_plan_table(path, 4); }),
                  "results.jsonl:1: line 1, column ");
}

TEST(HostileResults, APipeInAFilesPlaceIsRefused) {
  ::alarm(20);  // a hang is what this looks for
  for (const std::string name : {"scenario.json", "results.jsonl", "records.jsonl", "run.json"}) {
    const std::string path = folder_with(row);
    ::unlink((path + "/" + name).c_str());
    ASSERT_EQ(::mkfifo((path + "/" + name).c_str(), 0600), 0);
    expect_contains(error_of([&] { RecordedFolder folder(path); }),
                    name + ": cannot read: a pipe, no regular file");
  }
  const std::string path = folder_with(row);
  ::unlink((path + "/results.jsonl").c_str());
  ASSERT_EQ(::mkfifo((path + "/results.jsonl").c_str(), 0600), 0);
  expect_contains(error_of([&] { ResultFolder folder(path, "point"); }),
                  "results.jsonl: cannot be opened: a pipe, no regular file");
  ::alarm(0);
}

}  // namespace
}  // namespace semwave
