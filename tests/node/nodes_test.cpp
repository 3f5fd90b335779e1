// Two nodes over loopback give the rows and records of one simulation, to the last bit, whatever
// happens to them on the way.
#include "node/record/watched_name.h"
#include "node/wire/frame.h"
#include "node/wire/statement.h"
#include "tests/node/two_nodes.h"

#include "core/base/error.h"
#include "node/transmitter/work.h"
#include "node/wire/frame.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

TEST_F(Nodes, RowsAndRecordsAreThoseOfTheSimulation) {
  json_["sweep"] = {{"/channel/snr_db", {-5, 5, 20}}, {"/transmitter/policy/keep", {0.25, 1.0}}};
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  for (const int threads : {1, 3}) {
    const std::string there = folder_ + "/there" + std::to_string(threads),
                      here = folder_ + "/here" + std::to_string(threads);
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
      for (const char* stage : {"encode", "queue", "wire", "channel", "decode"})
        EXPECT_GT(row["node"]["latency_ms"][stage]["p99"].get<double>(), 0) << stage;
  }
}

TEST_F(Nodes, TheSameForPositionsUnknownStopRulesAndEveryKindOfFade) {
  for (const Json& change : std::vector<Json>{
           {{"/transmitter/positions", "none"}, {"/metrics", Json::array({"accuracy"})}},
           {{"/channel",
             {{"kind", "rician"},
              {"snr_db", {{"uniform", {0, 15}}}},
              {"coherence", "block"},
              {"block_uses", 16},
              {"csi",
               {{"receiver", {{"kind", "estimated"}, {"pilots", 2}}},
                {"transmitter", "quantised"}}}}}},
           {{"/channel", {{"kind", "ideal"}}}},
           {{"/transmitter/policy/keep", 0.0}},
           {{"/stop", {{"min_images", 10}, {"max_images", 30}}}}}) {
    Json changed = json_;
    for (const auto& [pointer, value] : change.items())
      changed[Json::json_pointer(pointer)] = value;
    SCOPED_TRACE(change.dump());
    (void)expect_as_simulated(parse_scenario(changed, "tiny.json"));
  }
}

TEST_F(Nodes, TheSameForEveryKindOfTransmitterAndLink) {
  struct Case {
    const char* name;
    Json transmitter, channel;
  };
  const Json digital{{"kind", "digital"}, {"bits_per_value", 3}};
  const auto bound = [](const char* transport, int budget) {
    return Json{
        {"kind", "separation"}, {"codec", "jpeg"}, {"budget", budget}, {"transport", transport}};
  };
  for (const Case& one : {Case{"digital", {}, {{"kind", "awgn"}, {"snr_db", 6}}},
                          Case{"digital over lost packets",
                               {},
                               {{"kind", "erasure"},
                                {"loss", 0.2},
                                {"of", "packet"},
                                {"packet_uses", 12},
                                {"snr_db", 10}}},
                          Case{"separation",
                               {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}},
                               {{"kind", "rayleigh"}, {"snr_db", 12}}},
                          Case{"separation where images do not fit",
                               {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}},
                               {{"kind", "rayleigh"}, {"snr_db", 4}}},
                          Case{"separation at capacity",
                               bound("capacity", 400),
                               {{"kind", "rayleigh"}, {"snr_db", 8}}},
                          Case{"separation at the normal approximation",
                               bound("normal_approximation", 500),
                               {{"kind", "awgn"}, {"snr_db", 6}}},
                          Case{"label", {{"kind", "label"}}, {{"kind", "awgn"}, {"snr_db", 0}}}}) {
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
    const nodes::Simulated wanted = expect_as_simulated(parse_scenario(changed, "tiny.json"));
    if (std::string(one.name).find("not fit") != std::string::npos) {
      EXPECT_GT(wanted.rows.at(0)["separation"]["unfit"].get<double>(), 0);
    }
  }
}

