// Frames and messages: golden bytes of docs/wire_format.md, what goes in comes out, and nothing
// else is believed.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <sstream>

#include "core/random/random.h"
#include "node/wire/bytes.h"
#include "node/wire/crc32c.h"
#include "node/wire/datagram.h"
#include "node/wire/frame.h"
#include "node/wire/messages.h"
#include "phy/header/header_codec.h"

namespace semwave {
namespace {

Digest digest(std::uint8_t first) {
  Digest made;
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(first + i);
  return made;
}

NodeId node() {
  NodeId made;
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(0xA0 + i);
  return made;
}

SentHalf sent(double believed_snr_db) {
  return {.label = 7,
          .keep_ratio = 0.5,
          .plan_depth = 4,
          .exit_depth = 2,
          .symbols_per_token = 2,
          .tokens = 1,
          .believed_snr_db = believed_snr_db,
          .answered = false};
}

BurstMessage burst() {
  BurstMessage made{.point = 1, .image = 258};
  made.header.format = 2;
  made.header.parts = {Bits{1, 0, 1, 1, 0, 0, 1, 1, 1}, Bits{0, 1}};
  made.count = 3;
  made.symbols = {{1.0f, -0.5f}, {0.25f, 2.0f}, {-1.5f, 0.0f}};
  made.places = {8, 9, 40};
  made.truth.emplace();
  static_cast<SentHalf&>(*made.truth) = sent(10);
  made.truth->operations = 1000;
  made.truth->encode_ns = 12345;
  made.truth->original = "ab";
  return made;
}

Answer answer() {
  Answer made;
  made.point = 1;
  made.image = 258;
  made.decision = 7;
  made.gain = 0.75;
  made.uses = {.payload = 3, .header = 60, .pilots = 4};
  made.scores[0] = 20.5;
  made.operations = 2000;
  made.expert_rows = {5, 0, 9};
  made.erased = 1;
  made.queue_ns = 1;
  made.channel_ns = 2;
  made.decode_ns = 3;
  return made;
}

Record record() {
  Record made{.node = node(),
              .point = 1,
              .data = digest(3),
              .name = "a.png 12 34",
              .truth = true,
              .transmitter_operations = 1000,
              .receiver_operations = 2000,
              .expert_rows = {1, 2},
              .erased = 4,
              .ns = {1, 2, 3, 4, 5}};
  made.image.image = made.image.link = 258;
  made.image.slot = 1;
  made.image.snr_db = 10;
  static_cast<SentHalf&>(made.image) = sent(9);
  made.image.decision = -1;
  made.image.header_lost = true;
  made.image.gain = 0.5;
  made.image.uses = {.payload = 2};
  made.image.scores[1] = 0.5;
  return made;
}

std::string framed(FrameType type, const std::string& body) {
  std::string bytes;
  write_frame(bytes, type, body);
  return bytes;
}

std::string hex(std::string_view bytes) {
  return hexadecimal(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

/// The examples of docs/wire_format.md as this code writes them.
std::map<std::string, std::string> examples() {
  Hello hello{.node = node(),
              .scenario = digest(0),
              .model = digest(1),
              .data = digest(2),
              .points = 2,
              .report_every = 50,
              .datagrams = true,
              .name = "camera 1"};
  BurstMessage small = burst();
  small.format = SymbolFormat::int16;
  small.places.clear();
  small.truth.reset();
  DatagramSeal clear(""), sealed(std::string(datagram_key_bytes, 'k'));
  const Datagram datagram{.channel = 0x1122334455667788u,
                          .sequence = 9,
                          .key = {1, 258},
                          .first = 1,
                          .symbols = {{0.25f, 2.0f}, {-1.5f, 0.0f}}};
  return {
      {"hello", framed(FrameType::hello, write(hello))},
      {"welcome", framed(FrameType::welcome, write(Welcome{.window = 256,
                                                           .datagram_port = 7400,
                                                           .channel = 0x1122334455667788u,
                                                           .largest_burst = 1u << 20}))},
      {"refusal",
       framed(FrameType::refusal, write(Refusal{RefusalCode::model, "the checkpoint differs"}))},
      {"statement", framed(FrameType::statement,
                           write(Statement{.lines = {{"/channel/snr_db", "10"}, {"/seed", "7"}}}))},
      {"burst", framed(FrameType::burst, write(burst()))},
      {"burst int16", framed(FrameType::burst, write(small))},
      {"answer", framed(FrameType::answer, write(answer()))},
      {"receipt", framed(FrameType::receipt, write(std::vector<ImageKey>{{1, 258}, {1, 259}}))},
      {"report", framed(FrameType::report, write(Report{.serial = 3,
                                                        .last_image = 258,
                                                        .images = 50,
                                                        .headers_lost = 1,
                                                        .symbols = 800,
                                                        .erased = 16,
                                                        .snr_db = 9.5,
                                                        .queue = 2}))},
      {"ping", framed(FrameType::ping, "")},
      {"goodbye", framed(FrameType::goodbye, write_goodbye("all is sent"))},
      {"record", framed(FrameType::record, write(record()))},
      {"number", framed(FrameType::number, write(Numbered{258, "a.png 12 34"}))},
      {"datagram", clear.write(datagram)},
      {"datagram sealed", sealed.write(datagram)}};
}

TEST(WireFormat, GoldenVectorsOfTheDocumentation) {
  std::ifstream file(std::string(SEMWAVE_SOURCE_DIR) + "/docs/wire_format.md");
  ASSERT_TRUE(file);
  // A line "golden NAME", then lines of hexadecimal digits up to one that is none.
  std::map<std::string, std::string> golden;
  std::string* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("golden "))
      current = &golden[line.substr(7)];
    else if (current != nullptr && !line.empty() &&
             line.find_first_not_of("0123456789abcdef ") == std::string::npos) {
      for (const char c : line)
        if (c != ' ') *current += c;
    } else {
      current = nullptr;
    }
  }
  for (const auto& [name, bytes] : examples())
    EXPECT_EQ(golden[name], hex(bytes)) << "golden " << name;
  EXPECT_EQ(golden.size(), examples().size());
}

TEST(WireFormat, ChecksumIsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);              // RFC 3720 and the catalogue of CRCs
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);    // RFC 3720, B.4
  EXPECT_EQ(crc32c("56789", crc32c("1234")), 0xE3069283u);  // in pieces
}

