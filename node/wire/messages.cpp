#include "node/wire/messages.h"

#include <algorithm>
#include <cmath>

#include "node/wire/body.h"
#include "node/wire/frame.h"
#include "node/wire/halves.h"

namespace semwave {
namespace {

constexpr std::size_t most_experts = 256, longest_name = 255, longest_reason = 500;
constexpr std::size_t statement_header_bytes = 3;  // whole, count

/// What of an ImageRecord a journal keeps: both halves, and all else but what only timelines have.
/// A field that it gains has to travel too, and to stand in docs/wire_format.md.
static_assert(sizeof(ImageRecord) == sizeof(SentHalf) + sizeof(HeardHalf) + 32,
              "ImageRecord has another field: let it travel");
void write_image(ByteWriter& writer, const ImageRecord& image) {
  for (const std::uint32_t value : {image.image, image.link, image.slot}) writer.number(value);
  writer.number(image.snr_db);
  write_sent(writer, image);
  write_heard(writer, image);
}

ImageRecord read_image(ByteReader& reader) {
  ImageRecord image;
  for (std::uint32_t* value : {&image.image, &image.link, &image.slot})
    *value = reader.number<std::uint32_t>();
  image.snr_db = finite(reader, -1e6, 1e9);
  static_cast<SentHalf&>(image) = read_sent(reader);
  static_cast<HeardHalf&>(image) = read_heard(reader);
  return image;
}

void write_rows(ByteWriter& writer, const std::vector<std::uint32_t>& rows) {
  writer.number(static_cast<std::uint16_t>(rows.size()));
  for (const std::uint32_t row : rows) writer.number(row);
}

std::vector<std::uint32_t> read_rows(ByteReader& reader) {
  const std::size_t count = reader.number<std::uint16_t>();
  range<std::size_t>(reader, count, 0, most_experts);
  std::vector<std::uint32_t> rows;
  for (std::size_t e = 0; e < count && !reader.failed(); ++e)
    rows.push_back(reader.number<std::uint32_t>());
  return rows;
}

}  // namespace

Truth truth_of(const Record& record) {
  Truth truth;
  static_cast<SentHalf&>(truth) = record.image;
  truth.operations = record.transmitter_operations;
  truth.encode_ns = record.ns[0];
  return truth;
}

Answer answer_of(const Record& record) {
  Answer answer;
  static_cast<HeardHalf&>(answer) = record.image;
  answer.point = record.point;
  answer.image = record.image.image;
  answer.operations = record.receiver_operations;
  answer.expert_rows = record.expert_rows;
  answer.erased = record.erased;
  answer.queue_ns = record.ns[1];
  answer.channel_ns = record.ns[3];
  answer.decode_ns = record.ns[4];
  return answer;
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes)
    for (const int digit : {byte >> 4, byte & 15}) text += "0123456789abcdef"[digit];
  return text;
}

Digest digest_of(const std::string& hexadecimal) {
  Digest digest{};
  const auto digit = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  for (std::size_t i = 0; i < digest.size() && 2 * i + 1 < hexadecimal.size(); ++i)
    digest[i] =
        static_cast<std::uint8_t>(digit(hexadecimal[2 * i]) << 4 | digit(hexadecimal[2 * i + 1]));
  return digest;
}

std::string write(const Hello& hello) {
  std::string body;
  ByteWriter writer(body);
  writer.number(hello.protocol);  // first in every version: what follows may change
  writer.bytes(hello.node.data(), hello.node.size());
  for (const Digest* digest : {&hello.scenario, &hello.model, &hello.data})
    writer.bytes(digest->data(), digest->size());
  writer.number(hello.points);
  writer.number(hello.report_every);
  writer.number(static_cast<std::uint8_t>(hello.datagrams));
  writer.text(hello.name, longest_name);
  return body;
}

