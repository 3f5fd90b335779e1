// Payload symbols as datagrams: at most 1200 bytes each, numbered, sealed (AES-256-GCM, RFC 5116)
// where the connection beside them is TLS, else closed by a CRC-32C. Byte by byte:
// docs/wire_format.md. What is lost or comes late is an erasure; nothing is sent again.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/wire/messages.h"

namespace semwave {

inline constexpr std::size_t datagram_bytes = 1200;
inline constexpr std::size_t datagram_key_bytes = 32;
inline constexpr std::string_view datagram_key_label = "EXPORTER-semwave-datagrams";
inline constexpr std::size_t datagram_header_bytes = 20,
                             datagram_fixed_bytes = datagram_header_bytes + 14,
                             datagram_tag_bytes = 16;
inline constexpr std::size_t datagram_symbols =
    (datagram_bytes - datagram_fixed_bytes - datagram_tag_bytes) / 8;

/// Symbols [first, first + symbols.size()) of one image.
struct Datagram {
  std::uint64_t channel = 0, sequence = 0;
  ImageKey key;
  std::uint32_t first = 0;
  std::vector<std::complex<float>> symbols;
};

/// One direction of one connection's datagrams; of the key nothing is kept but the cipher's state.
class DatagramSeal {
 public:
  /// An empty key: datagrams in the clear.
  explicit DatagramSeal(const std::string& key);
  ~DatagramSeal();
  DatagramSeal(const DatagramSeal&) = delete;
  DatagramSeal& operator=(const DatagramSeal&) = delete;

  /// At most datagram_symbols; a sequence number is used once with a key, ascending from 1.
  std::string write(const Datagram& datagram);
  /// Nothing where it is no datagram of this channel and key, whole and in its ranges.
  std::optional<Datagram> read(std::string_view bytes);

 private:
  struct Cipher;
  std::unique_ptr<Cipher> cipher_;
};

/// Whom a datagram says it is for, before anything of it is believed.
std::optional<std::uint64_t> channel_of(std::string_view bytes);

/// Sequence numbers that have been seen: each passes once, and none that is far behind the newest
/// (as RFC 4303, 3.4.3).
class ReplayWindow {
 public:
  static constexpr std::uint64_t size = 4096;
  bool passes(std::uint64_t sequence);

 private:
  std::uint64_t newest_ = 0;
  std::vector<bool> seen_ = std::vector<bool>(size);
};

}  // namespace semwave