TEST_F(Nodes, ConvolutionsSendPicturesOfTheModelsSize) {
  Json changed = json_;
  changed["transmitter"] = "deepjscc";
  changed["model"]["architecture"] = {
      {"image", {8, 8, 1}},
      {"classes", 2},
      {"deepjscc", {{"channels", {4}}, {"strides", {2, 2}}, {"kernel", 3}, {"ratio", 0.25}}}};
  changed["metrics"] = {"psnr"};
  const nodes::Simulated wanted = expect_as_simulated(parse_scenario(changed, "tiny.json"));
  EXPECT_EQ(wanted.rows.at(0)["cbr"], 0.25);
  changed["model"]["architecture"]["image"] = {8, 12, 1};
  expect_contains(
      error_of([&] { (void)nodes::transmit(parse_scenario(changed, "tiny.json"), to(1)); }),
      "images between nodes have the size of the model, 12 x 8");
}

TEST_F(Nodes, SeparationIsMadeForTheChannelOfItsPoint) {
  Json changed = json_;
  changed["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}};
  changed.erase("receiver");
  changed.erase("train");
  changed["sweep"] = {{"/channel",
                       {{{"kind", "awgn"}, {"snr_db", 12}},
                        {{"kind", "rayleigh"}, {"snr_db", 12}, {"coherence", "symbol"}}}}};
  (void)expect_as_simulated(parse_scenario(changed, "tiny.json"));
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
  const ClientSummary refused =
      nodes::transmit(parse_scenario(other, "tiny.json"), to(server.port()));
  expect_contains(refused.failure, "the scenario differs");
  expect_contains(refused.failure, "; /channel/snr_db: 5 there, 6 here");
  EXPECT_EQ(refused.failure.find("/seed"), std::string::npos) << "what is equal is not told";
  EXPECT_EQ(refused.answered, 0);
  EXPECT_TRUE(server.said().has("refused: the scenario differs"));
  const ServerSummary summary = server.stop();
  EXPECT_EQ(summary.refused, 1);
  EXPECT_TRUE(summary.rows.empty());
}

TEST_F(Nodes, AMismatchNamesTheKeysThatDiffer) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const auto statement = [&] { return Station(scenario(), *backend).statement(); };
  json_["source"]["path"] = folder_ + "/pictures";
  const Statement there = statement();
  EXPECT_TRUE(there.whole);
  EXPECT_EQ(differences(there, there), "");
  for (const Statement::Line& line : there.lines)
    EXPECT_EQ(line.value.find(folder_), std::string::npos) << line.key << " says where it runs";

  json_["channel"] = {{"kind", "awgn"}, {"snr_db", 5}};
  json_["sweep"] = {{"/channel/snr_db", {0, 10}}};
  std::string text = differences(statement(), there);
  expect_contains(text, "/channel/coherence: \"image\" there, nothing here");
  expect_contains(text, "/channel/kind: \"rayleigh\" there, \"awgn\" here");
  expect_contains(text, "/sweep/channel/snr_db: nothing there, [0,10] here");

  // Long lists are cut, and two that differ at their end still do.
  Json values = Json::array();
  for (int i = 0; i < 150; ++i) values.push_back(i);
  json_["sweep"]["/channel/snr_db"] = values;
  const Statement many = statement();
  values.back() = 200;
  json_["sweep"]["/channel/snr_db"] = values;
  expect_contains(differences(statement(), many), "/sweep/channel/snr_db: [0,1,2,3");
  for (const Statement::Line& line : many.lines) EXPECT_LE(line.value.size(), longest_stated);
}

TEST(Statements, AreBoundedAndSayWhatTheyLeaveOut) {
  Statement much;
  for (int i = 1000; i < 2000; ++i) much.lines.push_back({"key " + std::to_string(i), "value"});
  const std::string body = write(much);
  EXPECT_LE(body.size(), largest_listing);
  const auto read = read_statement(body);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->whole);
  ASSERT_LT(read->lines.size(), 1000u);
  EXPECT_EQ(differences(much, *read), "") << "what was left out is not taken for missing";
  EXPECT_EQ(differences(*read, much), "");
  const Statement other{.lines = {{"key 1000", "else"}}};
  EXPECT_EQ(differences(other, *read),
            "key 1000: value there, else here; key 1001: value there, nothing here; "
            "key 1002: value there, nothing here; key 1003: value there, nothing here; "
            "key 1004: value there, nothing here; and " +
                std::to_string(read->lines.size() - 5) + " more");
}

