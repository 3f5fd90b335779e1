// Numbers that nobody guesses: names of nodes and of connections. No result depends on them.
#pragma once

#include <cstddef>

namespace semwave {

/// From the system's generator by way of OpenSSL. Throws Error where there is none.
void fill_random(void* bytes, std::size_t count);

}  // namespace semwave
