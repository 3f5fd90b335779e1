// Ctrl-C: the first ends the run after the work in hand and keeps what was done, a second one kills.
#pragma once

#include <atomic>

namespace semwave {

/// Set by SIGINT and SIGTERM once `listen_for_interrupts` was called.
extern std::atomic<bool> interrupted;
void listen_for_interrupts();

constexpr int interrupted_status = 130;

}  // namespace semwave
