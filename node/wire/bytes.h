// Little-endian numbers to bytes and back. A reader never reads beyond its end: what is not there
// is 0 and marks it as failed, so that a message is read straight through and asked once whether it
// was whole.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace semwave {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <class T>
  void number(T value) {  // integers, float and double
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
    out_.append(bytes.data(), bytes.size());
  }
  void bytes(const void* data, std::size_t count) {
    out_.append(static_cast<const char*>(data), count);
  }
  /// 16 bits of length, then the bytes; what is longer than `most` is cut, between two characters
  /// of UTF-8.
  void text(std::string_view value, std::size_t most) {
    if (value.size() > most) {
      while (most > 0 && (static_cast<unsigned char>(value[most]) & 0xC0u) == 0x80u) --most;
      value = value.substr(0, most);
    }
    number(static_cast<std::uint16_t>(value.size()));
    bytes(value.data(), value.size());
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      fail();
      return value;
    }
    std::array<char, sizeof(T)> taken;
    std::memcpy(taken.data(), bytes_.data(), sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(taken);
    std::memcpy(&value, taken.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (bytes_.size() < count) {
      fail();
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  /// Fails where the text is longer than `most` or is no printable UTF-8: it goes to logs and
  /// pages.
  std::string text(std::size_t most);
  void fail() {
    failed_ = true;
    bytes_ = {};
  }
  std::size_t left() const { return bytes_.size(); }
  bool failed() const { return failed_; }
  /// Everything was there, and nothing is left.
  bool done() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

}  // namespace semwave
