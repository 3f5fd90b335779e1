// TLS 1.3 with certificates on both ends: who has none, another authority's, an old one, or one of the wrong role, is refused.
#include "tests/node/two_nodes.h"

#include <sys/stat.h>

#include "core/error.h"
#include "node/authority.h"

namespace semwave {
namespace {

class Security : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 2, 5);
    scenario_ = parse_scenario(tiny::scenario(folder_ + "/pictures"), "tiny.json");
    make_keys(folder_ + "/keys", {{"edge", NodeRole::receiver}, {"camera", NodeRole::transmitter}});
  }
  ServerOptions secured() const {
    ServerOptions options;
    options.keys = KeyFiles{folder_ + "/keys", "edge"};
    return options;
  }
  ClientSummary transmit(std::uint16_t port, std::optional<KeyFiles> keys, bool datagrams = false) const {
    ClientOptions options;
    options.port = port;
    options.keys = std::move(keys);
    options.datagrams = datagrams;
    options.window = 4;
    options.patience_seconds = 0.3;
    return nodes::transmit(scenario_, options);
  }

  std::string folder_;
  Scenario scenario_;
};

TEST_F(Security, ASessionGivesTheRowsOfTheSimulation) {
  const nodes::Simulated wanted = nodes::simulate(scenario_, folder_ + "/run");
  nodes::RunningServer server(scenario_, secured());
  const ClientSummary sent = transmit(server.port(), KeyFiles{folder_ + "/keys", "camera"});
  EXPECT_EQ(sent.failure, "");
  nodes::expect_same_rows(sent.rows, wanted.rows);
  EXPECT_TRUE(server.said().has("camera is here")) << "the certificate's name";
  const ClientSummary apart = transmit(server.port(), KeyFiles{folder_ + "/keys", "camera"}, true);  // sealed datagrams
  nodes::expect_same_rows(apart.rows, wanted.rows);
}

TEST_F(Security, WhoIsNotOfThisAuthorityIsRefused) {
  make_keys(folder_ + "/foreign", {{"camera", NodeRole::transmitter}});
  make_keys(folder_ + "/keys", {{"late", NodeRole::transmitter, 5, 10}});
  nodes::RunningServer server(scenario_, secured());
  const auto refused = [&](std::optional<KeyFiles> keys, const std::string& reason) {
    const ClientSummary sent = transmit(server.port(), std::move(keys));
    EXPECT_NE(sent.failure, "");
    EXPECT_EQ(sent.answered, 0);
    EXPECT_TRUE(server.said().has(reason)) << reason << " in\n" << server.said().text();
  };
  EXPECT_NE(transmit(server.port(), std::nullopt).failure.find("may want TLS (--keys)"), std::string::npos);
  refused(std::nullopt, "refused: no TLS session");  // plain
  std::filesystem::copy_file(folder_ + "/foreign/camera.pem", folder_ + "/keys/stranger.pem");
  std::filesystem::copy_file(folder_ + "/foreign/camera.key", folder_ + "/keys/stranger.key");
  refused(KeyFiles{folder_ + "/keys", "stranger"}, "certificate signature failure");
  refused(KeyFiles{folder_ + "/keys", "edge"}, "unsuitable certificate purpose");  // a receiver's is no transmitter's
  // An old one is known before it is shown...
  EXPECT_THROW(transmit(server.port(), KeyFiles{folder_ + "/keys", "late"}), Error);
  const ClientSummary good = transmit(server.port(), KeyFiles{folder_ + "/keys", "camera"});
  EXPECT_EQ(good.failure, "") << "a well-behaved peer is not disturbed";
}

TEST_F(Security, ATransmitterKnowsItsReceiver) {
  ServerOptions options;
  make_keys(folder_ + "/foreign", {{"edge", NodeRole::receiver}});
  options.keys = KeyFiles{folder_ + "/foreign", "edge"};
  nodes::RunningServer server(scenario_, options);
  const ClientSummary sent = transmit(server.port(), KeyFiles{folder_ + "/keys", "camera"});
  EXPECT_NE(sent.failure.find("certificate"), std::string::npos) << sent.failure;
}

TEST_F(Security, KeysHaveSaneDefaults) {
  struct stat status {};
  const std::string keys = folder_ + "/keys";
  ASSERT_EQ(::stat(keys.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  for (const char* name : {"/authority.key", "/edge.key", "/camera.key"}) {
    ASSERT_EQ(::stat((keys + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
  EXPECT_THROW(make_keys(keys, {{"edge", NodeRole::receiver}}), Error) << "nothing is overwritten";
  EXPECT_THROW(make_keys(keys, {{"../edge", NodeRole::receiver}}), Error);
  EXPECT_THROW(make_keys(keys, {{"authority", NodeRole::receiver}}), Error);
  EXPECT_THROW((void)make_tls_context({keys, "nobody"}, true), Error);
  ::chmod((keys + "/edge.key").c_str(), 0644);
  EXPECT_THROW((void)make_tls_context({keys, "edge"}, true), Error) << "a key that others may read";
}

}  // namespace
}  // namespace semwave
