// The bodies of frames as values. Reading is strict: a body is taken only where every field is in
// its range and no byte is left over, so that nothing behind has to doubt it. Byte by byte:
// docs/wire_format.md.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiment/results/record.h"
#include "phy/burst/burst.h"
#include "phy/burst/ledger.h"

namespace semwave {

inline constexpr std::uint16_t protocol_version = 3;
using Digest = std::array<std::uint8_t, 32>;  // SHA-256
using NodeId = std::array<std::uint8_t, 16>;  // random, kept in a result folder; tells a
                                              // transmitter that came back from another one

std::string hexadecimal(std::span<const std::uint8_t> bytes);
/// Of a digest as 64 hexadecimal digits; zeros for an empty text.
Digest digest_of(const std::string& hexadecimal);

/// How the I/Q values of a burst are written.
enum class SymbolFormat : std::uint8_t {
  float32 = 0,  // as they are: what makes a node equal to the simulator
  int16 = 1,    // of the largest value's magnitude
  int8 = 2,
  datagrams = 3,  // not here: they come as datagrams, those of float32
};

struct Hello {
  std::uint16_t protocol = protocol_version;
  NodeId node{};
  Digest scenario{}, model{}, data{};  // all points together; zeros of a watched folder
  std::uint32_t points = 1;
  std::uint16_t report_every = 0;  // images between two reports; 0: none
  bool datagrams = false;          // asks for a port
  std::string name;                // for logs and pages
};

struct Welcome {
  std::uint16_t protocol = protocol_version;
  std::uint32_t window = 1;         // images without an answer
  std::uint16_t datagram_port = 0;  // 0: none
  std::uint64_t channel = 0;        // names this connection in datagrams
  std::uint32_t largest_burst =
      1;  // bytes of a burst's body, or of its symbols where they are datagrams
};

enum class RefusalCode : std::uint16_t {
  protocol = 1,
  scenario = 2,
  model = 3,
  busy = 4,
  ending = 5,
  malformed = 6
};
struct Refusal {
  RefusalCode code = RefusalCode::malformed;
  std::string reason;
  /// Trying again later may help.
  bool passes() const { return code == RefusalCode::busy || code == RefusalCode::ending; }
};

/// What a scenario says, key by key, as far as a frame holds it: printable, shortened, sorted by
/// key.
struct Statement {
  struct Line {
    std::string key, value;
  };
  std::vector<Line> lines;
  bool whole = true;  // false: keys behind the last one are left out
};

/// What the experiment knows of an image and no receiver of the real world would: for rows and
/// records, not on air and in no ledger.
struct Truth : SentHalf {
  double operations = 0;
  std::uint64_t encode_ns = 0;
  std::string original;  // 8 bits a value where a metric needs the image, else empty
};

/// One image on air.
struct BurstMessage {
  std::uint32_t point = 0, image = 0;
  HeaderOnAir header;
  SymbolFormat format = SymbolFormat::float32;
  std::uint32_t count = 0;                   // payload symbols
  std::vector<std::complex<float>> symbols;  // [count], none with `datagrams`
  std::uint32_t parity = 0;  // of the payload symbols, as the sender's ledger has it
  std::uint16_t piece = 0;   // payload symbols in a row that the simulated channel loses together;
                             // 0: the whole payload
  Bits told;  // what reaches the receiver beside the symbols, for bounds that no code reaches; not
              // on air
  std::vector<std::int32_t> places;  // [count] or empty: keys of the simulated noise, not on air
  std::optional<Truth> truth;
};

struct Answer : HeardHalf {
  std::uint32_t point = 0, image = 0;
  double operations = 0;
  std::vector<std::uint32_t> expert_rows;  // [experts]
  std::uint32_t erased = 0;                // symbols that never came
  std::uint64_t queue_ns = 0, channel_ns = 0, decode_ns = 0;
};

struct ImageKey {
  std::uint32_t point = 0, image = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the zero of the comparison
  auto operator<=>(const ImageKey&) const = default;
};

/// What a receiver measured since its last report.
struct Report {
  std::uint32_t serial = 0;
  std::uint32_t last_image = 0;  // the newest it speaks of
  std::uint32_t images = 0, headers_lost = 0, symbols = 0, erased = 0;
  double snr_db =
      0;  // from the headers it read: phy/burst/burst.h's symbols against what they were
  std::uint32_t queue = 0;  // images waiting here
};

/// A line of a journal: an image that is done, as both ends know it.
struct Record {
  NodeId node{};
  std::uint32_t point = 0;
  Digest data{};
  std::string name;    // of a watched file
  bool truth = false;  // the transmitter's half came along
  ImageRecord image;
  double transmitter_operations = 0, receiver_operations = 0;
  std::vector<std::uint32_t> expert_rows;
  std::uint32_t erased = 0;
  std::array<std::uint64_t, 5>
      ns{};  // encode, queue, wire, channel, decode; those an end does not know are 0
  ImageKey key() const { return {point, image.image}; }
};

/// The half of a record that its transmitter knows, without the original.
Truth truth_of(const Record& record);
/// The answer that a record was made of.
Answer answer_of(const Record& record);

/// The number that a picture of a watched folder goes by, kept before its burst leaves: another
/// life of the transmitter must not give it to another one.
struct Numbered {
  std::uint32_t image = 0;
  std::string name;
};

// Bodies. Readers return nothing for what is no such body.
std::string write(const Hello& hello);
std::string write(const Welcome& welcome);
std::string write(const Refusal& refusal);
/// Lines that do not fit the largest body are left out, and `whole` says so.
std::string write(const Statement& statement);
std::string write(const BurstMessage& burst);
std::string write(const Answer& answer);
std::string write(const std::vector<ImageKey>& receipt);  // at most `most_receipts`
std::string write(const Report& report);
std::string write(const Record& record);
std::string write(const Numbered& numbered);
std::string write_goodbye(std::string_view reason);
inline constexpr std::size_t most_receipts = 2000;
inline constexpr std::size_t longest_stated = 100;  // bytes of a key, and of a value

std::optional<Hello> read_hello(std::string_view body);
std::optional<Welcome> read_welcome(std::string_view body);
std::optional<Refusal> read_refusal(std::string_view body);
std::optional<Statement> read_statement(std::string_view body);
std::optional<BurstMessage> read_burst(std::string_view body);
std::optional<Answer> read_answer(std::string_view body);
std::optional<std::vector<ImageKey>> read_receipt(std::string_view body);
std::optional<Report> read_report(std::string_view body);
std::optional<Record> read_record(std::string_view body);
std::optional<Numbered> read_numbered(std::string_view body);
std::optional<std::string> read_goodbye(std::string_view body);

}  // namespace semwave
