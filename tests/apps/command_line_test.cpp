// The command line: what each command prints and with which status it ends.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "core/config/json.h"
#include "experiment/scenario/scenario_page.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

using program::has;
using program::no_space;
using program::Outcome;
using program::run;

TEST(CommandLine, AloneItExplainsItself) {
  const Outcome alone = run({}), asked = run({"--help"});
  EXPECT_EQ(alone.status, 0);
  EXPECT_EQ(alone.out, asked.out);
  for (const char* command : {"run", "link", "train", "validate", "budget", "compare", "table",
                              "calibrate", "list", "schema", "devices"})
    EXPECT_TRUE(has(alone.out, std::string("\n  ") + command + " ")) << command;
}

TEST(CommandLine, HelpFitsAScreenAndHasAnExample) {
  for (const char* command : {"run", "link", "train", "validate", "budget", "compare", "table",
                              "calibrate", "list", "schema", "devices"}) {
    const Outcome help = run({command, "--help"});
    EXPECT_EQ(help.status, 0);
    const std::size_t example = help.out.find("Example: semwave ");
    ASSERT_NE(example, std::string::npos) << help.out;
    EXPECT_TRUE(has(help.out.substr(example), std::string("semwave ") + command)) << help.out;
    EXPECT_LE(std::count(help.out.begin(), help.out.end(), '\n'), 30) << command;
  }
}

TEST(CommandLine, LinkPrintsATableAndGoesOn) {
  const std::string folder = fresh_folder("link"), scenario = folder + "/link.json",
                    out = folder + "/out";
  tiny::write_text(
      scenario,
      R"({"version": 1, "link": {"code": "ldpc", "length": 648}, "channel": "awgn",)"
      R"( "sweep": {"/link/eb_n0_db": [0, 8]}, "stop": {"frame_errors": 20, "max_frames": 640}})");
  const Outcome first = run({"link", scenario, "--out", out, "--quiet"});
  EXPECT_EQ(first.status, 0) << first.err;
  for (const char* column : {"Es/N0", "Eb/N0", "FRA", "BE", "FE", "BER", "FER", "SIM_THR"})
    EXPECT_TRUE(has(first.out, column)) << column;
  EXPECT_TRUE(has(first.out, " <4.69e-03"))
      << first.out;  // 640 frames without an error: below 3/640
  const std::vector<std::string> rows = tiny::lines_of(out + "/results.jsonl");
  ASSERT_EQ(rows.size(), 2u);
  const Outcome again = run({"link", scenario, "--out", out});
  EXPECT_TRUE(has(again.err, "2 of 2 points were there already")) << again.err;
  EXPECT_EQ(tiny::lines_of(out + "/results.jsonl"), rows);
  const Outcome images = run({"run", scenario});
  EXPECT_EQ(images.status, 2);
  EXPECT_TRUE(has(images.err, "'model'")) << images.err;
}

TEST(CommandLine, NamesTheNearestCommandAndOption) {
  const Outcome command = run({"trian"});
  EXPECT_EQ(command.status, 2);
  EXPECT_TRUE(has(command.err, "did you mean 'train'?")) << command.err;
  const Outcome option = run({"run", "x.json", "--thread", "2"});
  EXPECT_EQ(option.status, 2);
  EXPECT_TRUE(has(option.err, "did you mean --threads?")) << option.err;
  EXPECT_EQ(std::count(option.err.begin(), option.err.end(), '\n'), 1);
}

