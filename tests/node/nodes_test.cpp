// Two nodes over loopback give the rows and records of one simulation, to the last bit, whatever happens to them on the way.
#include "tests/node/two_nodes.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "core/error.h"
#include "node/frame.h"
#include "node/hearing.h"
#include "node/journal.h"
#include "node/sending.h"
#include "node/work.h"

namespace semwave {
namespace {

using boost::asio::ip::tcp;

class Nodes : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = tiny::fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 2, 20);
    json_ = tiny::scenario(folder_ + "/pictures");
    json_["output"]["records"] = true;
  }
  Scenario scenario() const { return parse_scenario(json_, "tiny.json"); }
  ClientOptions to(std::uint16_t port) const {
    ClientOptions options;
    options.port = port;
    options.patience_seconds = 20;
    return options;
  }

  std::string folder_;
  Json json_;
};

TEST_F(Nodes, RowsAndRecordsAreThoseOfTheSimulation) {
  json_["sweep"] = {{"/channel/snr_db", {-5, 5, 20}}, {"/transmitter/policy/keep", {0.25, 1.0}}};
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  for (const int threads : {1, 3}) {
    const std::string there = folder_ + "/there" + std::to_string(threads), here = folder_ + "/here" + std::to_string(threads);
    ServerOptions options;
    options.out = there;
    nodes::RunningServer server(scenario(), options, threads);
    ClientOptions client = to(server.port());
    client.out = here;
    const ClientSummary sent = nodes::transmit(scenario(), client, 4 - threads);
    EXPECT_EQ(sent.failure, "");
    EXPECT_EQ(sent.answered, 6 * 40);
    const ServerSummary received = server.stop();
    EXPECT_EQ(received.images, 6 * 40);
    nodes::expect_same_rows(sent.rows, wanted.rows);
    nodes::expect_same_rows(received.rows, wanted.rows);
    EXPECT_EQ(tiny::lines_of(here + "/records.jsonl"), wanted.records);
    EXPECT_EQ(tiny::lines_of(there + "/records.jsonl"), wanted.records);
    for (const OrderedJson& row : sent.rows)
      for (const char* stage : {"encode", "queue", "wire", "channel", "decode"}) EXPECT_GT(row["node"]["latency_ms"][stage]["p99"].get<double>(), 0) << stage;
  }
}

TEST_F(Nodes, TheSameForPositionsUnknownStopRulesAndEveryKindOfFade) {
  for (const Json& change : std::vector<Json>{{{"/transmitter/positions", "none"}, {"/metrics", Json::array({"accuracy"})}},
                                              {{"/channel", {{"kind", "rician"}, {"snr_db", {{"uniform", {0, 15}}}}, {"coherence", "block"}, {"block_uses", 16}, {"csi", {{"receiver", {{"kind", "estimated"}, {"pilots", 2}}}, {"transmitter", "quantised"}}}}}},
                                              {{"/channel", {{"kind", "ideal"}}}},
                                              {{"/transmitter/policy/keep", 0.0}},
                                              {{"/stop", {{"min_images", 10}, {"max_images", 30}}}}}) {
    Json changed = json_;
    for (const auto& [pointer, value] : change.items()) changed[Json::json_pointer(pointer)] = value;
    SCOPED_TRACE(change.dump());
    const Scenario one = parse_scenario(changed, "tiny.json");
    const nodes::Simulated wanted = nodes::simulate(one, tiny::fresh_folder("run"));
    nodes::RunningServer server(one, {});
    const ClientSummary sent = nodes::transmit(one, to(server.port()));
    nodes::expect_same_rows(sent.rows, wanted.rows);
    nodes::expect_same_rows(server.stop().rows, wanted.rows);
  }
}

