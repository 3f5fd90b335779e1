// One hostile peer, one hostile journal: what it says is checked before it is believed, costs it
// its own images alone, and fills no memory.
#include <unistd.h>
#include <fstream>

#include "core/base/error.h"
#include "node/receiver/intake.h"
#include "node/record/journal.h"
#include "node/transmitter/sending.h"
#include "phy/transport/modulation_coding.h"
#include "tests/node/receiver/stranger.h"
#include "tests/node/two_nodes.h"

namespace semwave {
namespace {

using Change = std::function<void(BurstMessage&)>;

/// Whatever a truth part may say wrongly, in ranges that the wire format allows.
const std::vector<std::pair<std::string, Change>>& lies() {
  static const std::vector<std::pair<std::string, Change>> made{
      {"coding 2^28", [](BurstMessage& b) { b.truth->notes[2] = 1 << 28; }},
      {"coding 25", [](BurstMessage& b) { b.truth->notes[2] = 25; }},
      {"a stream nobody has", [](BurstMessage& b) { b.truth->notes[0] = 1 << 28; }},
      {"quality", [](BurstMessage& b) { b.truth->notes[1] = 101; }},
      {"class", [](BurstMessage& b) { b.truth->label = 2; }},
      {"exit depth", [](BurstMessage& b) { b.truth->exit_depth = 3; }},
      {"plan's depth", [](BurstMessage& b) { b.truth->plan_depth = 3; }},
      {"symbols a token", [](BurstMessage& b) { b.truth->symbols_per_token = 9; }},
      {"tokens", [](BurstMessage& b) { b.truth->tokens = 17; }},
      {"an original of another size", [](BurstMessage& b) { b.truth->original.resize(65); }},
      {"an image beyond the source", [](BurstMessage& b) { b.image = 40; }},
      {"symbols beyond the grid",
       [](BurstMessage& b) {
         b.count = 16 * 8 + 1;
         b.symbols.assign(b.count, {1, 0});
         b.places.assign(b.count, 0);
       }},
      {"tokens wider than any", [](BurstMessage& b) { b.piece = 9; }},
  };
  return made;
}

/// Bursts as an honest transmitter makes them.
std::vector<BurstMessage> honest(const Station& station, ThreadPool& pool, const Dataset& data,
                                 int count, std::size_t point = 0) {
  std::vector<std::int32_t> indices;
  for (int i = 0; i < count; ++i) indices.push_back(i);
  const std::vector<std::uint32_t> ids(indices.begin(), indices.end());
  std::vector<BurstMessage> made;
  for (Outgoing& one : Sending(station, point, data, {}).send(pool, indices, ids))
    made.push_back(std::move(one.burst));
  return made;
}

class Hostile : public Nodes {
 protected:
  void SetUp() override {
    Nodes::SetUp();
    json_["source"]["count"] = 40;
  }
  /// A scenario of each kind.
  Json separation(const std::string& transport = "") const {
    Json made = json_;
    made.erase("receiver");
    made["transmitter"] = {{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 3000}};
    if (!transport.empty()) made["transmitter"]["transport"] = transport;
    made["channel"] = {{"kind", "awgn"}, {"snr_db", 15}};
    return made;
  }
  /// The hello of a peer whose source is nobody else's.
  Hello stranger(std::uint8_t id = 7) const {
    Hello hello = hello_of(scenario());
    hello.node[0] = id;
    hello.data[0] = id;
    return hello;
  }
};

std::size_t resident_mib() {
  std::ifstream file("/proc/self/statm");
  std::size_t whole = 0, resident = 0;
  file >> whole >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) >> 20;
}

TEST_F(Hostile, ALieCostsThePeerThatToldIt) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  const Station station(scenario(), *backend);
  const Dataset data = load_dataset(scenario().source);
  const BurstMessage valid = honest(station, pool, data, 1).front();
  ServerOptions options;
  options.out = folder_ + "/there";
  nodes::RunningServer server(scenario(), options);
  for (const auto& [name, change] : lies()) {
    BurstMessage burst = valid;
    change(burst);
    Stranger liar(server.port());
    liar.send(framed(FrameType::hello, write(stranger())) + framed(FrameType::burst, write(burst)));
    const auto refusal = read_refusal(liar.next(FrameType::refusal));
    ASSERT_TRUE(refusal.has_value()) << name;
    EXPECT_EQ(refusal->code, RefusalCode::malformed) << name;
    EXPECT_NE(refusal->reason.find("image " + std::to_string(burst.image) + " of point 0: "),
              std::string::npos)
        << refusal->reason;
    EXPECT_EQ(liar.rest(), "") << name << ": the connection ends";
  }
  EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).failure, "");
  const ServerSummary summary = server.stop();
  nodes::expect_same_rows(summary.rows, wanted.rows);
  EXPECT_EQ(summary.malformed, static_cast<std::int64_t>(lies().size()));
}