TEST(CommandLine, WhatIsWrongEndsWithTwo) {
  EXPECT_EQ(run({"run"}).status, 2);
  EXPECT_EQ(run({"run", "x.json", "--threads", "none"}).status, 2);
  EXPECT_EQ(run({"run", "x.json", "--threads", "0"}).status, 2);
  EXPECT_EQ(run({"run", "x.json", "--device", "tpu"}).status, 2);
  EXPECT_EQ(run({"list", "nothing"}).status, 2);
  const Outcome missing = run({"run", "/no/such/scenario.json"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.err,
            "semwave: /no/such/scenario.json: cannot open: No such file or directory\n");
}

TEST(CommandLine, ListsWhatAScenarioMayName) {
  const Outcome gates = run({"list", "gates"});
  EXPECT_EQ(gates.status, 0);
  EXPECT_TRUE(gates.out.starts_with("keep_all ")) << gates.out;
  EXPECT_TRUE(has(gates.out, "\nlearned "));
  const Outcome all = run({"list"});
  for (const char* what : {"# gates", "# exits", "# routers", "# policies", "# channels",
                           "# equalisers", "# datasets", "# metrics"})
    EXPECT_TRUE(has(all.out, what)) << what;
  EXPECT_TRUE(has(run({"list", "chanels"}).err, "did you mean 'channels'?"));
}

TEST(CommandLine, SchemaIsOneOfAScenario) {
  const Outcome schema = run({"schema"});
  EXPECT_EQ(schema.status, 0);
  const Json read = Json::parse(schema.out);
  EXPECT_TRUE(read.contains("$schema"));
  EXPECT_TRUE(read["properties"].contains("channel"));
}

TEST(CommandLine, LostOutputEndsWithOne) {
  const std::string link = fresh_folder("link") + "/link.json";
  tiny::write_text(link,
                   R"({"version": 1, "link": {"code": "ldpc", "length": 648}, "channel": "awgn",
      "stop": {"frame_errors": 20, "max_frames": 64}})");
  // Less than a buffer, more than one, through std::cout, and flushed in the middle.
  const std::vector<std::vector<std::string>> commands{
      {"list"}, {"schema"}, {"devices"}, {"run", "--help"}, {"link", link, "--quiet"}};
  for (const std::vector<std::string>& command : commands) {
    const Outcome lost = program::Running(command, fresh_folder("streams"), "/dev/full").wait();
    EXPECT_EQ(lost.status, 1) << command[0];
    EXPECT_EQ(lost.err, "semwave: " + no_space) << command[0];
  }
}

TEST(CommandLine, NoFileTakesThePlaceOfAClosedOutput) {
  const std::string folder = fresh_folder("link"), link = folder + "/link.json";
  tiny::write_text(link,
                   R"({"version": 1, "link": {"code": "ldpc", "length": 648}, "channel": "awgn",
      "stop": {"frame_errors": 20, "max_frames": 64}})");
  const std::vector<std::string> command{"link", link, "--out", folder + "/out", "--quiet"};
  const Outcome lost = program::Running(command, fresh_folder("streams"), "").wait();
  EXPECT_EQ(lost.status, 1);
  EXPECT_EQ(lost.err, "semwave: standard output is lost: Bad file descriptor\n");
  EXPECT_EQ(tiny::lines_of(folder + "/out/results.jsonl").size(), 1u);
}

TEST(CommandLine, NamesItsDevices) {
  const Outcome devices = run({"devices"});
  EXPECT_EQ(devices.status, 0);
  EXPECT_TRUE(devices.out.starts_with("cpu "));
}

// Sweeps, and what --set does to them.

/// A scenario of semwave link with these keys beside what every test has; a few frames run in no
/// time.
std::string link_file(const std::string& keys) {
  const std::string path = fresh_folder("link_file") + "/x.json";
  Json scenario = Json::parse(R"({"version": 1, "link": {"code": "none", "block_bits": 100},
                                  "channel": {"kind": "awgn", "snr_db": 20},
                                  "stop": {"frame_errors": 0, "max_frames": 64}})");
  scenario.update(Json::parse(keys));
  tiny::write_text(path, scenario.dump());
  return path;
}

/// Rows of `semwave link`.
std::vector<Json> rows_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "link");
  arguments.insert(arguments.end(), {"--json", "--threads", "1"});
  const Outcome result = run(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  std::istringstream lines(result.out);
  std::vector<Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  return rows;
}

/// It ends with status 2, and says this.
void expect_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const Outcome result = run(arguments);
  EXPECT_EQ(result.status, 2) << result.out;
  EXPECT_TRUE(has(result.err, words)) << words << "\n" << result.err;
}

const std::string& shipped(const std::string& name) {
  static std::string path;
  return path = std::string(SEMWAVE_SOURCE_DIR) + "/scenarios/" + name;
}

