// TLS 1.3 with certificates on both ends: who has none, another authority's, an old one, or one of
// the wrong role, is refused; who has one is whom it names, and nobody else.
#include "tests/node/receiver/stranger.h"
#include "tests/node/two_nodes.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/base/error.h"
#include "node/net/authority.h"
#include "node/net/pem.h"
#include "node/wire/frame.h"

namespace semwave {
namespace {

class Security : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 2, 5);
    scenario_ = parse_scenario(tiny::scenario(folder_ + "/pictures"), "tiny.json");
    make_keys(keys_of("edge").folder, {{"edge", NodeRole::receiver},
                                       {"camera", NodeRole::transmitter},
                                       {"camera2", NodeRole::transmitter}});
  }
  KeyFiles keys_of(const std::string& name) const { return {folder_ + "/keys", name, ""}; }
  ServerOptions secured() const {
    ServerOptions options;
    options.keys = keys_of("edge");
    return options;
  }
  ClientOptions client(std::uint16_t port, std::optional<KeyFiles> keys) const {
    ClientOptions options;
    options.port = port;
    options.keys = std::move(keys);
    options.peer = "edge";
    options.window = 4;
    options.patience_seconds = 0.3;
    return options;
  }
  ClientSummary transmit(const ClientOptions& options) const {
    return nodes::transmit(scenario_, options);
  }
  ClientSummary transmit(std::uint16_t port, std::optional<KeyFiles> keys,
                         bool datagrams = false) const {
    ClientOptions options = client(port, std::move(keys));
    options.datagrams = datagrams;
    return transmit(options);
  }

  std::string folder_;
  Scenario scenario_;
};

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777u : 0;
}

std::string serial_of(const std::string& path) {
  return identify(read_certificates(path).front().get())->serial;
}

/// The error's words.
template <class Action>
std::string refusal(const Action& action) {
  try {
    (void)action();
  } catch (const Error& problem) {
    return problem.what();
  }
  return "nothing was thrown";
}