/// What a program of yesterday took and wrote down: rows are made of the rest.
TEST_F(Hostile, AJournalWithABadRecordOpens) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  ServerOptions options;
  options.out = folder_ + "/there";
  {
    nodes::RunningServer server(scenario(), options);
    EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).failure, "");
    (void)server.stop();
  }
  const std::string path = options.out + "/receiver.journal";
  Record good;
  {
    Hello owner = hello_of(scenario());
    const Journal journal(path, owner,
                          {.record = [&](Record&& record) { good = std::move(record); }});
  }
  const std::vector<std::function<void(Record&)>> spoils{
      [](Record& r) { r.image.notes[2] = 1 << 28; },
      [](Record& r) { r.image.notes[2] = 25; },
      [](Record& r) { r.image.notes[0] = 77; },
      [](Record& r) { r.point = 1; },
      [](Record& r) { r.image.label = 2; },
      [](Record& r) { r.image.decision = 2; },
      [](Record& r) { r.image.exit_depth = -1; },
      [](Record& r) { r.image.exit_depth = 1 << 24; },
      [](Record& r) { r.image.plan_depth = 3; },
      [](Record& r) { r.image.tokens = 17; },
      [](Record& r) { r.image.symbols_per_token = 9; },
      [](Record& r) { r.image.link += 1; },
      [](Record& r) { r.image.slot += 1; },
      [](Record& r) { r.image.image = r.image.link = 1u << 31; },
      [](Record& r) { r.image.keep_ratio = 2; },
      [](Record& r) { r.image.snr_db = 1e5; },
      [](Record& r) { r.image.believed_snr_db = 1e5; },
      [](Record& r) { r.name = "\xE2\x80\xAEgnp.1"; },
      [](Record& r) { r.expert_rows.assign(256, 9); },
      [](Record& r) { r.image.tokens_lost = 17; },
      [](Record& r) { r.erased = 1u << 31; },
      [](Record& r) { r.image.gain = -1; },
      [](Record& r) { r.image.notes[1] = 3; }};
  std::string bad;
  for (const auto& spoil : spoils) {
    Record record = good;
    spoil(record);
    write_frame(bad, FrameType::record, write(record));
  }
  std::ofstream(path, std::ios::binary | std::ios::app) << bad;
  for (int life = 0; life < 2; ++life) {
    nodes::RunningServer server(scenario(), options);
    EXPECT_TRUE(server.said().has("is left out: something is noted of its image"))
        << server.said().text();
    const ServerSummary summary = server.stop();
    EXPECT_EQ(summary.images, 40);
    nodes::expect_same_rows(summary.rows, wanted.rows);
  }
}

/// Each pair has its own ranges; honest bursts of all are taken.
TEST_F(Hostile, EveryPairIsChecked) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  const Json bound = separation("capacity");
  Json digital = json_;
  digital["transmitter"]["link"] = {{"kind", "digital"}};
  for (const Json& json : {json_, separation(), bound, digital}) {
    const Scenario one = parse_scenario(json, "one.json");
    const Station station(one, *backend);
    const Dataset data = load_dataset(one.source);
    std::vector<BurstMessage> bursts = honest(station, pool, data, 40);
    for (const BurstMessage& burst : bursts)
      ASSERT_EQ(station.fault_of(burst, digest_of(data.sha256)), "");
    for (const auto& [name, change] : lies()) {
      if (!one.pair->semantic() && (name == "symbols a token" || name == "symbols beyond the grid"))
        continue;
      if (one.digital && name == "symbols beyond the grid") continue;
      if (!one.pair->semantic() && !one.pair->tells() && name == "coding 25" &&
          modulation_codings().size() > 25)
        continue;
      BurstMessage burst = bursts.front();
      change(burst);
      EXPECT_NE(station.fault_of(burst, digest_of(data.sha256)), "")
          << name << " in " << json["transmitter"];
    }
  }
}