TEST(CommandLine, SweptKeysMayNotOverlap) {
  const std::string whole = R"("/channel": ["ideal", {"kind": "awgn", "snr_db": 3}])",
                    part = R"("/channel/snr_db": [1, 2])";
  for (const std::string& sweep : {whole + ", " + part, part + ", " + whole})
    for (const char* command : {"link", "validate"})
      expect_refused({command, link_file(R"({"sweep": {)" + sweep + "}}")},
                     "/sweep/~1channel~1snr_db: lies within /channel, which is swept too");
  expect_refused(
      {"link", link_file(R"({"sweep": {"/link/eb_n0_db": [1, 2], "/channel/snr_db": [3]}})")},
      "/sweep/~1channel~1snr_db: would change nothing: /link/eb_n0_db");
  EXPECT_EQ(
      rows_of({link_file(R"({"sweep": {"/channel/snr_db": [1], "/channel/kind": ["awgn"]}})")})
          .size(),
      1u);
}

TEST(CommandLine, SetReachesIntoASweptKey) {
  const std::string links =
      link_file(R"({"sweep": {"/link": [{"modulation": "bpsk"}, {"code": "polar"}]}})");
  const std::vector<Json> rows = rows_of({links, "--set", "/link/modulation=16-qam"});
  ASSERT_EQ(rows.size(), 2u);
  for (const Json& row : rows) EXPECT_EQ(row["modulation"], "16-QAM");
  EXPECT_EQ(rows[0]["point"]["/link"], Json({{"modulation", "16-qam"}}));
  expect_refused({"link", links, "--set", "/link/modulation=17-qam"},
                 "/link/modulation: unknown name '17-qam'");

  // What has no such key stays; short forms and keys left to defaults do have them.
  const std::string channels =
      link_file(R"({"sweep": {"/channel": ["ideal", "awgn", {"kind": "rayleigh", "snr_db": 3}]}})");
  const std::vector<Json> heard = rows_of({channels, "--set", "/channel/snr_db=9"});
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0]["point"]["/channel"], "ideal");
  EXPECT_EQ(heard[1]["es_n0_db"], 9);
  EXPECT_EQ(heard[2]["es_n0_db"], 9);
  const std::vector<Json> known = rows_of({channels, "--set", "/channel/csi/receiver=none"});
  EXPECT_EQ(known.at(2)["point"]["/channel"]["csi"]["receiver"], "none");
  EXPECT_EQ(known.at(2)["point"]["/channel"]["snr_db"], 3);

  // The scenario everybody begins with.
  expect_refused({"validate", shipped("quickstart.json"), "--set", "/transmitter/policy/keep=7"},
                 "/transmitter/policy/keep: must be between 0 and 1, found 7");
  EXPECT_EQ(
      run({"validate", shipped("quickstart.json"), "--set", "/transmitter/policy/keep=0.5"}).status,
      0);
}