template <class T>
void comes_back(const T& value, std::optional<T> (*read)(std::string_view)) {
  const std::string body = write(value);
  const auto back = read(body);
  ASSERT_TRUE(back);
  EXPECT_EQ(hex(write(*back)), hex(body));
  // Neither less nor more is the same.
  for (std::size_t length = 0; length < body.size(); ++length)
    EXPECT_FALSE(read(std::string_view(body).substr(0, length)))
        << "the first " << length << " bytes";
  EXPECT_FALSE(read(body + '\0'));
}

TEST(WireFormat, EveryMessageComesBackWholeOrNotAtAll) {
  comes_back<BurstMessage>(burst(), read_burst);
  comes_back<Answer>(answer(), read_answer);
  comes_back<Record>(record(), read_record);
  comes_back<Numbered>({7, "a%C3%A4.png 12 34"}, read_numbered);
  comes_back<Welcome>({.window = 3}, read_welcome);
  comes_back<Refusal>({RefusalCode::busy, "full"}, read_refusal);
  comes_back<Statement>({{{"/channel/snr_db", "10"}, {"/seed", "7"}}}, read_statement);
  comes_back<Report>({.snr_db = -3}, read_report);
  comes_back<std::vector<ImageKey>>({{1, 2}, {3, 4}}, read_receipt);
  const auto back = read_burst(write(burst()));
  EXPECT_EQ(back->header.parts, burst().header.parts);
  EXPECT_EQ(back->symbols, burst().symbols);
  EXPECT_EQ(back->places, burst().places);
  EXPECT_EQ(back->truth->original, "ab");
  const auto nan = read_answer(write(answer()));
  EXPECT_TRUE(std::isnan(nan->scores[1]));
}

TEST(WireFormat, QuantisedSymbolsAreWithinHalfAStep) {
  for (const auto& [format, steps] :
       {std::pair{SymbolFormat::int16, 32767.0}, std::pair{SymbolFormat::int8, 127.0}}) {
    BurstMessage message = burst();
    message.format = format;
    const auto back = read_burst(write(message));
    ASSERT_TRUE(back);
    for (std::size_t s = 0; s < message.symbols.size(); ++s) {
      EXPECT_NEAR(back->symbols[s].real(), message.symbols[s].real(), 2.0 / steps * 0.501);
      EXPECT_NEAR(back->symbols[s].imag(), message.symbols[s].imag(), 2.0 / steps * 0.501);
    }
  }
}

