// Bursts as datagrams: nothing lost where none is, and what is lost is an erasure.
#include "tests/node/two_nodes.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>

#include "node/receiver/hearing.h"
#include "node/transmitter/sending.h"
#include "node/wire/datagram.h"
#include "node/wire/frame.h"

namespace semwave {
namespace {

TEST_F(Nodes, DatagramsGiveTheSameWhereNoneIsLost) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  nodes::RunningServer server(scenario(), {});
  ClientOptions client = to(server.port());
  client.datagrams = true;
  client.window = 4;
  const ClientSummary sent = nodes::transmit(scenario(), client);
  nodes::expect_same_rows(sent.rows, wanted.rows);
  nodes::expect_same_rows(server.stop().rows, wanted.rows);
}

TEST_F(Nodes, ALargeBurstIsManyDatagramsAndNoneIsLost) {
  // Noise: no codec makes little of it. A burst takes most of its budget, 140 datagrams.
  const std::string pictures = folder_ + "/large";
  for (const char* label : {"a", "b"}) {
    std::filesystem::create_directories(pictures + "/" + label);
    for (std::uint32_t i = 0; i < 4; ++i) {
      Picture picture{256, 256, 1, {}};
      for (std::uint32_t p = 0; p < 256 * 256; ++p)
        picture.pixels.push_back(static_cast<std::uint8_t>(
            philox(3, Purpose::data_bits, i + 4 * static_cast<std::uint32_t>(*label), 0, p)[0]));
      write_png(pictures + "/" + label + "/" + std::to_string(i) + ".png", picture);
    }
  }
  const Scenario large = parse_scenario(
      {{"version", 1},
       {"source", {{"dataset", "folder"}, {"path", pictures}}},
       {"model", {{"image", {256, 256, 1}}}},
       {"metrics", {"psnr"}},
       {"transmitter", {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 20000}}},
       {"channel", {{"kind", "awgn"}, {"snr_db", 20}}}},
      "large.json");
  const nodes::Simulated wanted = nodes::simulate(large, folder_ + "/run");
  ASSERT_GT(wanted.rows.at(0)["channel_uses"]["total"], 15000);
  nodes::RunningServer server(large, {});
  ClientOptions client = to(server.port());
  client.datagrams = true;
  const ClientSummary sent = nodes::transmit(large, client);
  EXPECT_EQ(sent.failure, "");
  nodes::expect_same_rows(sent.rows, wanted.rows);
  for (const OrderedJson& row : server.stop().rows) EXPECT_EQ(row["node"]["erased_symbols"], 0);
}

/// Whatever the pair: what no datagram brought is what the simulated erasure channel loses, to the
/// last bit.
TEST_F(Nodes, MissingSymbolsAreTheSimulationsErasures) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  const Dataset data = load_dataset(scenario().source);
  for (const char* kind : {"analogue", "digital", "separation"}) {
    SCOPED_TRACE(kind);
    Json lossy = json_;
    lossy["channel"] = {
        {"kind", "erasure"}, {"loss", 0.25}, {"of", "packet"}, {"packet_uses", 20}, {"snr_db", 12}};
    if (kind == std::string("digital"))
      lossy["transmitter"]["link"] = {{"kind", "digital"}, {"bits_per_value", 3}};
    if (kind == std::string("separation")) {
      lossy.erase("receiver");
      lossy["transmitter"] = {
          {"kind", "separation"}, {"codec", "jpeg"}, {"budget", 1500}, {"design_snr_db", 8}};
    }
    Json whole = lossy;
    whole["channel"] = {{"kind", "awgn"}, {"snr_db", 12}};
    const Station simulated(parse_scenario(lossy, "lossy.json"), *backend),
        real(parse_scenario(whole, "whole.json"), *backend);
    const Scenario& one = simulated.points()[0].scenario;
    std::vector<std::int32_t> indices(40);
    for (std::int32_t i = 0; i < 40; ++i) indices[static_cast<std::size_t>(i)] = i;
    const std::vector<std::uint32_t> ids(indices.begin(), indices.end());
    std::vector<Incoming> there, here;
    for (const Outgoing& out : Sending(simulated, 0, data, {}).send(pool, indices, ids)) {
      there.push_back({.burst = out.burst});
      here.push_back({.burst = out.burst});
      const Draws draws{one.seed, one.repeat, {out.burst.image}};
      LossWalk walk(*one.channel.loss, draws, 0);
      for (std::uint32_t s = 0; s < out.burst.count; s += 20)
        here.back().erased.insert(here.back().erased.end(), std::min(20u, out.burst.count - s),
                                  walk.next());
    }
    Hearing(simulated, 1).hear(pool, there);
    Hearing(real, 1).hear(pool, here);
    int lost = 0, erased = 0;
    for (std::size_t i = 0; i < there.size(); ++i) {
      const Answer &wanted = there[i].answer, &got = here[i].answer;
      EXPECT_EQ(got.block_lost, wanted.block_lost) << "image " << i;
      EXPECT_EQ(got.tokens_lost, wanted.tokens_lost) << "image " << i;
      EXPECT_EQ(got.decision, wanted.decision) << "image " << i;
      EXPECT_EQ(got.scores[0], wanted.scores[0]) << "image " << i;
      erased += got.erased > 0;
      lost += got.erased > 0 && (got.block_lost || got.tokens_lost > 0);
    }
    EXPECT_GT(erased, 10);
    EXPECT_GT(lost, 0);
    if (kind == std::string("separation")) {
      EXPECT_LT(lost, erased) << "a code makes up for some";
    }
  }
}

