// The program and files that somebody else wrote: it ends, says so in one line, and prints nothing
// that moves a terminal's cursor.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "core/base/text.h"
#include "core/config/json.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

using program::has;
using program::Outcome;
using program::run;
using program::Running;

/// What makes a terminal do something, what is no UTF-8, and what turns the direction of writing.
const std::string evil =
    "\x1b]0;owned\x07\xC2\x9b"
    "2J\xE2\x80\xAE";

/// Every line can be shown; what ends a line is of the program.
void expect_printable(const std::string& text) {
  std::string rest = text;
  std::erase(rest, '\n');
  EXPECT_TRUE(is_printable(rest)) << printable(text);
}

void expect_one_line(const Outcome& outcome, const std::string& words) {
  EXPECT_EQ(outcome.status, 2) << printable(outcome.err);
  expect_printable(outcome.err);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << printable(outcome.err);
  EXPECT_TRUE(has(outcome.err, words)) << printable(outcome.err);
}

class HostileFiles : public testing::Test {
 protected:
  void SetUp() override {
    ::alarm(120);  // a hang is what some of these look for
    folder_ = fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 1, 4);
    scenario_ = tiny::scenario("pictures");
    write();
  }
  void TearDown() override { ::alarm(0); }
  void write() const { tiny::write_text(file(), scenario_.dump()); }
  std::string file() const { return folder_ + "/x.json"; }

  std::string folder_;
  Json scenario_;
};

TEST_F(HostileFiles, NamesAndKeysOfAScenarioMoveNoCursor) {
  const std::string named = "\xC3\xB6" + evil + "\nfalse line";
  std::filesystem::copy(folder_ + "/pictures", folder_ + "/" + named,
                        std::filesystem::copy_options::recursive);
  scenario_["name"] =
      "\xC3\xB6 \xC2\x9b"
      "2J\xE2\x80\xAE";  // other controls are refused there
  scenario_["sweep"] = {{"/source/path", {"pictures", named}}};
  scenario_["output"] = {{"records", true}};
  write();
  const std::string out = folder_ + "/out" + evil;
  for (const char* how : {"--quiet", "--json"}) {
    const Outcome outcome = run({"run", file(), "--out", out, how});
    EXPECT_EQ(outcome.status, 0) << printable(outcome.err);
    expect_printable(outcome.out);
    expect_printable(outcome.err);
    EXPECT_TRUE(has(outcome.out, "\xC3\xB6")) << "what is printable stays";
    EXPECT_FALSE(has(outcome.out, "\nfalse line"));
  }
  for (const std::vector<std::string>& command : {std::vector<std::string>{"budget", file()},
                                                  {"compare", out, out, "--a", "0", "--b", "1"},
                                                  {"validate", file()}}) {
    const Outcome outcome = run(command);
    expect_printable(outcome.out + outcome.err);
    EXPECT_FALSE(has(outcome.out + outcome.err, "\nfalse line"));
  }
}

TEST_F(HostileFiles, MistakesAreOneLine) {
  scenario_["two\nlines" + evil] = 1;
  write();
  expect_one_line(run({"run", file()}), "two\\x0alines\\x1b]0;owned\\x07\\x9b2J\\u{202e}");
  expect_one_line(run({"run", folder_ + "/no" + evil + "\n.json"}), "/no\\x1b]0;owned");
  expect_one_line(run({"run", file(), "--" + evil}), "unknown option --\\x1b]0;owned");
  expect_one_line(run({evil}), "unknown command '\\x1b]0;owned");
  std::filesystem::copy_file(folder_ + "/pictures/test/dark/1000.png",
                             folder_ + "/pictures/test/dark/0" + evil + "\n.png");
  std::filesystem::resize_file(folder_ + "/pictures/test/dark/0" + evil + "\n.png", 20);
  scenario_.erase("two\nlines" + evil);
  write();
  expect_one_line(run({"run", file()}), "pictures/test/dark/0\\x1b]0;owned");
}