TEST_F(Nodes, TheSameForEveryKindOfTransmitterAndLink) {
  struct Case {
    const char* name;
    Json transmitter, channel;
  };
  const Json digital{{"kind", "digital"}, {"bits_per_value", 3}};
  const auto bound = [](const char* transport, int budget) { return Json{{"kind", "separation"}, {"codec", "jpeg"}, {"budget", budget}, {"transport", transport}}; };
  for (const Case& one : {Case{"digital", {}, {{"kind", "awgn"}, {"snr_db", 6}}}, Case{"digital over lost packets", {}, {{"kind", "erasure"}, {"loss", 0.2}, {"of", "packet"}, {"packet_uses", 12}, {"snr_db", 10}}},
                          Case{"separation", {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}}, {{"kind", "rayleigh"}, {"snr_db", 12}}},
                          Case{"separation where images do not fit", {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}}, {{"kind", "rayleigh"}, {"snr_db", 8}}},
                          Case{"separation at capacity", bound("capacity", 400), {{"kind", "rayleigh"}, {"snr_db", 8}}},
                          Case{"separation at the normal approximation", bound("normal_approximation", 500), {{"kind", "awgn"}, {"snr_db", 6}}}, Case{"label", {{"kind", "label"}}, {{"kind", "awgn"}, {"snr_db", 0}}}}) {
    SCOPED_TRACE(one.name);
    Json changed = json_;
    changed["channel"] = one.channel;
    if (one.transmitter.is_null()) {
      changed["transmitter"]["link"] = digital;
    } else {
      changed["transmitter"] = one.transmitter;
      changed.erase("receiver");
      changed.erase("train");
      if (one.transmitter["kind"] == "label") changed["metrics"] = {"accuracy"};
    }
    const Scenario scenario = parse_scenario(changed, "tiny.json");
    const nodes::Simulated wanted = nodes::simulate(scenario, tiny::fresh_folder("run"));
    ServerOptions options;
    options.out = tiny::fresh_folder("there");
    nodes::RunningServer server(scenario, options);
    const ClientSummary sent = nodes::transmit(scenario, to(server.port()));
    EXPECT_EQ(sent.failure, "");
    if (std::string(one.name).find("not fit") != std::string::npos) {
      EXPECT_GT(wanted.rows.at(0)["separation"]["unfit"].get<double>(), 0);
    }
    nodes::expect_same_rows(sent.rows, wanted.rows);
    nodes::expect_same_rows(server.stop().rows, wanted.rows);
    EXPECT_EQ(tiny::lines_of(options.out + "/records.jsonl"), wanted.records);
  }
}

TEST_F(Nodes, SeparationIsMadeForTheChannelOfItsPoint) {
  Json changed = json_;
  changed["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}};
  changed.erase("receiver");
  changed.erase("train");
  changed["sweep"] = {{"/channel", {{{"kind", "awgn"}, {"snr_db", 12}}, {{"kind", "rayleigh"}, {"snr_db", 12}, {"coherence", "symbol"}}}}};
  const Scenario scenario = parse_scenario(changed, "tiny.json");
  const nodes::Simulated wanted = nodes::simulate(scenario, tiny::fresh_folder("run"));
  ServerOptions options;
  options.out = tiny::fresh_folder("there");
  nodes::RunningServer server(scenario, options);
  const ClientSummary sent = nodes::transmit(scenario, to(server.port()));
  EXPECT_EQ(sent.failure, "");
  nodes::expect_same_rows(sent.rows, wanted.rows);
  nodes::expect_same_rows(server.stop().rows, wanted.rows);
}

TEST_F(Nodes, ManyTransmittersMakeOneRowTogether) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  ServerOptions options;
  options.out = folder_ + "/there";
  options.count = 40;
  options.longest_wait = 0.005;
  options.largest_batch = 8;
  nodes::RunningServer server(scenario(), options, 2);
  std::vector<std::thread> transmitters;
  for (int t = 0; t < 8; ++t)
    transmitters.emplace_back([&, t] {
      ClientOptions client = to(server.port());
      client.first = 5 * t;
      client.count = 5;
      client.name = "camera " + std::to_string(t);
      EXPECT_EQ(nodes::transmit(scenario(), client).answered, 5);
    });
  for (std::thread& transmitter : transmitters) transmitter.join();
  const ServerSummary received = server.wait();  // ends by itself after 40 images
  nodes::expect_same_rows(received.rows, wanted.rows);
  EXPECT_EQ(tiny::lines_of(folder_ + "/there/records.jsonl"), wanted.records);
}

