// The programs: two of them give the simulation's rows, and either may be killed at any moment.
#include <gtest/gtest.h>

#include <thread>

#include "tests/apps/program.h"

namespace semwave {
namespace {

class NodePrograms : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 2, 60);
    Json scenario = tiny::scenario(folder_ + "/pictures");
    scenario["output"]["records"] = true;
    tiny::write_text(folder_ + "/tiny.json", scenario.dump());
  }
  /// The port a receiver says it listens on.
  static std::string port_of(const std::string& streams) {
    for (int wait = 0; wait < 2000; ++wait) {
      const std::string out = tiny::read_text(streams + "/stdout");
      const std::size_t at = out.find("listening on 127.0.0.1:");
      if (at != std::string::npos && out.find('\n', at) != std::string::npos)
        return out.substr(at + 23, out.find('\n', at) - at - 23);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return "";
  }
  std::vector<std::string> receive(const std::string& port) const {
    return {"receive", folder_ + "/tiny.json", "--listen", "127.0.0.1:" + port,
            "--out",   folder_ + "/there",     "--quiet",  "--threads",
            "1"};
  }
  std::vector<std::string> transmit(const std::string& port) const {
    return {"transmit",  folder_ + "/tiny.json",
            "--connect", "127.0.0.1:" + port,
            "--out",     folder_ + "/here",
            "--quiet",   "--threads",
            "1",         "--rate",
            "150"};
  }
  static std::vector<std::string> timeless(const std::string& path) {
    std::vector<std::string> rows;
    for (const std::string& line : tiny::rows_without_times(path)) {
      auto row = nlohmann::ordered_json::parse(line);
      row.erase("node");
      rows.push_back(row.dump());
    }
    return rows;
  }

  std::string folder_;
};

TEST_F(NodePrograms, KillNineOfEitherLosesNothing) {
  ASSERT_EQ(
      program::run({"run", folder_ + "/tiny.json", "--out", folder_ + "/run", "--quiet"}).status,
      0);
  auto receiver = std::make_unique<program::Running>(receive("0"), folder_ + "/r0");
  const std::string port = port_of(folder_ + "/r0");
  ASSERT_FALSE(port.empty());
  auto transmitter = std::make_unique<program::Running>(transmit(port), folder_ + "/t0");
  int kills = 0;
  for (; kills < 4 && !transmitter->ended(); ++kills) {
    std::this_thread::sleep_for(std::chrono::milliseconds(180));
    auto& victim = kills % 2 == 0 ? receiver : transmitter;
    const std::string streams = folder_ + "/again" + std::to_string(kills);
    victim->signal(SIGKILL);
    victim->wait();
    victim = std::make_unique<program::Running>(kills % 2 == 0 ? receive(port) : transmit(port),
                                                streams);
  }
  EXPECT_GE(kills, 2);
  const program::Outcome sent = transmitter->wait();
  EXPECT_EQ(sent.status, 0) << sent.err;
  receiver->signal(SIGTERM);
  const program::Outcome received = receiver->wait();
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_NE(received.out.find("# 120 images"), std::string::npos) << received.out;
  for (const char* end : {"/here", "/there"}) {
    EXPECT_EQ(timeless(folder_ + end + "/results.jsonl"), timeless(folder_ + "/run/results.jsonl"))
        << end;
    EXPECT_EQ(tiny::lines_of(folder_ + end + "/records.jsonl"),
              tiny::lines_of(folder_ + "/run/records.jsonl"))
        << end;
  }
}

/// SIGHUP ends a program that has no list to read again, and no other one.
TEST_F(NodePrograms, AWatchedPictureIsPrintedByItsName) {
  program::Running receiver(receive("0"), folder_ + "/streams");
  const std::string port = port_of(folder_ + "/streams"), watched = fresh_folder("watched");
  const std::string picture = folder_ + "/pictures/test/dark/1000.png";
  for (const std::string name : {"\xC3\xB6.png", "\x1b[2J.png"})
    std::filesystem::copy_file(picture, watched + "/" + name);
  std::vector<std::string> command = transmit(port);
  command.insert(command.end(), {"--watch", watched, "--count", "2"});
  const program::Outcome sent = program::run(command);
  receiver.signal(SIGTERM);
  EXPECT_EQ(receiver.wait().status, 0);
  EXPECT_EQ(sent.status, 0) << sent.err;
  EXPECT_NE(sent.out.find(" \xC3\xB6.png\n"), std::string::npos) << sent.out;
  EXPECT_NE(sent.out.find(" \\x1b[2J.png\n"), std::string::npos) << sent.out;
  const bool named = sent.out.find("# dark ") != std::string::npos ||
                     sent.out.find("# light ") != std::string::npos;
  EXPECT_TRUE(named) << sent.out;
}