/// Images of a pass do not know of each other: what one of them lacks changes nothing for the
/// others.
TEST_F(Hostile, OddBurstsInAShardChangeNoOther) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  Json lossy = json_;
  lossy["channel"] = {{"kind", "erasure"}, {"loss", 0.3}};
  for (const Json& json : {lossy, json_, separation(), separation("capacity")}) {
    const Scenario one = parse_scenario(json, "one.json");
    const Station station(one, *backend);
    const Dataset data = load_dataset(one.source);
    std::vector<Incoming> images;
    for (BurstMessage& burst : honest(station, pool, data, 16))
      images.push_back({.burst = std::move(burst)});
    for (std::size_t i = 0; i < images.size(); ++i) {
      BurstMessage& burst = images[i].burst;
      switch (i % 8) {
        case 1:
          burst.truth->original.clear();
          break;
        case 2:
          burst.piece = 0;
          break;
        case 3:
          for (Bits& part : burst.header.parts) std::fill(part.begin(), part.end(), 1);
          break;
        case 4:
          burst.truth.reset();
          break;
        case 5:
          images[i].erased.assign(burst.count, 0);
          for (std::size_t s = 0; s < burst.count; s += 3) images[i].erased[s] = 1;
          break;
        case 6:
          burst.told.clear();
          break;
        case 7:  // a header, and nothing behind it
          burst.count = 0;
          burst.symbols.clear();
          burst.places.clear();
          burst.parity = 0;
          break;
        default:
          break;
      }
    }
    std::vector<Incoming> together = images;
    Hearing(station, 16).hear(pool, together);
    Hearing(station, 1).hear(pool, images);
    const auto said = [](Incoming one_image) {
      Answer& answer = one_image.answer;
      answer.operations = 0;  // shared by those of a pass, as are experts and times
      answer.expert_rows.clear();
      answer.queue_ns = answer.channel_ns = answer.decode_ns = 0;
      Record& record = one_image.record;
      record.receiver_operations = 0;
      record.expert_rows.clear();
      record.ns = {};
      return hexadecimal(std::span(reinterpret_cast<const std::uint8_t*>(write(answer).data()),
                                   write(answer).size())) +
             " " +
             hexadecimal(std::span(reinterpret_cast<const std::uint8_t*>(write(record).data()),
                                   write(record).size()));
    };
    for (std::size_t i = 0; i < images.size(); ++i)
      EXPECT_EQ(said(together[i]), said(images[i]))
          << "image " << i << " in " << json["transmitter"];
  }
}

/// Half frames, answers that nobody reads, strangers: none of it adds up.
TEST_F(Hostile, MemoryIsBoundedAndTheHonestOneServed) {
  const nodes::Simulated wanted = nodes::simulate(scenario(), folder_ + "/run");
  ServerOptions options;
  options.memory_bytes = 64u << 20;
  options.drain_seconds = 0.5;
  nodes::RunningServer server(scenario(), options);
  EXPECT_EQ(nodes::transmit(scenario(), to(server.port())).failure, "");
  std::string half = framed(FrameType::burst, std::string(1u << 20, 'x')), pings;
  half.resize(1u << 20);
  for (int i = 0; i < 400000; ++i) pings += framed(FrameType::ping, "");
  std::vector<std::unique_ptr<Stranger>> peers;
  const std::size_t before = resident_mib();
  std::size_t most = before;
  for (std::uint8_t i = 0; i < 100; ++i) {
    peers.push_back(std::make_unique<Stranger>(server.port()));
    peers.back()->send(framed(FrameType::hello, write(stranger(i))));
    (void)peers.back()->send_what_goes(i < 70 ? half : pings);
    most = std::max(most, resident_mib());
  }
  ClientOptions client = to(server.port());
  client.patience_seconds = 20;
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_EQ(sent.failure, "");
  nodes::expect_same_rows(sent.rows, wanted.rows);
  most = std::max(most, resident_mib());
#ifdef __SANITIZE_ADDRESS__  // keeps what was freed: resident memory says nothing
  (void)before;
#else
  EXPECT_LT(most - before, 48u) << "of 64; half frames alone are 70 MiB, what is not read 240";
#endif
  EXPECT_TRUE(server.said().has("made room")) << server.said().text();
}

class Intakes : public Hostile {
 protected:
  void SetUp() override {
    Hostile::SetUp();
    backend_ = make_cpu_backend();
    station_ = std::make_unique<Station>(scenario(), *backend_);
  }
  /// A conversation without a socket, with its hello said.
  std::unique_ptr<Party> greeted(Intake& intake, std::uint32_t id) const {
    auto party = std::make_unique<Party>();
    party->fixed_bytes = 100000;
    intake.join(*party);
    Hello hello = stranger();
    for (std::size_t b = 0; b < 4; ++b) hello.node[b] = static_cast<std::uint8_t>(id >> 8 * b);
    const std::string body = write(hello);
    EXPECT_FALSE(intake.judge(*party, {FrameType::hello, body}, false));
    (void)intake.welcome(*party);
    return party;
  }
  static std::string receipt() { return write(std::vector<ImageKey>{{0, 1}, {0, 2}}); }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Station> station_;
  ThreadPool pool_{1};
  ServerSummary summary_;
};

TEST_F(Intakes, AnIdentityWithNothingOnItIsForgotten) {
  Intake intake(*station_, pool_, {}, summary_);
  for (std::uint32_t id = 0; id < 2000; ++id) {
    const auto party = greeted(intake, id);
    const std::string body = receipt();
    EXPECT_TRUE(intake.take(*party, {FrameType::receipt, body}));
    intake.leave(*party);
  }
  EXPECT_EQ(intake.identities(), 0u);
  EXPECT_EQ(intake.held(), 0u);
}

