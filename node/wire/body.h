// Parts that several bodies of messages have: numbers with their ranges, ledgers. A value out of
// its range fails the reader.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "node/wire/bytes.h"
#include "phy/burst/ledger.h"

namespace semwave {

template <class T>
void range(ByteReader& reader, T value, T from, T to) {
  if (!(value >= from && value <= to)) reader.fail();
}

inline bool flag(ByteReader& reader) {
  const auto value = reader.number<std::uint8_t>();
  range<std::uint8_t>(reader, value, 0, 1);
  return value == 1;
}

inline double finite(ByteReader& reader, double from, double to) {
  const auto value = reader.number<double>();
  range(reader, value, from, to);  // false for NaN too
  return value;
}

inline double score(ByteReader& reader) {
  const auto value = reader.number<double>();
  if (!std::isnan(value)) range(reader, value, -1e6, 1e6);
  return value;
}

template <std::size_t bytes>
std::array<std::uint8_t, bytes> identity(ByteReader& reader) {
  std::array<std::uint8_t, bytes> value{};
  const std::string_view taken = reader.bytes(bytes);
  std::copy(taken.begin(), taken.end(), value.begin());
  return value;
}

inline void write_ledger(ByteWriter& writer, const Ledger& uses) {
  for (const std::int64_t share :
       {uses.payload, uses.header, uses.pilots, uses.parity, uses.prefix})
    writer.number(share);
}

inline Ledger read_ledger(ByteReader& reader) {
  Ledger uses;
  for (std::int64_t* share :
       {&uses.payload, &uses.header, &uses.pilots, &uses.parity, &uses.prefix}) {
    *share = reader.number<std::int64_t>();
    range<std::int64_t>(reader, *share, 0, std::int64_t{1} << 40);
  }
  return uses;
}

/// The value where everything was read and nothing is left.
template <class T>
std::optional<T> whole(const ByteReader& reader, T value) {
  if (!reader.done()) return std::nullopt;
  return value;
}

}  // namespace semwave
