// SHA-256 (FIPS 180-4) in pieces: what data sets, checkpoints and points are told apart by. The core's own, so that it needs no
// cryptographic library; about 300 MB/s, and nothing secret depends on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace semwave {

class Sha256 {
 public:
  void add(const void* data, std::size_t bytes);
  /// 64 hexadecimal digits of everything added. Ends the sum: nothing may be added afterwards.
  std::string hex();

 private:
  void block(const std::uint8_t* bytes);

  std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t total_ = 0;  // bytes added
};

}  // namespace semwave