TEST_F(Nodes, AMismatchIsRefusedWithItsReasonOnBothSides) {
  ServerOptions options;
  nodes::RunningServer server(scenario(), options);
  Json other = json_;
  other["channel"]["snr_db"] = 6;
  const ClientSummary refused = nodes::transmit(parse_scenario(other, "tiny.json"), to(server.port()));
  EXPECT_NE(refused.failure.find("the scenario differs"), std::string::npos) << refused.failure;
  EXPECT_EQ(refused.answered, 0);
  EXPECT_TRUE(server.said().has("refused: the scenario differs"));
  const ServerSummary summary = server.stop();
  EXPECT_EQ(summary.refused, 1);
  EXPECT_TRUE(summary.rows.empty());
}

TEST_F(Nodes, NamesPathsAndOutputsMayDiffer) {
  nodes::RunningServer server(scenario(), {});
  Json other = json_;
  other["name"] = "elsewhere";
  other["output"]["records"] = false;
  EXPECT_EQ(nodes::transmit(parse_scenario(other, "tiny.json"), to(server.port())).answered, 40);
}

/// A receiver that goes in the middle, and one with its folder that comes back: what was answered stays answered.
TEST_F(Nodes, BothEndsGoOnWhereTheyWere) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  const std::string there = folder_ + "/there", here = folder_ + "/here";
  ServerOptions options;
  options.out = there;
  auto server = std::make_unique<nodes::RunningServer>(scenario(), options);
  const std::uint16_t port = server->port();
  options.port = port;
  ClientOptions client = to(port);
  client.out = here;
  client.window = 4;
  std::atomic<bool> stop{false};
  std::atomic<int> answers{0};
  client.stop = &stop;
  client.rate = 400;
  client.answered = [&](const Record&) {
    if (++answers == 15) stop = true;  // the transmitter is interrupted
  };
  const ClientSummary first = nodes::transmit(scenario(), client);
  EXPECT_TRUE(first.interrupted);
  EXPECT_LT(first.answered, 40);
  (void)server->stop();
  server = std::make_unique<nodes::RunningServer>(scenario(), options);
  client.stop = nullptr;
  client.rate = 25;  // half a second from the 28th answer to the last: on a busy machine, too, the receiver goes before
  client.answered = [&](const Record&) { ++answers; };
  std::thread restart([&] {
    while (answers < 28) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server.reset();  // in the middle of it
    server = std::make_unique<nodes::RunningServer>(scenario(), options);
  });
  const ClientSummary second = nodes::transmit(scenario(), client);
  restart.join();
  EXPECT_EQ(second.failure, "");
  EXPECT_EQ(first.answered + second.answered, 40);
  EXPECT_EQ(answers, 40);
  EXPECT_GE(second.connections, 2);
  nodes::expect_same_rows(second.rows, wanted.rows);
  const ServerSummary received = server->stop();
  EXPECT_EQ(received.images, 40);
  nodes::expect_same_rows(received.rows, wanted.rows);
  EXPECT_EQ(tiny::lines_of(here + "/records.jsonl"), wanted.records);
  EXPECT_EQ(tiny::lines_of(there + "/records.jsonl"), wanted.records);
}