std::optional<Hello> read_hello(std::string_view body) {
  ByteReader reader(body);
  Hello hello;
  hello.protocol = reader.number<std::uint16_t>();
  // Of another version no more is read than that it is one: the refusal says so.
  if (!reader.failed() && hello.protocol != protocol_version) return hello;
  hello.node = identity<16>(reader);
  for (Digest* digest : {&hello.scenario, &hello.model, &hello.data})
    *digest = identity<32>(reader);
  hello.points = reader.number<std::uint32_t>();
  hello.report_every = reader.number<std::uint16_t>();
  hello.datagrams = flag(reader);
  hello.name = reader.text(longest_name);
  return whole(reader, std::move(hello));
}

std::string write(const Welcome& welcome) {
  std::string body;
  ByteWriter writer(body);
  writer.number(welcome.protocol);
  writer.number(welcome.window);
  writer.number(welcome.datagram_port);
  writer.number(welcome.channel);
  writer.number(welcome.largest_burst);
  return body;
}

std::optional<Welcome> read_welcome(std::string_view body) {
  ByteReader reader(body);
  Welcome welcome;
  welcome.protocol = reader.number<std::uint16_t>();
  welcome.window = reader.number<std::uint32_t>();
  range(reader, welcome.window, 1u, 1u << 20);
  welcome.datagram_port = reader.number<std::uint16_t>();
  welcome.channel = reader.number<std::uint64_t>();
  welcome.largest_burst = reader.number<std::uint32_t>();
  range(reader, welcome.largest_burst, 1u, 1u << 30);
  return whole(reader, welcome);
}

std::string write(const Refusal& refusal) {
  std::string body;
  ByteWriter writer(body);
  writer.number(static_cast<std::uint16_t>(refusal.code));
  writer.text(refusal.reason, longest_reason);
  return body;
}

std::optional<Refusal> read_refusal(std::string_view body) {
  ByteReader reader(body);
  Refusal refusal;
  const auto code = reader.number<std::uint16_t>();
  range<std::uint16_t>(reader, code, 1, 6);
  refusal.code = static_cast<RefusalCode>(code);
  refusal.reason = reader.text(longest_reason);
  return whole(reader, std::move(refusal));
}

std::string write(const Statement& statement) {
  std::string lines;
  ByteWriter writer(lines);
  std::uint16_t count = 0;
  for (const Statement::Line& line : statement.lines) {
    const std::size_t before = lines.size();
    writer.text(line.key, longest_stated);
    writer.text(line.value, longest_stated);
    if (lines.size() + statement_header_bytes > largest_listing) {
      lines.resize(before);
      break;
    }
    ++count;
  }
  std::string body;
  ByteWriter header(body);
  header.number(static_cast<std::uint8_t>(statement.whole && count == statement.lines.size()));
  header.number(count);
  return body + lines;
}

std::optional<Statement> read_statement(std::string_view body) {
  ByteReader reader(body);
  Statement statement;
  statement.whole = flag(reader);
  const auto count = reader.number<std::uint16_t>();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
    std::string key = reader.text(longest_stated);
    std::string value = reader.text(longest_stated);
    if (!statement.lines.empty() && key <= statement.lines.back().key) reader.fail();
    statement.lines.push_back({std::move(key), std::move(value)});
  }
  return whole(reader, std::move(statement));
}

std::string write(const Answer& answer) {
  std::string body;
  ByteWriter writer(body);
  writer.number(answer.point);
  writer.number(answer.image);
  write_heard(writer, answer);
  writer.number(answer.operations);
  write_rows(writer, answer.expert_rows);
  writer.number(answer.erased);
  for (const std::uint64_t ns : {answer.queue_ns, answer.channel_ns, answer.decode_ns})
    writer.number(ns);
  return body;
}

std::optional<Answer> read_answer(std::string_view body) {
  ByteReader reader(body);
  Answer answer;
  answer.point = reader.number<std::uint32_t>();
  answer.image = reader.number<std::uint32_t>();
  static_cast<HeardHalf&>(answer) = read_heard(reader);
  answer.operations = finite(reader, 0, 1e18);
  answer.expert_rows = read_rows(reader);
  answer.erased = reader.number<std::uint32_t>();
  for (std::uint64_t* ns : {&answer.queue_ns, &answer.channel_ns, &answer.decode_ns})
    *ns = reader.number<std::uint64_t>();
  return whole(reader, std::move(answer));
}