TEST_F(Intakes, WhatIsHeldIsCountedAndGivenBack) {
  Intake intake(*station_, pool_, {}, summary_);
  const Dataset data = load_dataset(scenario().source);
  const auto party = greeted(intake, 1);
  const std::size_t idle = intake.held();
  for (const BurstMessage& burst : honest(*station_, pool_, data, 40)) {
    const std::string body = write(burst);
    EXPECT_TRUE(intake.take(*party, {FrameType::burst, body}));
  }
  EXPECT_EQ(intake.queued(), 40u);
  EXPECT_GT(intake.held(), idle + 40 * 1000u) << "symbols, places and originals";
  while (intake.queued() > 0) {
    auto turns = intake.collect();
    intake.hear(turns);
  }
  party->outbox = {};
  intake.settle(*party);
  EXPECT_LT(intake.held(), idle + 40 * 1200u) << "records and answers stay";
  const std::size_t records = intake.held();
  std::vector<ImageKey> keys;
  for (std::uint32_t i = 0; i < 40; ++i) keys.push_back({0, i});
  const std::string body = write(keys);
  EXPECT_TRUE(intake.take(*party, {FrameType::receipt, body}));
  EXPECT_LT(intake.held(), records - 40 * 200u) << "answers do not, once they have their receipts";
  EXPECT_TRUE(intake.settled());
}

/// The same burst in ever another name: recorded until there is no memory for it, then refused with
/// a reason.
TEST_F(Intakes, RecordsEndWhereMemoryDoes) {
  ServerOptions options;
  options.memory_bytes = 16u << 20;  // a quarter of it at least is for peers
  json_["channel"] = {{"kind", "ideal"}};
  station_ = std::make_unique<Station>(scenario(), *backend_);
  Intake intake(*station_, pool_, options, summary_);
  BurstMessage burst;
  burst.header.parts = {Bits{1}};
  std::unique_ptr<Party> party;
  for (std::uint32_t image = 0; image < 200000; ++image) {
    if (image % 1000 == 0) {
      if (party) intake.leave(*party);
      party = greeted(intake, image);
      party->hello.data = {};
    }
    burst.image = image;
    const std::string body = write(burst);
    ASSERT_TRUE(intake.take(*party, {FrameType::burst, body}));
    if (party->refused) break;
    auto turns = intake.collect();
    intake.hear(turns);
    party->outbox.clear();
    ASSERT_LT(intake.held(), intake.most());
  }
  ASSERT_TRUE(party->refused);
  EXPECT_NE(party->outbox.find("memory for what was recorded is spent"), std::string::npos);
  EXPECT_LT(intake.held(), intake.most());
  intake.leave(*party);
}

TEST(LogLimits, TellAFewAndCountTheRest) {
  std::vector<std::string> told;
  LogLimit limit([&](LogLevel, const std::string& text) { told.push_back(text); });
  const auto start = NodeClock::now();
  for (int i = 0; i < 87000; ++i)
    limit.tell("refused", LogLevel::note, "refused " + std::to_string(i), start);
  limit.tell("timed out", LogLevel::note, "another kind", start);
  ASSERT_EQ(told.size(), 11u);
  limit.look(start + in_seconds(11));
  ASSERT_EQ(told.size(), 12u);
  EXPECT_EQ(told.back(), "refused: 86990 more within 10 s");
  limit.tell("refused", LogLevel::note, "refused again", start + in_seconds(12));
  EXPECT_EQ(told.back(), "refused again");
}

/// What peers do is a note; --quiet shows warnings.
TEST_F(Hostile, RefusalsAreFewLinesAndNoWarnings) {
  std::atomic<int> lines{0}, warnings{0};
  ServerOptions options;
  options.log = [&](LogLevel level, const std::string&) {
    if (level == LogLevel::warning) ++warnings;
    if (level == LogLevel::note) ++lines;
  };
  nodes::RunningServer server(scenario(), options);
  Hello other = stranger();
  other.scenario[0] ^= 1;
  for (int i = 0; i < 60; ++i) {
    Stranger wrong(server.port());
    wrong.send(framed(FrameType::hello, write(other)));
    (void)wrong.rest();
    Stranger malformed(server.port());
    malformed.send(framed(FrameType::hello, write(stranger())) + framed(FrameType::burst, "xx"));
    (void)malformed.rest();
  }
  const ServerSummary summary = server.stop();
  EXPECT_EQ(summary.refused, 60);
  EXPECT_EQ(summary.malformed, 60);
  EXPECT_EQ(warnings, 0);
  EXPECT_LE(lines, 3 * (LogLimit::lines + 1) * 2);
}

}  // namespace
}  // namespace semwave