TEST_F(Nodes, LostDatagramsAreErasures) {
  json_["channel"] = {{"kind", "ideal"}};
  json_["transmitter"]["policy"]["keep"] = 1.0;
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  ServerOptions options;
  options.out = folder_ + "/there";
  options.datagram_seconds = 0.05;
  nodes::RunningServer server(scenario(), options);
  ClientOptions client = to(server.port());
  client.datagrams = true;
  client.drop_datagrams = 0.3;
  client.window = 8;
  client.out = folder_ + "/here";
  std::vector<Record> records;
  client.answered = [&](const Record& record) { records.push_back(record); };
  const ClientSummary sent = nodes::transmit(scenario(), client);
  ASSERT_EQ(records.size(), 40u);
  int lossy = 0;
  for (const Record& record : records) {
    // One datagram holds all symbols of so small an image: it came, or every token is lost.
    EXPECT_EQ(record.image.tokens_lost, record.erased > 0 ? record.image.tokens : 0);
    EXPECT_TRUE(record.erased == 0 || record.erased == record.image.uses.payload);
    lossy += record.erased > 0;
  }
  EXPECT_GT(lossy, 4);
  EXPECT_LT(lossy, 24);
  nodes::expect_same_rows(server.stop().rows, {nodes::timeless(sent.rows.at(0))});
  EXPECT_EQ(tiny::lines_of(folder_ + "/here/records.jsonl"),
            tiny::lines_of(folder_ + "/there/records.jsonl"));
  EXPECT_EQ(sent.rows[0]["channel_uses"].dump(), wanted.rows[0]["channel_uses"].dump())
      << "what was sent stays counted";
}

/// What came too late is in the row of the receiver, apart from what never came.
TEST_F(Nodes, LateSymbolsAreToldFromLostOnes) {
  json_["channel"] = {{"kind", "ideal"}};
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  const Station station(scenario(), *backend);
  const Dataset data = load_dataset(scenario().source);
  ServerOptions options;
  options.datagram_seconds = 0.05;
  options.drain_seconds = 0.1;  // nobody says goodbye
  nodes::RunningServer server(scenario(), options);

  boost::asio::io_context io;
  const auto here = boost::asio::ip::make_address("127.0.0.1");
  boost::asio::ip::tcp::socket connection(io);
  connection.connect({here, server.port()});
  FrameReader frames(0);
  const auto next = [&](FrameType type) {
    for (std::string piece(65536, '\0');;) {
      for (Frame frame; frames.next(frame);)
        if (frame.type == type) return std::string(frame.body);
      frames.append(
          std::string_view(piece).substr(0, connection.read_some(boost::asio::buffer(piece))));
    }
  };
  const auto say = [&](FrameType type, const std::string& body) {
    std::string bytes;
    write_frame(bytes, type, body);
    boost::asio::write(connection, boost::asio::buffer(bytes));
  };
  Hello hello;
  hello.scenario = station.scenario_digest();
  hello.model = station.model_digest();
  hello.data = digest_of(data.sha256);
  hello.datagrams = true;
  say(FrameType::hello, write(hello));
  const auto welcome = read_welcome(next(FrameType::welcome));
  ASSERT_TRUE(welcome);

  SendingOptions how;
  how.format = SymbolFormat::datagrams;
  const std::vector<std::int32_t> indices{0, 1};
  const std::vector<std::uint32_t> ids{0, 1};
  const std::vector<Outgoing> sent = Sending(station, 0, data, how).send(pool, indices, ids);
  for (const Outgoing& one : sent) say(FrameType::burst, write(one.burst));
  for (int answers = 0; answers < 2; ++answers)
    EXPECT_GT(read_answer(next(FrameType::answer))->erased, 0u);
  const BurstMessage& late = sent[0].burst;
  const std::string bytes = DatagramSeal("").write({welcome->channel,
                                                    1,
                                                    {late.point, late.image},
                                                    0,
                                                    {late.symbols.begin(), late.symbols.end()}});
  boost::asio::ip::udp::socket socket(io, boost::asio::ip::udp::v4());
  socket.send_to(boost::asio::buffer(bytes), {here, welcome->datagram_port});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const ServerSummary summary = server.stop();
  const OrderedJson& row = summary.rows.at(0)["node"];
  EXPECT_EQ(row["late_symbols"], late.count);
  EXPECT_EQ(row["erased_symbols"], late.count + sent[1].burst.count);
}

}  // namespace
}  // namespace semwave