/// What a burst takes on the wire is what the ledger counts: 8 bytes a payload use, and the
/// header's bits.
TEST(WireFormat, BytesAgreeWithTheLedger) {
  BurstMessage without = burst();
  without.places.clear();
  without.truth.reset();
  BurstMessage more = without;
  more.symbols.insert(more.symbols.end(), 10, {0.5f, 0.5f});
  more.count += 10;
  EXPECT_EQ(write(more).size() - write(without).size(), 80u);
  const auto back = read_burst(write(more));
  EXPECT_EQ(back->symbols.size(), 13u);
  EXPECT_EQ(header_uses(back->header), header_uses(more.header));
}

TEST(WireFormat, WhatIsOutOfRangeIsRefused) {
  const auto refused = [](const std::function<void(BurstMessage&)>& change) {
    BurstMessage message = burst();
    change(message);
    return !read_burst(write(message)).has_value();
  };
  EXPECT_FALSE(refused([](BurstMessage&) {}));
  EXPECT_TRUE(refused([](BurstMessage& m) {
    m.symbols[1] = {std::numeric_limits<float>::quiet_NaN(), 0};
  }));
  EXPECT_TRUE(refused([](BurstMessage& m) {
    m.symbols[1] = {std::numeric_limits<float>::infinity(), 0};
  }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.header.format = 4; }));
  EXPECT_FALSE(refused([](BurstMessage& m) {
    m.header.parts.clear();
  }));  // what does not fit, and bounds, go without a header
  EXPECT_TRUE(refused([](BurstMessage& m) { m.header.parts.resize(5, Bits{1}); }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.header.parts[0].clear(); }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.places.pop_back(); }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.count = 4; }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.truth->keep_ratio = 1e10; }));
  EXPECT_TRUE(refused([](BurstMessage& m) { m.truth->exit_depth = -2; }));
  EXPECT_FALSE(read_statement(write(Statement{.lines = {{"/a", "\x1b[2J"}}})))
      << "moves the cursor";
  EXPECT_FALSE(read_statement(write(Statement{.lines = {{"/b", "1"}, {"/a", "1"}}})))
      << "not sorted";
  EXPECT_FALSE(read_statement(write(Statement{.lines = {{"/a", "1"}, {"/a", "1"}}}))) << "twice";
  Hello hello{.name = std::string("bad\nname")};
  EXPECT_FALSE(read_hello(write(hello)));
  hello.name = "\xC3\xA4 \xE2\x82\xAC";  // UTF-8
  EXPECT_TRUE(read_hello(write(hello)));
  hello.name = "\xC0\x80";
  EXPECT_FALSE(read_hello(write(hello)));
  hello.protocol = 77;  // of another version only that is read
  ASSERT_TRUE(read_hello(write(hello)));
  EXPECT_EQ(read_hello(write(hello))->protocol, 77);
}

TEST(Frames, ComeOutWholeHoweverTheyAreCut) {
  const auto all = examples();
  std::string stream;
  std::vector<std::string> bodies;
  for (const auto& [name, bytes] : all)
    if (!name.starts_with("datagram")) {
      stream += bytes;
      bodies.push_back(bytes.substr(frame_header_bytes));
    }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    FrameReader reader(1 << 16);
    std::size_t seen = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.append(std::string_view(stream).substr(at, piece));
      for (Frame frame; reader.next(frame); ++seen)
        EXPECT_EQ(hex(frame.body), hex(bodies.at(seen)));
    }
    EXPECT_EQ(seen, bodies.size());
    EXPECT_FALSE(reader.half());
    EXPECT_EQ(reader.fault(), FrameFault::none);
  }
}