/// A journal's answers are those that were given, and one that holds enough ends the receiver once they have been asked for.
TEST_F(Nodes, AnswersOutOfAJournalAreThoseThatWereGiven) {
  json_.erase("receiver");
  json_["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 900}, {"design_snr_db", 9}};
  json_["channel"] = {{"kind", "rayleigh"}, {"snr_db", 12}};
  const std::string there = folder_ + "/there", here = folder_ + "/here";
  ServerOptions options;
  options.out = there;
  auto server = std::make_unique<nodes::RunningServer>(scenario(), options);
  ClientOptions client = to(server->port());
  client.out = here;
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 40);
  (void)server->stop();
  const std::vector<std::string> wanted = tiny::lines_of(here + "/records.jsonl");
  EXPECT_GT(std::count_if(wanted.begin(), wanted.end(), [](const std::string& line) { return line.find("\"lost\":true") != std::string::npos; }), 0);
  // As if the transmitter had been killed before it wrote any of them down.
  const std::string journal = tiny::read_text(here + "/transmitter.journal");
  tiny::write_text(here + "/transmitter.journal", journal.substr(0, frame_header_bytes + static_cast<unsigned char>(journal[0])));
  options.count = 40;
  server = std::make_unique<nodes::RunningServer>(scenario(), options);
  client.port = server->port();
  client.patience_seconds = 3;
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it takes a moment to come back
  const ClientSummary again = nodes::transmit(scenario(), client);
  EXPECT_EQ(again.failure, "");
  EXPECT_EQ(again.answered, 40);
  EXPECT_EQ(tiny::lines_of(here + "/records.jsonl"), wanted);
  const ServerSummary received = server->wait();  // all receipts are there
  EXPECT_EQ(received.images, 40);
  EXPECT_EQ(received.repeated, 40);
  // What all of it was in the journal took no time.
  server = std::make_unique<nodes::RunningServer>(scenario(), ServerOptions{});
  client.port = server->port();
  const ClientSummary third = nodes::transmit(scenario(), client);
  EXPECT_EQ(third.answered, 0);
  EXPECT_TRUE(again.rows.at(0).contains("images_per_second"));
  EXPECT_FALSE(third.rows.at(0).contains("images_per_second"));
}

TEST_F(Nodes, FeedbackMovesThePlanAndSilenceFallsBack) {
  json_["channel"] = {{"kind", "awgn"}, {"snr_db", 14}};
  tiny::write_text(folder_ + "/table.json", R"({"made_by": "hand", "entries": [{"from_db": -100, "keep": 1.0, "depth": 2, "symbols_per_token": 8}, {"from_db": 8, "keep": 0.25, "depth": 1, "symbols_per_token": 2}]})");
  json_["transmitter"]["policy"] = {{"kind", "table"}, {"file", folder_ + "/table.json"}};
  nodes::RunningServer server(scenario(), {});
  ClientOptions client = to(server.port());
  client.report_every = 5;
  client.fallback_snr_db = -3;
  std::vector<Record> records;
  client.answered = [&](const Record& record) { records.push_back(record); };
  std::vector<std::pair<LogLevel, std::string>> said;
  client.log = [&](LogLevel level, const std::string& text) {
    if (text.find("planning") != std::string::npos) said.emplace_back(level, text);
  };
  EXPECT_EQ(nodes::transmit(scenario(), client).failure, "");
  ASSERT_EQ(records.size(), 40u);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].second.substr(0, 31), "no report yet: planning for -3.");
  EXPECT_EQ(said[1].second, "the first report is here: planning by it");
  for (const auto& [level, text] : said) EXPECT_EQ(level, LogLevel::note) << text;
  EXPECT_EQ(records[0].image.believed_snr_db, -3);  // no report yet
  EXPECT_EQ(records[0].image.symbols_per_token, 8);
  // Two reports later it has learned: measured from a few dozen header symbols, within 3 dB.
  EXPECT_NEAR(records[39].image.believed_snr_db, 14, 3);
  EXPECT_EQ(records[39].image.symbols_per_token, 2);
  for (std::size_t i = 10; i < 40; ++i) EXPECT_EQ(records[i].image.symbols_per_token, 2) << "image " << i;
}

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
      for (std::uint32_t p = 0; p < 256 * 256; ++p) picture.pixels.push_back(static_cast<std::uint8_t>(philox(3, Purpose::data_bits, i + 4 * static_cast<std::uint32_t>(*label), 0, p)[0]));
      write_png(pictures + "/" + label + "/" + std::to_string(i) + ".png", picture);
    }
  }
  const Scenario large = parse_scenario({{"version", 1}, {"source", {{"dataset", "folder"}, {"path", pictures}}}, {"model", {{"image", {256, 256, 1}}}}, {"metrics", {"psnr"}},
                                         {"transmitter", {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 20000}}}, {"channel", {{"kind", "awgn"}, {"snr_db", 20}}}},
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

