// CRC-32C (Castagnoli, 0x1EDC6F41 reflected; RFC 3720, appendix B.4), of every frame and datagram.
#pragma once

#include <cstdint>
#include <string_view>

namespace semwave {

/// Of `bytes` behind those that gave `before`.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace semwave