TEST_F(HostileFiles, NestedResultsCrashNoCommand) {
  const std::string out = folder_ + "/out";
  ASSERT_EQ(run({"run", file(), "--out", out, "--quiet"}).status, 0);
  const std::string rows = tiny::read_text(out + "/results.jsonl");
  tiny::write_text(out + "/results.jsonl",
                   rows + std::string(100000, '[') + std::string(100000, ']') + "\n");
  expect_one_line(run({"run", file(), "--out", out, "--quiet"}),
                  "results.jsonl: line 2: is no row of results: ");
  expect_one_line(run({"compare", out, out}), "results.jsonl: line 2: is no row of results: ");
  expect_one_line(run({"receive", file(), "--listen", "127.0.0.1:0", "--out", out, "--quiet"}),
                  "results.jsonl: line 2: is no row of results: ");
  expect_one_line(run({"transmit", file(), "--connect", "127.0.0.1:1", "--out", out, "--quiet"}),
                  "results.jsonl: line 2: is no row of results: ");
}

TEST_F(HostileFiles, PipesInPlaceOfFilesAreRefusedAtOnce) {
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string words = "/pipe: cannot read: a pipe, no regular file";
  expect_one_line(run({"run", pipe}), words);
  scenario_["model"] = pipe;
  write();
  expect_one_line(run({"run", file()}), words);
  expect_one_line(run({"receive", file(), "--listen", "127.0.0.1:0"}), words);
  scenario_ = tiny::scenario("pictures");
  write();
  ASSERT_EQ(::mkfifo((folder_ + "/pictures/test/dark/0.png").c_str(), 0600), 0);
  expect_one_line(run({"run", file()}),
                  "pictures/test/dark/0.png: cannot read: a pipe, no regular file");
  std::filesystem::create_directories(folder_ + "/idx");
  ASSERT_EQ(::mkfifo((folder_ + "/idx/t10k-labels-idx1-ubyte").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder_ + "/idx/t10k-images-idx3-ubyte").c_str(), 0600), 0);
  scenario_["source"] = {{"dataset", "fashion-mnist"}, {"path", "idx"}};
  write();
  expect_one_line(run({"run", file()}), "a pipe, no regular file");
}

TEST_F(HostileFiles, AScenarioMayComeThroughANamelessPipeAndASignalEndsTheWait) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // the child inherits it
  scenario_["source"]["path"] = folder_ + "/pictures";
  write();
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  for (const int number : {SIGTERM, SIGINT}) {
    Running waits({"run", path}, fresh_folder("streams"));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(waits.ended());
    waits.signal(number);
    EXPECT_EQ(waits.wait().status, 128 + number);
  }
  const std::string text = scenario_.dump();
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  const Outcome outcome = run({"run", path, "--quiet"});
  ::close(ends[0]);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(HostileFiles, PathsThatAreNoUtf8AreToldInWords) {
  const std::string named = folder_ + "/\xff\xfe";
  std::filesystem::create_directories(named);
  for (const char* part : {"/x.json", "/pictures"})
    std::filesystem::copy(folder_ + part, named + part, std::filesystem::copy_options::recursive);
  expect_one_line(run({"run", named + "/x.json"}),
                  "/\\xff\\xfe/pictures: is a path with bytes that are no UTF-8");
  expect_one_line(run({"run", file(), "--set", "/name=\xff"}),
                  "--set /name=\\xff: holds bytes that are no UTF-8");
  expect_one_line(run({"receive", file(), "--listen", "127.0.0.1:0", "--as", "\xff"}),
                  "--as \\xff: is no printable UTF-8");
  // Where no result has to name them they serve as any other.
  const Outcome outcome = run({"run", file(), "--out", named + "/out", "--quiet"});
  EXPECT_TRUE(outcome.status == 0 || has(outcome.err, "no UTF-8")) << printable(outcome.err);
  expect_printable(outcome.err + outcome.out);
}

TEST_F(HostileFiles, ANulEndsNoPath) {
  tiny::write_text(
      file(),
      R"({"version": 1, "source": {"dataset": "folder", "path": "pictures\u0000/elsewhere"}})");
  expect_one_line(run({"run", file()}), "a string holds the character NUL");
}

}  // namespace
}  // namespace semwave