TEST(CommandLine, SetIsNeverIgnored) {
  expect_refused(
      {"link", link_file(R"({"sweep": {"/channel": ["ideal"]}})"), "--set", "/channel/snr_db=9"},
      "--set /channel/snr_db: changes nothing: /channel is swept");
  for (const char* keys :
       {R"({"link": {"eb_n0_db": 3}})", R"({"sweep": {"/link/eb_n0_db": [1, 2]}})"})
    expect_refused({"link", link_file(keys), "--set", "/channel/snr_db=9"},
                   "--set /channel/snr_db: changes nothing: /link/eb_n0_db stands in its place");
  const std::string swept =
      link_file(R"({"sweep": {"/channel/snr_db": [1, 2], "/link/modulation": ["bpsk"]}})");
  expect_refused(
      {"link", swept, "--set", "/sweep/~1channel~1snr_db=[3]", "--set", "/channel/snr_db=9"},
      "--set /channel/snr_db: is swept by --set /sweep");

  // A value within an object that is set ends the sweep of its key, as a value by itself does.
  const std::vector<Json> rows =
      rows_of({swept, "--set", R"(/channel={"kind": "awgn", "snr_db": 9})"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["es_n0_db"], 9);
  EXPECT_EQ(rows_of({swept, "--set", "/channel=rayleigh"}).size(), 2u) << "says nothing of the SNR";
}

TEST(CommandLine, SweepsSetKeepTheirOrder) {
  const auto order = [](const std::vector<std::string>& sets) {
    std::vector<std::string> arguments{link_file(R"({"sweep": {"/link/code": ["none"]}})")};
    for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
    std::string text;
    for (const Json& row : rows_of(arguments))
      text +=
          row["modulation"].get<std::string>() + std::to_string(row["es_n0_db"].get<int>()) + " ";
    return text;
  };
  const std::string expected = "QPSK9 QPSK8 BPSK9 BPSK8 ";
  EXPECT_EQ(order({R"(/sweep={"/link/modulation": ["qpsk", "bpsk"], "/channel/snr_db": [9, 8]})"}),
            expected);
  EXPECT_EQ(
      order({R"(/sweep/~1link~1modulation=["qpsk", "bpsk"])", "/sweep/~1channel~1snr_db=[9, 8]"}),
      expected);
  expect_refused({"link", link_file("{}"), "--set", "/sweep=3"}, "/sweep: expected an object");
}

TEST(CommandLine, ARangeThatFallsNeedsANegativeStep) {
  const auto with_step = [](const std::string& range) {
    return "/sweep={\"/channel/snr_db\": " + range + "}";
  };
  expect_refused(
      {"link", link_file("{}"), "--set", with_step(R"({"from": 10, "to": 0, "step": 1})")},
      "/step: must be negative to lead from 10 to 0: write -1");
  expect_refused(
      {"link", link_file("{}"), "--set", with_step(R"({"from": 0, "to": 10, "step": -2.5})")},
      "/step: must be positive to lead from 0 to 10: write 2.5");
  expect_refused(
      {"link", link_file("{}"), "--set", with_step(R"({"from": 0, "to": 10, "step": 0})")},
      "/step: must not be 0");
}

// What scenarios may say.

TEST(CommandLine, AnEditorsSchemaChangesNothing) {
  const std::string plain = link_file("{}"), told = link_file(R"({"$schema": "anything"})"),
                    out = fresh_folder("out");
  const std::vector<Json> rows = rows_of({plain}), with = rows_of({told, "--out", out});
  EXPECT_EQ(rows.at(0)["point_sha256"], with.at(0)["point_sha256"]);
  EXPECT_FALSE(Json::parse(tiny::read_text(out + "/scenario.json")).contains("$schema"));
  expect_refused({"validate", link_file(R"({"$schema": 3})")}, "/$schema: expected a string");
  expect_refused({"link", link_file(R"({"sweep": {"/$schema": ["a", "b"]}})")},
                 "/$schema cannot be swept");
}

TEST(CommandLine, FourQamIsQpsk) {
  const std::vector<Json> rows =
      rows_of({link_file(R"({"sweep": {"/link/modulation": ["qpsk", "4-qam"]}})"), "--set",
               "/channel/snr_db=5"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1]["modulation"], "QPSK");
  EXPECT_GT(rows[1]["bit_errors"], 0);
  EXPECT_EQ(rows[0]["bit_errors"], rows[1]["bit_errors"]);
}

TEST(CommandLine, OneRateHasOneBound) {
  const Outcome uncoded =
      run({"link", link_file("{}"), "--set", "/link/modulation=bpsk", "--threads", "1"});
  EXPECT_TRUE(has(uncoded.out, " <4.69e-04 <4.69e-04 <4.69e-02"))
      << uncoded.out;  // 6400 symbols, 64 frames
  const Outcome coded =
      run({"link", link_file("{}"), "--set", "/link/code=polar", "--threads", "1"});
  EXPECT_TRUE(has(coded.out, " <4.69e-02 <4.69e-02")) << "wrong bits of a code come together\n"
                                                      << coded.out;
}

TEST(CommandLine, OnePointIsNoPoints) {
  const Outcome one = run({"link", link_file("{}"), "--threads", "1"});
  EXPECT_TRUE(has(one.out, "# x, 1 point, cpu")) << one.out;
  EXPECT_TRUE(has(one.out, ", 1 thread, seed")) << one.out;
  EXPECT_TRUE(has(run({"link", link_file(R"({"sweep": {"/seed": [1, 2]}})"), "--threads", "2"}).out,
                  "# x, 2 points, cpu"));
}

TEST(CommandLine, ASeedIsAWholeNumber) {
  for (const char* seed : {"abc", "-1", "1.5", "18446744073709551616"})
    expect_refused({"link", link_file("{}"), "--seed=" + std::string(seed)},
                   "--seed: expected a whole number from 0 to 18446744073709551615, found '" +
                       std::string(seed) + "'");
  EXPECT_EQ(rows_of({link_file("{}"), "--seed", "18446744073709551615"}).at(0)["seed"],
            18446744073709551615u);
}

TEST(CommandLine, HelpIsACommandToo) {
  for (const char* command : {"run", "link", "keys"}) {
    const Outcome help = run({"help", command});
    EXPECT_EQ(help.status, 0) << help.err;
    EXPECT_EQ(help.out, run({command, "--help"}).out);
  }
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"help"}).status, 0);
  EXPECT_TRUE(has(run({"help", "rum"}).err, "did you mean 'run'?"));
}