/// Whatever the pair: what no datagram brought is what the simulated erasure channel loses, to the last bit.
TEST_F(Nodes, MissingSymbolsAreTheSimulationsErasures) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  const Dataset data = load_dataset(scenario().source);
  for (const char* kind : {"analogue", "digital", "separation"}) {
    SCOPED_TRACE(kind);
    Json lossy = json_;
    lossy["channel"] = {{"kind", "erasure"}, {"loss", 0.25}, {"of", "packet"}, {"packet_uses", 20}, {"snr_db", 12}};
    if (kind == std::string("digital")) lossy["transmitter"]["link"] = {{"kind", "digital"}, {"bits_per_value", 3}};
    if (kind == std::string("separation")) {
      lossy.erase("receiver");
      lossy["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 1500}, {"design_snr_db", 8}};
    }
    Json whole = lossy;
    whole["channel"] = {{"kind", "awgn"}, {"snr_db", 12}};
    const Station simulated(parse_scenario(lossy, "lossy.json"), *backend), real(parse_scenario(whole, "whole.json"), *backend);
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
      for (std::uint32_t s = 0; s < out.burst.count; s += 20) here.back().erased.insert(here.back().erased.end(), std::min(20u, out.burst.count - s), walk.next());
    }
    Hearing(simulated, 1).hear(pool, there);
    Hearing(real, 1).hear(pool, here);
    int lost = 0, erased = 0;
    for (std::size_t i = 0; i < there.size(); ++i) {
      const Answer &wanted = there[i].answer, &got = here[i].answer;
      EXPECT_EQ(got.block_lost, wanted.block_lost) << "image " << i;
      EXPECT_EQ(got.tokens_lost, wanted.tokens_lost) << "image " << i;
      EXPECT_EQ(got.decision, wanted.decision) << "image " << i;
      EXPECT_EQ(got.psnr_db, wanted.psnr_db) << "image " << i;
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
  EXPECT_EQ(tiny::lines_of(folder_ + "/here/records.jsonl"), tiny::lines_of(folder_ + "/there/records.jsonl"));
  EXPECT_EQ(sent.rows[0]["channel_uses"].dump(), wanted.rows[0]["channel_uses"].dump()) << "what was sent stays counted";
}

TEST_F(Nodes, AWatchedFolderIsAnsweredOnce) {
  const std::string watched = folder_ + "/watched", here = folder_ + "/here";
  std::filesystem::create_directories(watched);
  const std::string pictures = folder_ + "/pictures/test/dark";
  nodes::RunningServer server(scenario(), {});
  ClientOptions client = to(server.port());
  client.watch = watched;
  client.out = here;
  client.count = 3;
  nodes::Said said;
  client.log = said.sink();
  for (int i = 0; i < 3; ++i) std::filesystem::copy_file(pictures + "/" + std::to_string(1000 + i) + ".png", watched + "/" + std::to_string(i) + ".png");
  tiny::write_text(watched + "/broken.png", "no picture");
  tiny::write_text(watched + "/notes.txt", "not looked at");
  std::vector<std::string> names;
  client.answered = [&](const Record& record) { names.push_back(record.name.substr(0, 5)); };
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_EQ(sent.failure, "");
  EXPECT_EQ(names, (std::vector<std::string>{"0.png", "1.png", "2.png"}));
  EXPECT_TRUE(said.has("broken.png"));
  ASSERT_EQ(sent.rows.size(), 1u);
  EXPECT_FALSE(sent.rows[0].contains("accuracy"));  // there are no labels
  // Another life sends what is new alone.
  std::filesystem::copy_file(pictures + "/1003.png", watched + "/3.png");
  client.count = 4;
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 1);
  EXPECT_EQ(names.back(), "3.png");
}