/// In a child: its exit status, or -1 where it had to be killed after 20 s (OpenSSL's prompt minds
/// no alarm).
template <class Action>
int in_a_child(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(action());
  int status = 0;
  for (int wait = 0; wait < 2000; ++wait) {
    if (::waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return -1;
}

TEST_F(Security, ASessionGivesTheRowsOfTheSimulation) {
  const nodes::Simulated wanted = nodes::simulate(scenario_, folder_ + "/run");
  nodes::RunningServer server(scenario_, secured());
  const ClientSummary sent = transmit(server.port(), keys_of("camera"));
  EXPECT_EQ(sent.failure, "");
  nodes::expect_same_rows(sent.rows, wanted.rows);
  EXPECT_TRUE(server.said().has("camera is here")) << "the certificate's name";
  const ClientSummary apart = transmit(server.port(), keys_of("camera"), true);  // sealed datagrams
  nodes::expect_same_rows(apart.rows, wanted.rows);
}

TEST_F(Security, WhoIsNotOfThisAuthorityIsRefused) {
  make_keys(folder_ + "/foreign", {{"camera", NodeRole::transmitter}});
  make_keys(folder_ + "/keys",
            {{"late", NodeRole::transmitter, 5, 10}, {"any", NodeRole::transmitter, 5, 0, false}});
  const auto refused_by = [&](nodes::RunningServer& server, std::optional<KeyFiles> keys,
                              const std::string& reason) {
    const ClientSummary sent = transmit(server.port(), std::move(keys));
    EXPECT_NE(sent.failure, "");
    EXPECT_EQ(sent.answered, 0);
    EXPECT_TRUE(server.said().has(reason)) << reason << " in\n" << server.said().text();
  };
  {
    // Plain. A receiver of its own: its many tries use up the lines of a kind that a log holds.
    nodes::RunningServer server(scenario_, secured());
    EXPECT_NE(transmit(server.port(), std::nullopt).failure.find("may want TLS (--keys)"),
              std::string::npos);
    refused_by(server, std::nullopt, "refused: no TLS session");
  }
  nodes::RunningServer server(scenario_, secured());
  const auto refused = [&](std::optional<KeyFiles> keys, const std::string& reason) {
    refused_by(server, std::move(keys), reason);
  };
  std::filesystem::copy_file(folder_ + "/foreign/camera.pem", folder_ + "/keys/stranger.pem");
  std::filesystem::copy_file(folder_ + "/foreign/camera.key", folder_ + "/keys/stranger.key");
  refused(keys_of("stranger"), "the peer's certificate was not made by this node's authority");
  refused(keys_of("edge"),
          "the peer's certificate is for another role");  // a receiver's is no transmitter's
  const ServerSummary before = server.stop();
  EXPECT_EQ(before.images, 0);
  nodes::RunningServer strict(scenario_, secured());
  EXPECT_NE(transmit(strict.port(), keys_of("any")).failure, "")
      << "one that names no role serves none";
  EXPECT_TRUE(strict.said().has("the peer's certificate is for another role"));
  // An old one is known before it is shown...
  EXPECT_THROW(transmit(strict.port(), keys_of("late")), Error);
  const ClientSummary good = transmit(strict.port(), keys_of("camera"));
  EXPECT_EQ(good.failure, "") << "a well-behaved peer is not disturbed";
}

TEST_F(Security, ATransmitterKnowsItsReceiver) {
  const auto failure_at = [&](const KeyFiles& keys, const std::string& peer) {
    ServerOptions options;
    options.keys = keys;
    nodes::RunningServer server(scenario_, options);
    ClientOptions here = client(server.port(), keys_of("camera"));
    here.peer = peer;
    return transmit(here).failure;
  };
  make_keys(folder_ + "/foreign", {{"edge", NodeRole::receiver}});
  EXPECT_NE(failure_at({folder_ + "/foreign", "edge", ""}, "edge").find("certificate"),
            std::string::npos);
  EXPECT_NE(failure_at(keys_of("edge"), "core").find("its certificate names 'edge', not 'core'"),
            std::string::npos);
  EXPECT_NE(failure_at(keys_of("edge"), "").find("names 'edge', not '127.0.0.1'"),
            std::string::npos)
      << "the host is expected";
  make_keys(folder_ + "/keys",
            {{"127.0.0.1", NodeRole::receiver}, {"any", NodeRole::receiver, 5, 0, false}});
  EXPECT_EQ(failure_at(keys_of("127.0.0.1"), ""), "");
  EXPECT_NE(failure_at(keys_of("any"), "any").find("certificate"), std::string::npos)
      << "one that names no role serves none";
  EXPECT_NE(failure_at(keys_of("camera"), "camera").find("certificate"), std::string::npos)
      << "a transmitter's opens no receiver";
}

/// An identity that was overheard, or copied from a result folder, is worth nothing with another
/// certificate.
TEST_F(Security, NobodySpeaksForAnotherCertificate) {
  nodes::RunningServer server(scenario_, secured());
  ClientOptions first = client(server.port(), keys_of("camera")),
                second = client(server.port(), keys_of("camera2"));
  first.out = folder_ + "/first";
  second.out = folder_ + "/second";
  EXPECT_EQ(transmit(first).answered, 10);
  // The first frame of a journal is the hello, with the identity.
  const std::string journal = tiny::read_text(first.out + "/transmitter.journal");
  FrameReader reader(0);
  reader.append(journal);
  Frame hello;
  ASSERT_TRUE(reader.next(hello));
  std::filesystem::create_directories(second.out);
  tiny::write_text(second.out + "/transmitter.journal",
                   journal.substr(0, frame_header_bytes + hello.body.size()));
  EXPECT_EQ(transmit(second).answered, 10);
  const ServerSummary summary = server.stop();
  EXPECT_EQ(summary.images, 20) << "another transmitter's images";
  EXPECT_EQ(summary.repeated, 0);
  EXPECT_EQ(server.said().text().find("came back"), std::string::npos);
}

TEST_F(Security, RevokedCertificatesAreRefused) {
  const std::string list = folder_ + "/keys/revoked";
  tiny::write_text(list, "# nobody yet\n");
  std::atomic<bool> reread{false};
  ServerOptions options = secured();
  options.keys->revoked = list;
  options.reread = &reread;
  nodes::RunningServer server(scenario_, options);
  EXPECT_EQ(transmit(server.port(), keys_of("camera")).failure, "");

  // Whoever is connected when the list is read again goes at once, and does not come back.
  ClientOptions slow = client(server.port(), keys_of("camera"));
  slow.rate = 2;
  auto running = std::async(std::launch::async, [&] { return transmit(slow); });
  ASSERT_TRUE(server.said().has("camera is here"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  tiny::write_text(list, "camera  # lost in the field\nserial " +
                             serial_of(folder_ + "/keys/camera2.pem") + "\n");
  reread = true;
  EXPECT_NE(running.get().failure, "");
  EXPECT_TRUE(server.said().has("camera refused: its certificate was revoked"))
      << server.said().text();
  EXPECT_TRUE(server.said().has("the peer's certificate was revoked")) << "where it comes back";
  EXPECT_NE(transmit(server.port(), keys_of("camera2")).failure.find("revoked"), std::string::npos)
      << "by its number";

  // A list that cannot be read changes nothing.
  tiny::write_text(list, "serial none\n");
  reread = true;
  EXPECT_TRUE(server.said().has("revoked:1: expected")) << server.said().text();
  EXPECT_NE(transmit(server.port(), keys_of("camera")).failure, "");
  tiny::write_text(list, "");
  reread = true;
  EXPECT_TRUE(server.said().has("0 certificates are revoked"));
  EXPECT_EQ(transmit(server.port(), keys_of("camera")).failure, "");

  // A transmitter has a list too.
  tiny::write_text(list, "edge\n");
  KeyFiles wary = keys_of("camera");
  wary.revoked = list;
  EXPECT_NE(transmit(server.port(), wary).failure.find("certificate"), std::string::npos);
  EXPECT_THROW(RevokedList(folder_ + "/none"), Error);
}

TEST_F(Security, KeysHaveSaneDefaults) {
  const std::string keys = folder_ + "/keys";
  EXPECT_EQ(mode_of(keys), 0700u);
  for (const char* name : {"/authority.key", "/edge.key", "/camera.key"})
    EXPECT_EQ(mode_of(keys + name), 0600u) << name;
  EXPECT_THROW(make_keys(keys, {{"edge", NodeRole::receiver}}), Error) << "nothing is overwritten";
  EXPECT_THROW(make_keys(keys, {{"../edge", NodeRole::receiver}}), Error);
  EXPECT_THROW(make_keys(keys, {{"..", NodeRole::receiver}}), Error);
  EXPECT_THROW(make_keys(keys, {{"authority", NodeRole::receiver}}), Error);
  EXPECT_THROW((void)make_tls_context({keys, "nobody", ""}, true), Error);
}

/// Who may change the authority decides whom a node trusts.
TEST_F(Security, FilesThatOthersMayChangeAreNotTrusted) {
  const std::string keys = folder_ + "/keys";
  const auto loaded = [&] { return make_tls_context(keys_of("edge"), true); };
  const auto refused_as = [&](const std::string& path, unsigned mode) {
    const unsigned before = mode_of(path);
    ::chmod(path.c_str(), mode);
    const std::string said = refusal(loaded);
    ::chmod(path.c_str(), before);
    EXPECT_NE(loaded(), nullptr);
    return said;
  };
  EXPECT_NE(refused_as(keys + "/edge.key", 0644).find("others may read this key"),
            std::string::npos);
  for (const unsigned mode : {0666u, 0664u, 0646u}) {
    EXPECT_NE(refused_as(keys + "/authority.pem", mode).find("others may change it"),
              std::string::npos);
    EXPECT_NE(refused_as(keys + "/edge.pem", mode).find("others may change it"), std::string::npos);
  }
  for (const unsigned mode : {0777u, 0770u, 01777u})
    EXPECT_NE(refused_as(keys, mode).find("others may change it"), std::string::npos);
  if (::geteuid() == 0) {  // a service reads what root keeps for its group
    const std::string held = "/tmp/semwave_key_of_root." + std::to_string(::getpid());
    tiny::write_text(held, "");
    const auto service = [&](unsigned mode) {
      ::chmod(held.c_str(), mode);
      return in_a_child([&] {
        return ::seteuid(65534) != 0 || refusal([&] {
                                          check_kept(held, true);
                                          return 0;
                                        }) != "nothing was thrown";
      });
    };
    EXPECT_EQ(service(0440), 0);
    EXPECT_EQ(service(0444), 1);
    EXPECT_EQ(service(0660), 1);
    std::filesystem::remove(held);
  }
  const std::string list = folder_ + "/list";
  tiny::write_text(list, "");
  ::chmod(list.c_str(), 0666);
  EXPECT_NE(refusal([&] { return RevokedList(list); }).find("others may change it"),
            std::string::npos);
  // New certificates are signed by an authority that nobody else holds.
  ::chmod((keys + "/authority.key").c_str(), 0640);
  EXPECT_NE(refusal([&] { return make_keys(keys, {{"late"}}); }).find("others may read this key"),
            std::string::npos);
  ::chmod((keys + "/authority.key").c_str(), 0600);
  ::chmod(keys.c_str(), 0777);
  EXPECT_NE(refusal([&] { return make_keys(keys, {{"late"}}); }).find("others may change it"),
            std::string::npos);
}

/// "sslv3 alert unsupported certificate" helps nobody who has mistaken a folder.
TEST_F(Security, WhatOpenSslFindsIsSaidInWordsOfNodes) {
  const auto failure_of = [&](const std::optional<KeyFiles>& here,
                              const std::optional<KeyFiles>& there) {
    ServerOptions options;
    options.keys = there;
    nodes::RunningServer server(scenario_, options);
    ClientOptions sender = client(server.port(), here);
    sender.peer = "edge";
    return transmit(sender).failure;
  };
  const auto expect_said = [](const std::string& said, const std::string& words) {
    EXPECT_NE(said.find(words), std::string::npos) << said;
    for (const char* raw :
         {"sslv3", "tlsv1", "EVP", "stream truncated", "End of file", "verify failed"})
      EXPECT_EQ(said.find(raw), std::string::npos) << said;
  };
  make_keys(folder_ + "/foreign",
            {{"edge", NodeRole::receiver}, {"camera", NodeRole::transmitter}});
  std::filesystem::create_directory(folder_ + "/mixed");
  std::filesystem::permissions(folder_ + "/mixed", std::filesystem::perms::owner_all);
  for (const auto& [from, name] :
       {std::pair{"keys", "authority.pem"}, {"foreign", "camera.pem"}, {"foreign", "camera.key"}})
    std::filesystem::copy_file(folder_ + "/" + from + "/" + name, folder_ + "/mixed/" + name);

  expect_said(failure_of(keys_of("camera"), KeyFiles{folder_ + "/foreign", "edge", ""}),
              "not made by this node's authority");
  expect_said(failure_of(KeyFiles{folder_ + "/mixed", "camera", ""}, keys_of("edge")),
              "another authority made it");
  expect_said(failure_of(keys_of("edge"), keys_of("edge")), "it is for another role (--as)");
  expect_said(failure_of(keys_of("camera"), std::nullopt), "no TLS session: the peer");
  expect_said(failure_of(std::nullopt, keys_of("edge")), "the peer hung up before a welcome");
}

/// OpenSSL asks whoever sits at the terminal, and a service waits for ever.
TEST_F(Security, AnEncryptedKeyIsAnErrorAndNoPrompt) {
  const auto encrypt = [&](const std::string& path) {
    const Key key = read_key(path);
    FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_PKCS8PrivateKey(file, key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
    std::fclose(file);
  };
  encrypt(folder_ + "/keys/edge.key");
  encrypt(folder_ + "/keys/authority.key");
  for (const bool node : {true, false}) {
    const int status = in_a_child([&] {
      // No terminal, and an input that never says anything.
      int never[2];
      if (::setsid() < 0 || ::pipe(never) != 0) return 3;
      ::dup2(never[0], STDIN_FILENO);
      const std::string said = refusal([&] {
        if (node)
          (void)make_tls_context(keys_of("edge"), true);
        else
          (void)make_keys(folder_ + "/keys", {{"late"}});
        return 0;
      });
      return said.find("is encrypted, and no pass phrase is asked for") == std::string::npos ? 1
                                                                                             : 0;
    });
    EXPECT_EQ(status, 0) << (node ? "a node's key" : "the authority's key");
  }
}

/// A key fits the certificate beside it, or is not there.
TEST_F(Security, KeysAreMadeInPairs) {
  const std::string keys = folder_ + "/keys";
  const auto there = [&](const std::string& file) {
    return std::filesystem::exists(keys + "/" + file);
  };
  // A certificate alone: a key for it would be another one's.
  std::filesystem::remove(keys + "/camera.key");
  EXPECT_THROW(make_keys(keys, {{"camera", NodeRole::transmitter}}), Error);
  EXPECT_FALSE(there("camera.key"));
  // One of several that cannot be made: none before it is.
  EXPECT_THROW(make_keys(keys, {{"new"}, {"camera"}}), Error);
  EXPECT_FALSE(there("new.pem"));
  // A disk that is full.
  for (const rlim_t most : {rlim_t{100}, rlim_t{300}}) {
    const int status = in_a_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{most, most};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      return refusal([&] { return make_keys(keys, {{"full"}}); }).find("cannot be written") ==
                     std::string::npos
                 ? 1
                 : 0;
    });
    EXPECT_EQ(status, 0);
    for (const char* file : {"full.key", "full.pem", ".full.key.new", ".full.pem.new"})
      EXPECT_FALSE(there(file)) << file << " at " << most;
  }
  // Killed before either name was given, and between the two: the next call begins anew.
  make_keys(keys, {{"killed"}});
  for (const bool between : {false, true}) {
    std::filesystem::rename(keys + "/killed.key", keys + "/.killed.key.new");
    if (!between) std::filesystem::rename(keys + "/killed.pem", keys + "/.killed.pem.new");
    EXPECT_EQ(make_keys(keys, {{"killed"}}).size(), 2u);
    EXPECT_NE(make_tls_context({keys, "killed", ""}, false), nullptr);
    EXPECT_FALSE(there(".killed.key.new"));
    EXPECT_FALSE(there(".killed.pem.new"));
  }
}

/// A key exchange is what a stranger can make a receiver work most for.
TEST_F(Security, StrangersGetSoManyHandshakesASecond) {
  ServerOptions options = secured();
  options.handshakes_per_second = 8;  // the first of them at once
  options.handshake_seconds = 60;
  nodes::RunningServer server(scenario_, options);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 9; ++i)
    EXPECT_NE(transmit(server.port(), keys_of("edge")).failure.find("certificate"),
              std::string::npos);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  EXPECT_GT(seconds, 0.9);
}

/// Connections that a peer opens, and closes without a word, are not in anybody's way.
TEST_F(Security, TheDeadTakeNoHandshakes) {
  ServerOptions options = secured();
  options.handshakes_per_second = 8;
  options.handshake_seconds = 60;
  nodes::RunningServer server(scenario_, options);
  {
    std::vector<std::unique_ptr<Stranger>> strangers;
    for (int i = 0; i < 60; ++i) strangers.push_back(std::make_unique<Stranger>(server.port()));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // all are let in
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begun = std::chrono::steady_clock::now();
  ClientOptions patient = client(server.port(), keys_of("camera"));
  patient.patience_seconds = 30;
  EXPECT_EQ(transmit(patient).failure, "");
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  EXPECT_LT(seconds, 3);  // sixty handshakes would take seven
}

}  // namespace
}  // namespace semwave
