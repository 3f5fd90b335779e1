// Channel uses of one image, each share by itself. One complex symbol is one use.
#pragma once

#include <cstdint>

namespace semwave {

struct Ledger {
  std::int64_t payload = 0;
  std::int64_t header = 0;
  std::int64_t pilots = 0;
  std::int64_t parity = 0;
  std::int64_t prefix = 0;

  Ledger& operator+=(const Ledger& other) {
    payload += other.payload;
    header += other.header;
    pilots += other.pilots;
    parity += other.parity;
    prefix += other.prefix;
    return *this;
  }

  std::int64_t total() const { return payload + header + pilots + parity + prefix; }
};

}  // namespace semwave