TEST_F(Nodes, NamesPathsAndOutputsMayDiffer) {
  nodes::RunningServer server(scenario(), {});
  Json other = json_;
  other["name"] = "elsewhere";
  other["output"]["records"] = false;
  EXPECT_EQ(nodes::transmit(parse_scenario(other, "tiny.json"), to(server.port())).answered, 40);
}

/// A receiver that goes in the middle, and one with its folder that comes back: what was answered
/// stays answered.
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
  client.rate = 25;  // half a second from the 28th answer to the last: on a busy machine, too, the
                     // receiver goes before
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

/// A journal's answers are those that were given, and one that holds enough ends the receiver once
/// they have been asked for.
TEST_F(Nodes, AnswersOutOfAJournalAreThoseThatWereGiven) {
  json_.erase("receiver");
  json_["transmitter"] = {
      {"kind", "separation"}, {"codec", "jpeg"}, {"budget", 900}, {"design_snr_db", 9}};
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
  EXPECT_GT(std::count_if(wanted.begin(), wanted.end(),
                          [](const std::string& line) {
                            return line.find("\"lost\":true") != std::string::npos;
                          }),
            0);
  // As if the transmitter had been killed before it wrote any of them down.
  const std::string journal = tiny::read_text(here + "/transmitter.journal");
  tiny::write_text(here + "/transmitter.journal",
                   journal.substr(0, frame_header_bytes + static_cast<unsigned char>(journal[0])));
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
  tiny::write_text(folder_ + "/table.json",
                   R"({"made_by": "hand", "entries": [{"from_db": -100, "keep": 1.0, "depth": 2,)"
                   R"( "symbols_per_token": 8}, {"from_db": 8, "keep": 0.25, "depth": 1,)"
                   R"( "symbols_per_token": 2}]})");
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
  for (std::size_t i = 10; i < 40; ++i)
    EXPECT_EQ(records[i].image.symbols_per_token, 2) << "image " << i;
}

TEST_F(Nodes, FeedbackOfFadesThatAreGoneIsWarnedOf) {
  const auto warnings = [&](const Json& channel) {
    json_["channel"] = channel;
    ClientOptions client = to(1);
    client.patience_seconds = 0;
    client.report_every = 5;
    std::string text;
    client.log = [&](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) text += line + "\n";
    };
    (void)nodes::transmit(scenario(), client);
    return text;
  };
  const auto rayleigh = [](const char* coherence) {
    return Json{{"kind", "rayleigh"}, {"snr_db", 10}, {"coherence", coherence}};
  };
  expect_contains(warnings(rayleigh("image")),
                  "--feedback: channel 'rayleigh' draws a new fade for each image");
  expect_contains(warnings({{"kind", "awgn"}, {"snr_db", {{"uniform", {0, 20}}}}}),
                  "--feedback: channel 'awgn' draws a new SNR for each image");
  EXPECT_EQ(warnings(rayleigh("symbol")), "");
  EXPECT_EQ(warnings({{"kind", "awgn"}, {"snr_db", 10}}), "");
  EXPECT_EQ(warnings("ideal"), "");
}

TEST_F(Nodes, ABoundHasNoHeaderToMeasureALinkBy) {
  json_["transmitter"] = {
      {"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}, {"transport", "capacity"}};
  json_.erase("receiver");
  json_.erase("train");
  ClientOptions client = to(1);
  client.report_every = 5;
  expect_contains(error_of([&] { (void)nodes::transmit(scenario(), client); }),
                  "--feedback: transport 'capacity' is a bound and sends no header");
}

TEST_F(Nodes, ATransmitterWithoutAReceiverGivesUp) {
  ClientOptions client = to(1);
  client.patience_seconds = 0.2;
  const ClientSummary alone = nodes::transmit(scenario(), client);
  EXPECT_NE(alone.failure.find("no connection"), std::string::npos) << alone.failure;
}

}  // namespace
}  // namespace semwave