std::string write(const std::vector<ImageKey>& receipt) {
  std::string body;
  ByteWriter writer(body);
  writer.number(static_cast<std::uint16_t>(receipt.size()));
  for (const ImageKey& key : receipt) {
    writer.number(key.point);
    writer.number(key.image);
  }
  return body;
}

std::optional<std::vector<ImageKey>> read_receipt(std::string_view body) {
  ByteReader reader(body);
  const std::size_t count = reader.number<std::uint16_t>();
  range<std::size_t>(reader, count, 1, most_receipts);
  std::vector<ImageKey> receipt;
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    ImageKey key;
    key.point = reader.number<std::uint32_t>();
    key.image = reader.number<std::uint32_t>();
    receipt.push_back(key);
  }
  return whole(reader, std::move(receipt));
}

std::string write(const Report& report) {
  std::string body;
  ByteWriter writer(body);
  for (const std::uint32_t value :
       {report.serial, report.last_image, report.images, report.headers_lost, report.symbols,
        report.erased, report.queue})
    writer.number(value);
  writer.number(report.snr_db);
  return body;
}

std::optional<Report> read_report(std::string_view body) {
  ByteReader reader(body);
  Report report;
  for (std::uint32_t* value :
       {&report.serial, &report.last_image, &report.images, &report.headers_lost, &report.symbols,
        &report.erased, &report.queue})
    *value = reader.number<std::uint32_t>();
  report.snr_db = finite(reader, -200, 200);
  return whole(reader, report);
}

std::string write(const Record& record) {
  std::string body;
  ByteWriter writer(body);
  writer.bytes(record.node.data(), record.node.size());
  writer.number(record.point);
  writer.bytes(record.data.data(), record.data.size());
  writer.text(record.name, longest_name);
  writer.number(static_cast<std::uint8_t>(record.truth));
  write_image(writer, record.image);
  writer.number(record.transmitter_operations);
  writer.number(record.receiver_operations);
  write_rows(writer, record.expert_rows);
  writer.number(record.erased);
  for (const std::uint64_t ns : record.ns) writer.number(ns);
  return body;
}

std::optional<Record> read_record(std::string_view body) {
  ByteReader reader(body);
  Record record;
  record.node = identity<16>(reader);
  record.point = reader.number<std::uint32_t>();
  record.data = identity<32>(reader);
  record.name = reader.text(longest_name);
  record.truth = flag(reader);
  record.image = read_image(reader);
  record.transmitter_operations = finite(reader, 0, 1e18);
  record.receiver_operations = finite(reader, 0, 1e18);
  record.expert_rows = read_rows(reader);
  record.erased = reader.number<std::uint32_t>();
  for (std::uint64_t& ns : record.ns) ns = reader.number<std::uint64_t>();
  return whole(reader, std::move(record));
}

std::string write(const Numbered& numbered) {
  std::string body;
  ByteWriter writer(body);
  writer.number(numbered.image);
  writer.text(numbered.name, longest_name);
  return body;
}

std::optional<Numbered> read_numbered(std::string_view body) {
  ByteReader reader(body);
  Numbered numbered;
  numbered.image = reader.number<std::uint32_t>();
  range(reader, numbered.image, 0u, 0x7FFFFFFFu);
  numbered.name = reader.text(longest_name);
  return whole(reader, std::move(numbered));
}

std::string write_goodbye(std::string_view reason) {
  std::string body;
  ByteWriter(body).text(reason, longest_reason);
  return body;
}

std::optional<std::string> read_goodbye(std::string_view body) {
  ByteReader reader(body);
  std::string reason = reader.text(longest_reason);
  return whole(reader, std::move(reason));
}

}  // namespace semwave
