// Over what a sender holds its mean power at 1: docs/conventions.md.
#pragma once

#include <cstdint>

namespace semwave {

enum class PowerScope : std::uint8_t { image, token, symbol };

}  // namespace semwave