TEST_F(Nodes, NamesInAnyAlphabetAreDifferentNames) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const std::string watched = tiny::fresh_folder("watched"), picture = folder_ + "/pictures/test/dark/1000.png";
  const std::string letters = "\xC3\xA4";
  std::string many;
  for (int i = 0; i < 100; ++i) many += letters;
  for (const std::string& name : {letters, std::string("\xC3\xB6"), std::string("%C3%A4"), many + "1", many + "2"}) std::filesystem::copy_file(picture, watched + "/" + name + ".png");
  for (const auto& entry : std::filesystem::directory_iterator(watched)) std::filesystem::last_write_time(entry, {});  // as from an archive: nothing else tells them apart
  tiny::write_text(watched + "/" + letters + ".png", tiny::read_text(folder_ + "/pictures/test/light/1001.png"));
  WatchedFolder folder(watched, Station(scenario(), *backend).model(0).architecture);
  std::vector<std::string> problems;
  EXPECT_TRUE(folder.look(problems).empty()) << "still being written, perhaps";
  std::set<std::string> names;
  for (const WatchedFolder::Found& found : folder.look(problems)) {
    names.insert(found.name);
    EXPECT_TRUE(read_numbered(write(Numbered{found.image, found.name}))) << found.name << " fits a journal";
  }
  EXPECT_EQ(names.size(), 5u);
  EXPECT_EQ(std::count_if(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("%c3%a4.png "); }), 1);
}

// Peers that do not behave.

class Stranger {
 public:
  explicit Stranger(std::uint16_t port) : socket_(io_) { socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port}); }
  void send(const std::string& bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }
  /// What the other end takes, at most all of it, until it takes nothing for half a second.
  std::size_t send_what_goes(const std::string& bytes) {
    socket_.non_blocking(true);
    std::size_t sent = 0;
    for (int still = 0; still < 50 && sent < bytes.size(); ++still) {
      boost::system::error_code full;
      const std::size_t went = boost::asio::write(socket_, boost::asio::buffer(bytes.data() + sent, bytes.size() - sent), full);
      sent += went;
      if (went > 0) still = 0;
      else std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    socket_.non_blocking(false);
    return sent;
  }
  /// The body of the next frame of a type.
  std::string next(FrameType type) {
    std::string piece(65536, '\0');
    boost::system::error_code failure;
    while (!failure) {
      for (Frame frame; frames_.next(frame);)
        if (frame.type == type) return std::string(frame.body);
      frames_.append(std::string_view(piece).substr(0, socket_.read_some(boost::asio::buffer(piece), failure)));
    }
    return "";
  }
  /// Everything up to the end of the connection.
  std::string rest() {
    std::string all, piece(65536, '\0');
    boost::system::error_code failure;
    while (!failure) all.append(piece, 0, socket_.read_some(boost::asio::buffer(piece), failure));
    return all;
  }

 private:
  boost::asio::io_context io_;
  tcp::socket socket_;
  FrameReader frames_{0};
};

std::string framed(FrameType type, const std::string& body) {
  std::string bytes;
  write_frame(bytes, type, body);
  return bytes;
}

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
        boost::asio::write(peer, boost::asio::buffer(framed(FrameType::welcome, write(Welcome{.window = 8, .largest_burst = 1u << 20}))), failure);
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