TEST(CommandLine, HelpSaysWhatTrainWritesAndHowItGoesOn) {
  const std::string help = run({"train", "--help"}).out;
  EXPECT_FALSE(has(help, "run again with it to go on")) << help;
  EXPECT_TRUE(has(help, "(required); with --resume to go on")) << help;
}

TEST(CommandLine, ValidateListsEveryMistake) {
  const std::string path = fresh_folder("mistakes") + "/x.json";
  const auto mistakes_in = [&](const std::string& text) {
    tiny::write_text(path, text);
    const Outcome result = run({"validate", path});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    std::vector<std::string> lines;
    std::istringstream stream(result.err);
    for (std::string line; std::getline(stream, line);) {
      EXPECT_TRUE(line.starts_with("semwave: " + path + ": ")) << line;
      lines.push_back(line.substr(std::min(line.size(), path.size() + 11)));
    }
    return lines;
  };
  const auto expect_places = [](const std::vector<std::string>& lines,
                                const std::vector<std::string>& places) {
    ASSERT_EQ(lines.size(), places.size()) << testing::PrintToString(lines);
    for (std::size_t i = 0; i < lines.size(); ++i)
      EXPECT_TRUE(lines[i].starts_with(places[i] + ": ")) << lines[i];
  };
  // Names, types and ranges, at every depth.
  expect_places(
      mistakes_in(R"({"version": 2, "chanel": "awgn", "channel": {"kind": "awgn", "snr": 3},
                                "metrics": ["pnsr", "accuracy", 5], "seed": -1,
                                "link": {"decoder": {"lst": 3}}})"),
      {"/chanel", "/version", "/seed", "/channel/snr", "/metrics/0", "/metrics/2",
       "/link/decoder/lst"});
  // What one key says about another.
  expect_places(mistakes_in(R"({"version": 1, "name": "two\nlines", "channel": "awgn", "link": {},
                                "stop": {"min_images": 5, "max_images": 3},
                                "receiver": {"kind": "label"}})"),
                {"/name", "/receiver/kind", "/stop/min_images"});
  expect_places(
      mistakes_in(
          R"({"version": 1, "channel": "awgn", "link": {"code": "ldpc", "rate": 0.4},
                                "metrics": [],
                                "timeline": {"slots": 5, "feedback": {"delay": 9}},
                                "sweep": {"/seed": [],
                                          "/channel/snr_db": {"from": 1, "to": 0, "step": 1}}})"),
      {"/link/rate", "/timeline/feedback/delay", "/sweep/~1seed", "/sweep/~1channel~1snr_db/step"});
  // Points, each kind of mistake once.
  const std::vector<std::string> points =
      mistakes_in(R"({"version": 1, "channel": "awgn", "link": {},
      "sweep": {"/seed": [1, 2, 3], "/link/modulation": ["qpsk", "qqsk"],
                "/stop/max_frames": [10, 0, -1]}})");
  expect_places(points, {"/stop/max_frames", "/stop/max_frames", "/link/modulation"});
  expect_places(mistakes_in(
                    R"({"version": 1, "channel": "awgn", "link": {},
              "sweep": {"/name": ["a"], "/output/records": [true]}})"),
                {"/sweep/~1name", "/sweep/~1output~1records"});
}

}  // namespace
}  // namespace semwave
