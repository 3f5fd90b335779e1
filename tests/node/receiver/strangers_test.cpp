// Peers that are not what they say, or say what nobody should: a receiver bounds, refuses and
// outlives them; and a browser.
#include <boost/asio/ip/udp.hpp>

#include <random>
#include <sstream>

#include "core/base/error.h"
#include "node/net/clock.h"
#include "node/receiver/hearing.h"
#include "tests/node/receiver/stranger.h"
#include "tests/node/two_nodes.h"

namespace semwave {
namespace {

using boost::asio::ip::tcp;

/// Welcomes everybody, takes a burst and hangs up without an answer.
class Deaf {
 public:
  explicit Deaf(std::function<void()> heard = {}) {
    thread_ = std::thread([this, heard] {
      while (!ending_) {
        tcp::socket peer(io_);
        acceptor_.accept(peer);
        boost::system::error_code failure;
        std::string bytes;
        const auto read = [&](FrameType type) {  // until a whole frame of this type has come
          for (FrameReader reader(1u << 20);;) {
            reader.append(bytes);
            bytes.resize(65536);
            for (Frame frame; reader.next(frame);)
              if (frame.type == type) return true;
            bytes.resize(peer.read_some(boost::asio::buffer(bytes), failure));
            if (failure) return false;
          }
        };
        if (!read(FrameType::hello)) continue;
        boost::asio::write(
            peer,
            boost::asio::buffer(
                framed(FrameType::welcome, write(Welcome{.window = 8, .largest_burst = 1u << 20}))),
            failure);
        bytes.clear();
        if (read(FrameType::burst) && heard) heard();
        ++bursts;
      }
    });
  }
  ~Deaf() {
    ending_ = true;
    Stranger(port()).send("");
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::atomic<int> bursts{0};

 private:
  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

/// What only one kind of scenario says is taken there alone, and nothing that was told makes a
/// receiver fall.
TEST_F(Nodes, BurstsFitTheirScenario) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  json_["channel"] = {{"kind", "ideal"}};
  Json pair = json_;
  pair.erase("receiver");
  pair["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}};
  Json bound = pair;
  bound["transmitter"]["transport"] = "capacity";
  const Station semantic(scenario(), *backend), coded(parse_scenario(pair, "pair.json"), *backend),
      capacity(parse_scenario(bound, "bound.json"), *backend);
  const auto fits = [](const Station& station, const BurstMessage& burst) {
    return station.fault_of(burst, {}).empty();
  };
  BurstMessage burst;
  burst.header.parts = {Bits{1}};
  for (const Station* station : {&semantic, &coded, &capacity}) EXPECT_TRUE(fits(*station, burst));
  burst.header.parts.clear();
  EXPECT_FALSE(fits(semantic, burst));
  EXPECT_TRUE(fits(coded, burst)) << "an image that does not fit";
  burst.count = 3;
  burst.symbols.resize(3);
  EXPECT_FALSE(fits(coded, burst));
  EXPECT_TRUE(fits(capacity, burst));
  burst.told.assign(8, 1);
  EXPECT_FALSE(fits(coded, burst));
  EXPECT_TRUE(fits(capacity, burst));
  for (const std::size_t bits : {std::size_t{3}, std::size_t{12}}) {
    burst.told.assign(bits, 1);
    EXPECT_FALSE(fits(capacity, burst));
    Incoming one{.burst = burst};
    Hearing(capacity, 1).hear(pool, std::span(&one, 1));
    EXPECT_TRUE(one.answer.block_lost);
  }
}

/// The window is what a receiver keeps for a peer, whatever that one sends.
TEST_F(Nodes, AGreedyPeerIsNotReadFrom) {
  json_["channel"] = {{"kind", "ideal"}};
  ServerOptions options;
  options.datagram_seconds = 60;  // what is announced waits for symbols that never come
  options.drain_seconds = 0.1;
  nodes::RunningServer server(scenario(), options);
  Hello hello = hello_of(scenario());
  hello.datagrams = true;
  BurstMessage burst{.format = SymbolFormat::datagrams, .count = 1};
  burst.header.parts.assign(4, Bits(4096));
  Stranger greedy(server.port());
  greedy.send(framed(FrameType::hello, write(hello)));
  std::string announced;
  for (; announced.size() < (24u << 20); ++burst.image)
    announced += framed(FrameType::burst, write(burst));
  EXPECT_LT(greedy.send_what_goes(announced), announced.size())
      << "no more than the sockets' buffers hold";
}

/// Answers without a receipt are kept as far as the window goes.
TEST_F(Nodes, AnswersNobodyConfirmsAreNotKeptForEver) {
  json_["channel"] = {{"kind", "ideal"}};
  ServerOptions options;
  options.window = 4;
  nodes::RunningServer server(scenario(), options);
  Hello hello = hello_of(scenario());
  Stranger silent(server.port());
  silent.send(framed(FrameType::hello, write(hello)));
  const auto answer = [&](std::uint32_t image) {
    BurstMessage burst{.image = image};
    burst.header.parts = {Bits{1}};
    silent.send(framed(FrameType::burst, write(burst)));
    return silent.next(FrameType::answer);
  };
  std::vector<std::string> first;
  for (std::uint32_t image = 0; image < 8; ++image) first.push_back(answer(image));
  for (std::uint32_t image = 4; image < 8; ++image)
    EXPECT_EQ(answer(image), first[image]) << "kept, times and all";
  EXPECT_NE(answer(0), first[0]) << "heard again";
}

TEST_F(Nodes, MalformedAndSilentPeersDoNotDisturbOthers) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  ServerOptions options;
  options.handshake_seconds = 0.3;
  options.frame_seconds = 0.3;
  options.idle_seconds = 0.5;
  options.most_connections = 60;
  nodes::RunningServer server(scenario(), options);
  std::vector<std::unique_ptr<Stranger>> silent;
  for (int i = 0; i < 80; ++i)
    silent.push_back(std::make_unique<Stranger>(server.port()));  // more than there is room for
  Hello hello = hello_of(scenario());
  ClientOptions client = to(server.port());
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 40);
  Stranger garbage(server.port());
  garbage.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(garbage.rest(), "");
  Stranger version(server.port());
  Hello future = hello;
  future.protocol = 9;
  version.send(framed(FrameType::hello, write(future)));
  EXPECT_NE(version.rest().find("version 9"), std::string::npos);
  Stranger early(server.port());
  early.send(framed(FrameType::answer, "xx"));
  (void)early.rest();
  Stranger half(server.port());
  half.send(framed(FrameType::hello, write(hello)) + framed(FrameType::ping, "").substr(0, 5));
  (void)half.rest();
  EXPECT_TRUE(server.said().has("half a frame")) << server.said().text();
  Stranger quiet(server.port());
  hello.node[0] = 9;
  quiet.send(framed(FrameType::hello, write(hello)));
  (void)quiet.rest();
  EXPECT_TRUE(server.said().has("silent")) << server.said().text();
  Stranger wrong(server.port());
  hello.node[0] = 10;
  BurstMessage burst{.point = 7, .image = 0};
  burst.header.parts = {Bits{1}};
  wrong.send(framed(FrameType::hello, write(hello)) + framed(FrameType::burst, write(burst)));
  (void)wrong.rest();
  ClientOptions second = to(server.port());
  const ClientSummary sent = nodes::transmit(scenario(), second);
  nodes::expect_same_rows(sent.rows, wanted.rows);
  for (auto& one : silent) (void)one->rest();
  const ServerSummary summary = server.stop();
  EXPECT_GE(summary.timed_out, 50);
  EXPECT_GE(summary.malformed, 2);
}

TEST_F(Nodes, PlainSocketsStayOnThisMachine) {
  ServerOptions options;
  options.host = "0.0.0.0";
  EXPECT_THROW(nodes::RunningServer(scenario(), options), Error);
  ClientOptions client;
  client.host = "192.0.2.1";
  client.port = 9;
  EXPECT_THROW(nodes::transmit(scenario(), client), Error);
  options.host = "127.0.0.1";
  options.status_host = "0.0.0.0";
  EXPECT_THROW(nodes::RunningServer(scenario(), options), Error);
}

/// Who has heard some channels' numbers cannot tell those of others: with them he would speak for
/// these.
TEST_F(Nodes, ChannelNumbersFollowFromNoOthers) {
  nodes::RunningServer server(scenario(), {});
  Hello hello = hello_of(scenario());
  const auto channel = [&] {
    Stranger one(server.port());
    one.send(framed(FrameType::hello, write(hello)));
    ++hello.node[0];
    return read_welcome(one.next(FrameType::welcome))->channel;
  };
  // The state of a Mersenne twister is 312 of its numbers, each taken back through what is done to
  // it at last.
  const auto undone = [](std::uint64_t y) {
    y ^= y >> 43;
    const auto left = [&y](int shift, std::uint64_t mask) {
      const std::uint64_t said = y;
      for (int i = 0; i < 64; ++i) y = said ^ ((y << shift) & mask);
    };
    left(37, 0xFFF7EEE000000000u);
    left(17, 0x71D67FFFEDA60000u);
    const std::uint64_t said = y;
    for (int i = 0; i < 64; ++i) y = said ^ ((y >> 29) & 0x5555555555555555u);
    return y;
  };
  std::mt19937_64 known(7), guessed;
  const auto state_of = [&](auto&& next) {
    std::stringstream state;
    for (int i = 0; i < 312; ++i) state << undone(next()) << " ";
    state << 312;
    return state.str();
  };
  std::istringstream(state_of(known)) >> guessed;
  ASSERT_EQ(guessed(), known()) << "so one is guessed";
  std::istringstream(state_of(channel)) >> guessed;
  EXPECT_NE(guessed(), channel());
}

/// Whether somebody else could listen for datagrams on this port.
bool free_for_datagrams(std::uint16_t port) {
  boost::asio::io_context io;
  boost::asio::ip::udp::socket probe(io, boost::asio::ip::udp::v4());
  boost::system::error_code taken;
  probe.bind({boost::asio::ip::make_address("127.0.0.1"), port}, taken);
  return !taken;
}

TEST_F(Nodes, DatagramsHaveAPortWhileSomebodyUsesIt) {
  nodes::RunningServer server(scenario(), {});
  Hello hello = hello_of(scenario());
  Stranger plain(server.port());
  plain.send(framed(FrameType::hello, write(hello)));
  EXPECT_EQ(read_welcome(plain.next(FrameType::welcome))->datagram_port, 0);
  EXPECT_TRUE(free_for_datagrams(server.port())) << "nobody asked for it";
  hello.datagrams = true;
  for (int life = 0; life < 2; ++life) {
    {
      hello.node[0] = 1;
      Stranger one(server.port());
      one.send(framed(FrameType::hello, write(hello)));
      EXPECT_EQ(read_welcome(one.next(FrameType::welcome))->datagram_port, server.port());
      hello.node[0] = 2;
      Stranger other(server.port());
      other.send(framed(FrameType::hello, write(hello)));
      (void)other.next(FrameType::welcome);
      EXPECT_FALSE(free_for_datagrams(server.port()));
    }
    bool closed = false;
    for (int wait = 0; wait < 500 && !closed; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      closed = free_for_datagrams(server.port());
    }
    EXPECT_TRUE(closed) << "both have gone";
  }
}

/// Garbage from more threads than can be drained, with the port open and strangers hanging on: the
/// page answers, and an honest transmitter loses nothing.
TEST_F(Nodes, AFloodOfDatagramsStallsNobody) {
  json_["channel"] = {{"kind", "ideal"}};
  ServerOptions options;
  options.status_host = "127.0.0.1";
  nodes::RunningServer server(scenario(), options);
  Hello hello = hello_of(scenario());
  hello.datagrams = true;
  Stranger idle(server.port());
  idle.send(framed(FrameType::hello, write(hello)));
  (void)idle.next(FrameType::welcome);
  std::vector<std::unique_ptr<Stranger>> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(std::make_unique<Stranger>(server.port()));
  std::atomic<bool> stop{false};
  std::vector<std::thread> flood;
  for (int i = 0; i < 6; ++i)
    flood.emplace_back([&] {
      boost::asio::io_context io;
      boost::asio::ip::udp::socket socket(io, boost::asio::ip::udp::v4());
      const boost::asio::ip::udp::endpoint there(boost::asio::ip::make_address("127.0.0.1"),
                                                 server.port());
      const std::string garbage(64, '\1');
      boost::system::error_code ignored;
      while (!stop) socket.send_to(boost::asio::buffer(garbage), there, 0, ignored);
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto begun = NodeClock::now();
  Stranger browser(server.status_port());
  auto page = std::async(std::launch::async, [&] {
    browser.send("GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return browser.rest();
  });
  EXPECT_EQ(page.wait_for(std::chrono::seconds(3)), std::future_status::ready);
  RecordProperty("status_page_seconds", std::to_string(seconds_between(begun, NodeClock::now())));
  if (page.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
    EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).failure, "");
  }
  stop = true;
  for (std::thread& one : flood) one.join();
  EXPECT_NE(page.get().find("HTTP/1.1 200"), std::string::npos);
}

/// A picture that left before its transmitter was killed keeps its number: another one would be
/// given that one's answer.
TEST_F(Nodes, AWatchedPictureKeepsItsNumber) {
  const std::string watched = fresh_folder("watched"), here = folder_ + "/here",
                    pictures = folder_ + "/pictures/test/dark";
  std::filesystem::copy_file(pictures + "/1000.png", watched + "/b.png");
  ClientOptions client;
  client.watch = watched;
  client.out = here;
  {
    std::atomic<bool> stop{false};
    Deaf deaf([&] { stop = true; });  // its burst has left, and no answer comes
    client.port = deaf.port();
    client.stop = &stop;
    EXPECT_EQ(nodes::transmit(scenario(), client).answered, 0);
  }
  std::filesystem::copy_file(pictures + "/1001.png", watched + "/a.png");
  nodes::RunningServer server(scenario(), {});
  client.port = server.port();
  client.stop = nullptr;
  client.count = 2;
  std::map<std::string, std::uint32_t> numbers;
  client.answered = [&](const Record& record) {
    numbers[record.name.substr(0, 5)] = record.image.image;
  };
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 2);
  EXPECT_EQ(numbers, (std::map<std::string, std::uint32_t>{{"b.png", 0}, {"a.png", 1}}));
}

TEST_F(Nodes, AReceiverThatHangsUpWithoutAnAnswerTriesPatience) {
  Deaf deaf;
  ClientOptions client = to(deaf.port());
  client.patience_seconds = 0.4;
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_NE(sent.failure.find("without an answer; no answer for"), std::string::npos)
      << sent.failure;
  EXPECT_LT(deaf.bursts, 8) << "delays grow";
}

TEST_F(Nodes, ABurstThatTheReceiverWouldNotTakeIsNamed) {
  json_["transmitter"]["policy"] = {
      {"kind", "fixed"}, {"keep", 1.0}, {"depth", 2}, {"symbols_per_token", 8}};
  ServerOptions options;
  options.largest_burst = 1024;
  nodes::RunningServer server(scenario(), options);
  ClientOptions client = to(server.port());
  EXPECT_NE(nodes::transmit(scenario(), client).failure.find("image 0 of point 0 takes"),
            std::string::npos);
  client.datagrams = true;
  EXPECT_EQ(nodes::transmit(scenario(), client).failure, "") << "1024 bytes of symbols just fit";
  EXPECT_EQ(server.stop().malformed, 0);
}

TEST_F(Nodes, TheStatusPageShowsWhatWasReceived) {
  ServerOptions options;
  options.status_host = "127.0.0.1";
  nodes::RunningServer server(scenario(), options);
  EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).answered, 40);
  const auto ask = [&](const std::string& target, const std::string& method = "GET",
                       const std::string& host = "127.0.0.1") {
    Stranger browser(server.status_port());
    browser.send(method + " " + target + " HTTP/1.1\r\nHost: " + host +
                 "\r\nConnection: close\r\n\r\n");
    return browser.rest();
  };
  const std::string page = ask("/");
  EXPECT_NE(page.find("HTTP/1.1 200"), std::string::npos);
  EXPECT_NE(page.find("semwave receiver"), std::string::npos);
  EXPECT_EQ(page.find("http://"), std::string::npos) << "the page needs no other host";
  const std::string status = ask("/status.json");
  const auto shown = Json::parse(status.substr(status.find("\r\n\r\n") + 4));
  EXPECT_EQ(shown["images"], 40);
  EXPECT_TRUE(shown.contains("accuracy"));
  EXPECT_EQ(shown["last_classes"][0]["class"], "dark");  // of the folder's classes
  EXPECT_NE(ask("/metrics").find("semwave_images_total 40\n"), std::string::npos);
  EXPECT_NE(ask("/elsewhere").find("404"), std::string::npos);
  EXPECT_NE(ask("/", "POST").find("405"), std::string::npos);
  EXPECT_NE(ask("/", "GET", "rebound.example").find("403"), std::string::npos);
}

}  // namespace
}  // namespace semwave