TEST_F(NodePrograms, AHangupReadsTheRevokedAgain) {
  const std::string keys = folder_ + "/keys", list = folder_ + "/revoked";
  ASSERT_EQ(program::run({"keys", keys, "--receiver", "edge", "--transmitter", "camera"}).status,
            0);
  tiny::write_text(list, "");
  const std::vector<std::string> secured{"receive",   folder_ + "/tiny.json",
                                         "--listen",  "127.0.0.1:0",
                                         "--threads", "1",
                                         "--keys",    keys,
                                         "--as",      "edge"};
  std::vector<std::string> listed = secured;
  listed.insert(listed.end(), {"--revoked", list});
  program::Running receiver(listed, folder_ + "/r");
  const std::string port = port_of(folder_ + "/r").substr(0, 5);
  const auto sent = [&](const std::string& peer) {
    return program::run({"transmit", folder_ + "/tiny.json", "--connect", "127.0.0.1:" + port,
                         "--keys", keys, "--as", "camera", "--peer", peer, "--quiet", "--count",
                         "2"});
  };
  EXPECT_EQ(sent("edge").status, 0);
  EXPECT_NE(sent("core").err.find("names 'edge', not 'core'"), std::string::npos);
  tiny::write_text(list, "camera\n");
  receiver.signal(SIGHUP);
  bool read = false;
  for (int wait = 0; wait < 500 && !read; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    read = tiny::read_text(folder_ + "/r/stderr").find("1 certificates are revoked") !=
           std::string::npos;
  }
  EXPECT_TRUE(read);
  const program::Outcome refused = sent("edge");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("revoked"), std::string::npos) << refused.err;
  receiver.signal(SIGTERM);
  EXPECT_EQ(receiver.wait().status, 0);
  program::Running plain(secured, folder_ + "/p");
  ASSERT_FALSE(port_of(folder_ + "/p").empty());
  plain.signal(SIGHUP);
  EXPECT_EQ(plain.wait().status, 128 + SIGHUP);
}

TEST_F(NodePrograms, WrongCommandLinesAreToldApart) {
  const auto status = [](const std::vector<std::string>& arguments, const std::string& words) {
    const program::Outcome outcome = program::run(arguments);
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
    return outcome.status;
  };
  const std::string tiny = folder_ + "/tiny.json";
  EXPECT_EQ(status({"receive", tiny, "--listen", "here"}, "HOST:PORT"), 2);
  EXPECT_EQ(status({"receive", tiny, "--listen", "0.0.0.0:0"},
                   "0.0.0.0 means every address of this machine"),
            2);
  EXPECT_EQ(
      status({"transmit", tiny, "--connect", "127.0.0.1:1", "--count", "9999", "--patience", "0"},
             "the source has"),
      2);
  EXPECT_EQ(status({"transmit", tiny, "--connect", "127.0.0.1:1", "--patience", "0", "--quiet"},
                   "no connection"),
            1);
  EXPECT_EQ(status({"receive", tiny, "--listen", "127.0.0.1:0", "--keys", folder_ + "/none"},
                   "authority.pem"),
            2);
  EXPECT_EQ(status({"receive", tiny, "--listen", "127.0.0.1:0", "--revoked", tiny},
                   "are asked for with --keys"),
            2);
  EXPECT_EQ(program::run({"keys", folder_ + "/keys"}).status, 0);
  EXPECT_EQ(status({"keys", folder_ + "/keys"}, "nothing is overwritten"), 2);
  EXPECT_EQ(status({"receive", tiny, "--listen", "0.0.0.0"},
                   "the port is missing: expected HOST:PORT, such as 0.0.0.0:7400"),
            2);
  EXPECT_EQ(status({"receive", tiny, "--listen", "127.0.0.1:0", "--status", "0.0.0.0:0"},
                   "0.0.0.0 means every address of this machine"),
            2);
  EXPECT_EQ(status({"transmit", tiny, "--connect", "192.0.2.1:7400"},
                   "192.0.2.1 leads beyond this machine"),
            2);
  const auto with_damaged = [&](const char* file, const char* text, const std::string& words) {
    const std::string keys = folder_ + "/damaged";
    std::filesystem::remove_all(keys);
    std::filesystem::copy(folder_ + "/keys", keys);
    std::ofstream(keys + "/" + file) << text;  // its permissions stay
    EXPECT_EQ(status({"receive", tiny, "--listen", "127.0.0.1:0", "--keys", keys}, words), 2);
  };
  with_damaged("receiver.pem", "nothing", "receiver.pem: holds no certificate in PEM");
  with_damaged("authority.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
               "authority.pem: holds a damaged certificate");
  with_damaged("receiver.key", "", "receiver.key: holds no key in PEM");
  with_damaged("receiver.key", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
               "receiver.key: holds a damaged key");
}

}  // namespace
}  // namespace semwave
