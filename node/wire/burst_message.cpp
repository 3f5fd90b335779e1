// The body of a burst's frame: what is on air, then what is not.
#include <algorithm>
#include <cmath>

#include "node/wire/body.h"
#include "node/wire/halves.h"
#include "node/wire/messages.h"
#include "phy/header/header_codec.h"

namespace semwave {
namespace {

constexpr std::uint32_t largest_symbols = 1u << 20;
constexpr std::size_t most_parts = 4, largest_part_bits = 4096, largest_told_bits = 1u << 22;
constexpr float largest_value = 1e4f;  // of unit mean power: beyond it stands no symbol of ours

/// The first bit is the highest of its byte.
void write_bits(ByteWriter& writer, const Bits& bits) {
  for (std::size_t begin = 0; begin < bits.size(); begin += 8) {
    std::uint8_t byte = 0;
    for (std::size_t b = 0; b < 8; ++b)
      byte = static_cast<std::uint8_t>(byte << 1 | (begin + b < bits.size() ? bits[begin + b] : 0));
    writer.number(byte);
  }
}

Bits read_bits(ByteReader& reader, std::size_t count) {
  const std::string_view packed = reader.bytes((count + 7) / 8);
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this out and sees to it that the
                               // fuzzer notices
  if (reader.failed()) return {};
#endif
  Bits bits(count);
  for (std::size_t b = 0; b < count; ++b)
    bits[b] =
        static_cast<std::uint8_t>(static_cast<unsigned char>(packed[b / 8]) >> (7 - b % 8) & 1);
  // What stands behind the last bit is 0: one burst is written in one way.
  if (count % 8 != 0 && (static_cast<unsigned char>(packed.back()) & (0xFFu >> count % 8)) != 0)
    reader.fail();
  return bits;
}

void write_header(ByteWriter& writer, const HeaderOnAir& header) {
  writer.number(static_cast<std::uint8_t>(header.format));
  writer.number(static_cast<std::uint8_t>(header.parts.size()));
  for (const Bits& part : header.parts) {
    writer.number(static_cast<std::uint16_t>(part.size()));
    write_bits(writer, part);
  }
}

HeaderOnAir read_header(ByteReader& reader) {
  HeaderOnAir header;
  header.format = reader.number<std::uint8_t>();
  range(reader, header.format, 0, static_cast<int>(header_formats().size()) - 1);
  const std::size_t parts = reader.number<std::uint8_t>();
  range<std::size_t>(reader, parts, 0, most_parts);
  for (std::size_t p = 0; p < parts && !reader.failed(); ++p) {
    const std::size_t bits = reader.number<std::uint16_t>();
    range<std::size_t>(reader, bits, 1, largest_part_bits);
    header.parts.push_back(read_bits(reader, bits));
  }
  return header;
}

std::size_t value_bytes(SymbolFormat format) {
  return format == SymbolFormat::float32 ? 4
         : format == SymbolFormat::int16 ? 2
         : format == SymbolFormat::int8  ? 1
                                         : 0;
}

void write_symbols(ByteWriter& writer, const BurstMessage& burst) {
  writer.number(static_cast<std::uint8_t>(burst.format));
  writer.number(burst.count);
  const auto* values = reinterpret_cast<const float*>(burst.symbols.data());
  const std::size_t count = 2 * burst.symbols.size();
  if (burst.format == SymbolFormat::float32)
    for (std::size_t v = 0; v < count; ++v) writer.number(values[v]);
  if (burst.format != SymbolFormat::int16 && burst.format != SymbolFormat::int8) return;
  const float steps = burst.format == SymbolFormat::int16 ? 32767.0f : 127.0f;
  float largest = 0;
  for (std::size_t v = 0; v < count; ++v) largest = std::max(largest, std::abs(values[v]));
  writer.number(largest);
  for (std::size_t v = 0; v < count; ++v) {
    const float step = largest > 0 ? std::round(values[v] / largest * steps) : 0;
    if (burst.format == SymbolFormat::int16)
      writer.number(static_cast<std::int16_t>(step));
    else
      writer.number(static_cast<std::int8_t>(step));
  }
}

void read_symbols(ByteReader& reader, BurstMessage& burst) {
  const auto format = reader.number<std::uint8_t>();
  range<std::uint8_t>(reader, format, 0, static_cast<std::uint8_t>(SymbolFormat::datagrams));
  if (reader.failed()) return;
  burst.format = static_cast<SymbolFormat>(format);
  burst.count = reader.number<std::uint32_t>();
  range(reader, burst.count, 0u, largest_symbols);
  float scale = 1;
  const bool scaled = burst.format == SymbolFormat::int16 || burst.format == SymbolFormat::int8;
  if (scaled) {
    scale = reader.number<float>();
    range(reader, scale, 0.0f, largest_value);
  }
  // Nothing is taken for symbols that are not there.
  if (reader.failed() || reader.left() < 2 * burst.count * value_bytes(burst.format))
    return reader.fail();
  if (burst.format == SymbolFormat::datagrams) return;
  burst.symbols.resize(burst.count);
  auto* values = reinterpret_cast<float*>(burst.symbols.data());
  for (std::size_t v = 0; v < 2 * std::size_t{burst.count}; ++v) {
    switch (burst.format) {
      case SymbolFormat::int16:
        values[v] = scale * static_cast<float>(reader.number<std::int16_t>()) / 32767.0f;
        break;
      case SymbolFormat::int8:
        values[v] = scale * static_cast<float>(reader.number<std::int8_t>()) / 127.0f;
        break;
      default:
        values[v] = reader.number<float>();
    }
    range(reader, values[v], -1.01f * largest_value, 1.01f * largest_value);
  }
}

/// Runs of places that follow each other: those of a token do.
void write_places(ByteWriter& writer, const std::vector<std::int32_t>& places) {
  std::vector<std::pair<std::uint32_t, std::uint16_t>> runs;
  for (const std::int32_t place : places) {
    const auto at = static_cast<std::uint32_t>(place);
    if (!runs.empty() && runs.back().second < 65535 && runs.back().first + runs.back().second == at)
      ++runs.back().second;
    else
      runs.emplace_back(at, 1);
  }
  writer.number(static_cast<std::uint32_t>(runs.size()));
  for (const auto& [first, length] : runs) {
    writer.number(first);
    writer.number(length);
  }
}

void read_places(ByteReader& reader, BurstMessage& burst) {
  const auto runs = reader.number<std::uint32_t>();
  if (reader.failed() || reader.left() < std::size_t{runs} * 6 || runs > burst.count)
    return reader.fail();
  for (std::uint32_t r = 0; r < runs; ++r) {
    const auto first = reader.number<std::uint32_t>();
    const auto length = reader.number<std::uint16_t>();
    if (first > 0x3FFFFFFFu || length == 0 || burst.places.size() + length > burst.count)
      return reader.fail();
    for (std::uint32_t s = 0; s < length; ++s)
      burst.places.push_back(static_cast<std::int32_t>(first + s));
  }
  if (!burst.places.empty() && burst.places.size() != burst.count) reader.fail();
}

void write_truth(ByteWriter& writer, const Truth& truth) {
  write_sent(writer, truth);
  writer.number(truth.operations);
  writer.number(truth.encode_ns);
  writer.number(static_cast<std::uint32_t>(truth.original.size()));
  writer.bytes(truth.original.data(), truth.original.size());
}

Truth read_truth(ByteReader& reader) {
  Truth truth;
  static_cast<SentHalf&>(truth) = read_sent(reader);
  truth.operations = finite(reader, 0, 1e18);
  truth.encode_ns = reader.number<std::uint64_t>();
  const auto original = reader.number<std::uint32_t>();
  truth.original = reader.bytes(original);
  return truth;
}

}  // namespace

std::string write(const BurstMessage& burst) {
  std::string body;
  ByteWriter writer(body);
  writer.number(burst.point);
  writer.number(burst.image);
  write_header(writer, burst.header);
  write_symbols(writer, burst);
  writer.number(burst.parity);
  writer.number(burst.piece);
  writer.number(static_cast<std::uint32_t>(burst.told.size()));
  write_bits(writer, burst.told);
  write_places(writer, burst.places);
  writer.number(static_cast<std::uint8_t>(burst.truth.has_value()));
  if (burst.truth) write_truth(writer, *burst.truth);
  return body;
}

std::optional<BurstMessage> read_burst(std::string_view body) {
  ByteReader reader(body);
  BurstMessage burst;
  burst.point = reader.number<std::uint32_t>();
  burst.image = reader.number<std::uint32_t>();
  range(reader, burst.image, 0u, 0x7FFFFFFFu);
  burst.header = read_header(reader);
  if (!reader.failed()) read_symbols(reader, burst);
  burst.parity = reader.number<std::uint32_t>();
  range(reader, burst.parity, 0u, burst.count);
  burst.piece = reader.number<std::uint16_t>();
  const auto told = reader.number<std::uint32_t>();
  range<std::size_t>(reader, told, 0, largest_told_bits);
  if (!reader.failed()) burst.told = read_bits(reader, told);
  if (!reader.failed()) read_places(reader, burst);
  if (flag(reader)) burst.truth = read_truth(reader);
  return whole(reader, std::move(burst));
}

}  // namespace semwave