TEST(Frames, AnyFlippedBitIsSeenAndALieAboutTheLengthTakesNoMemory) {
  const std::string whole = framed(FrameType::burst, write(burst()));
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    FrameReader reader(4096);
    reader.append(flipped);
    reader.append(std::string(4096, '\0'));  // what a longer length waits for
    Frame frame;
    EXPECT_FALSE(reader.next(frame)) << "bit " << bit;
    EXPECT_NE(reader.fault(), FrameFault::none) << "bit " << bit;
  }
  FrameReader reader(4096);
  std::string liar;
  ByteWriter(liar).number(std::uint32_t{0xFFFFFFF0u});
  liar += std::string("\x04\0\0\0\0\0\0\0", 8);
  reader.append(liar);
  Frame frame;
  EXPECT_FALSE(reader.next(frame));
  EXPECT_EQ(reader.fault(), FrameFault::length);
  FrameReader stranger(0);  // no burst before a hello
  stranger.append(whole.substr(0, frame_header_bytes));
  EXPECT_FALSE(stranger.next(frame));
  EXPECT_EQ(stranger.fault(), FrameFault::length);
}

/// Bodies with a right checksum and wrong contents: read, or refused, and what is read can be
/// written again.
TEST(WireFormat, GarbageIsRefusedOrMakesSense) {
  const std::vector<std::string> bodies{write(burst()), write(answer()), write(record())};
  int read = 0;
  for (std::uint32_t trial = 0; trial < 60000; ++trial) {
    std::string body = bodies[trial % bodies.size()];
    const RandomWords words = philox(11, Purpose::data_bits, trial, 0, 0);
    body[words[0] % body.size()] = static_cast<char>(words[1]);
    if (words[2] % 3 == 0) body[words[3] % body.size()] = static_cast<char>(words[1] >> 8);
    if (words[2] % 7 == 0) body.resize(words[3] % (body.size() + 1));
    if (const auto message = read_burst(body)) {
      ++read;
      EXPECT_TRUE(read_burst(write(*message)));
    }
    if (const auto message = read_answer(body)) {
      ++read;
      EXPECT_TRUE(read_answer(write(*message)));
    }
    if (const auto message = read_record(body)) {
      ++read;
      EXPECT_TRUE(read_record(write(*message)));
    }
  }
  EXPECT_GT(read, 1000);  // most flips of a number leave a number
}

TEST(Datagrams, SealedOnesOpenWithTheirKeyAlone) {
  const std::string key(datagram_key_bytes, 'k'), other(datagram_key_bytes, 'l');
  DatagramSeal seal(key), same(key), foreign(other), clear("");
  const Datagram datagram{
      .channel = 5, .sequence = 1, .key = {0, 3}, .first = 2, .symbols = {{0.25f, 2.0f}}};
  const std::string bytes = seal.write(datagram);
  const auto back = same.read(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->symbols, datagram.symbols);
  EXPECT_EQ(back->first, 2u);
  EXPECT_FALSE(foreign.read(bytes));
  EXPECT_FALSE(clear.read(bytes));
  EXPECT_FALSE(same.read(clear.write(datagram)));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(same.read(flipped)) << "bit " << bit;
  }
  EXPECT_EQ(bytes.find(std::string(8, '\0') + std::string("\0\0\x80\x3e", 4)),
            std::string::npos);  // the symbols do not stand there to be read
  Datagram full = datagram;
  full.symbols.assign(datagram_symbols, {1, 1});
  EXPECT_LE(seal.write(full).size(), datagram_bytes);
}

TEST(Datagrams, EachSequenceNumberPassesOnce) {
  ReplayWindow window;
  EXPECT_FALSE(window.passes(0));
  for (const std::uint64_t sequence : {1, 2, 5, 3, 4}) EXPECT_TRUE(window.passes(sequence));
  for (const std::uint64_t sequence : {1, 2, 3, 4, 5}) EXPECT_FALSE(window.passes(sequence));
  EXPECT_TRUE(window.passes(5 + ReplayWindow::size));
  EXPECT_FALSE(window.passes(5));  // too far behind to be known
  EXPECT_TRUE(window.passes(6));
  EXPECT_TRUE(window.passes(1u << 30));
  EXPECT_FALSE(window.passes(5 + ReplayWindow::size));
  EXPECT_TRUE(window.passes((1u << 30) - 1));
  // The largest there is: no number is behind it, and none is stepped over one by one.
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(window.passes(last));
  EXPECT_FALSE(window.passes(last));
  EXPECT_TRUE(window.passes(last - 1));
  EXPECT_FALSE(window.passes(last - ReplayWindow::size));
}

}  // namespace
}  // namespace semwave