/// What only one kind of scenario says is taken there alone, and nothing that was told makes a receiver fall.
TEST_F(Nodes, BurstsFitTheirScenario) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  json_["channel"] = {{"kind", "ideal"}};
  Json pair = json_;
  pair.erase("receiver");
  pair["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}};
  Json bound = pair;
  bound["transmitter"]["transport"] = "capacity";
  const Station semantic(scenario(), *backend), coded(parse_scenario(pair, "pair.json"), *backend), capacity(parse_scenario(bound, "bound.json"), *backend);
  const auto fits = [](const Station& station, const BurstMessage& burst) { return Hearing(station, 1).fits(burst); };
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
  for (const std::size_t bits : {3, 12}) {
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
  Hello hello{.datagrams = true};
  {
    const std::unique_ptr<Backend> backend = make_cpu_backend();
    const Station station(scenario(), *backend);
    hello.scenario = station.scenario_digest();
    hello.model = station.model_digest();
  }
  BurstMessage burst{.format = SymbolFormat::datagrams, .count = 1};
  burst.header.parts.assign(4, Bits(4096));
  Stranger greedy(server.port());
  greedy.send(framed(FrameType::hello, write(hello)));
  std::string announced;
  for (; announced.size() < (24u << 20); ++burst.image) announced += framed(FrameType::burst, write(burst));
  EXPECT_LT(greedy.send_what_goes(announced), announced.size()) << "no more than the sockets' buffers hold";
}

/// Answers without a receipt are kept as far as the window goes.
TEST_F(Nodes, AnswersNobodyConfirmsAreNotKeptForEver) {
  json_["channel"] = {{"kind", "ideal"}};
  ServerOptions options;
  options.window = 4;
  nodes::RunningServer server(scenario(), options);
  Hello hello;
  {
    const std::unique_ptr<Backend> backend = make_cpu_backend();
    const Station station(scenario(), *backend);
    hello.scenario = station.scenario_digest();
    hello.model = station.model_digest();
  }
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
  for (std::uint32_t image = 4; image < 8; ++image) EXPECT_EQ(answer(image), first[image]) << "kept, times and all";
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
  for (int i = 0; i < 80; ++i) silent.push_back(std::make_unique<Stranger>(server.port()));  // more than there is room for
  Hello hello;
  {
    const std::unique_ptr<Backend> backend = make_cpu_backend();
    const Station station(scenario(), *backend);
    hello.scenario = station.scenario_digest();
    hello.model = station.model_digest();
  }
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

TEST_F(Nodes, ATransmitterWithoutAReceiverGivesUp) {
  ClientOptions client = to(1);
  client.patience_seconds = 0.2;
  const ClientSummary alone = nodes::transmit(scenario(), client);
  EXPECT_NE(alone.failure.find("no connection"), std::string::npos) << alone.failure;
}

/// A picture that left before its transmitter was killed keeps its number: another one would be given that one's answer.
TEST_F(Nodes, AWatchedPictureKeepsItsNumber) {
  const std::string watched = tiny::fresh_folder("watched"), here = folder_ + "/here", pictures = folder_ + "/pictures/test/dark";
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
  client.answered = [&](const Record& record) { numbers[record.name.substr(0, 5)] = record.image.image; };
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 2);
  EXPECT_EQ(numbers, (std::map<std::string, std::uint32_t>{{"b.png", 0}, {"a.png", 1}}));
}

TEST_F(Nodes, AReceiverThatHangsUpWithoutAnAnswerTriesPatience) {
  Deaf deaf;
  ClientOptions client = to(deaf.port());
  client.patience_seconds = 0.4;
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_NE(sent.failure.find("without an answer; no answer for"), std::string::npos) << sent.failure;
  EXPECT_LT(deaf.bursts, 8) << "delays grow";
}

TEST_F(Nodes, ABurstThatTheReceiverWouldNotTakeIsNamed) {
  json_["transmitter"]["policy"] = {{"kind", "fixed"}, {"keep", 1.0}, {"depth", 2}, {"symbols_per_token", 8}};
  ServerOptions options;
  options.largest_burst = 1024;
  nodes::RunningServer server(scenario(), options);
  ClientOptions client = to(server.port());
  EXPECT_NE(nodes::transmit(scenario(), client).failure.find("image 0 of point 0 takes"), std::string::npos);
  client.datagrams = true;
  EXPECT_EQ(nodes::transmit(scenario(), client).failure, "") << "1024 bytes of symbols just fit";
  EXPECT_EQ(server.stop().malformed, 0);
}

TEST_F(Nodes, TheStatusPageShowsWhatWasReceived) {
  ServerOptions options;
  options.status_host = "127.0.0.1";
  nodes::RunningServer server(scenario(), options);
  EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).answered, 40);
  const auto ask = [&](const std::string& target, const std::string& method = "GET", const std::string& host = "127.0.0.1") {
    Stranger browser(server.status_port());
    browser.send(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
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
  EXPECT_NE(ask("/metrics").find("semwave_images_total 40\n"), std::string::npos);
  EXPECT_NE(ask("/elsewhere").find("404"), std::string::npos);
  EXPECT_NE(ask("/", "POST").find("405"), std::string::npos);
  EXPECT_NE(ask("/", "GET", "rebound.example").find("403"), std::string::npos);
}

}  // namespace
}  // namespace semwave
