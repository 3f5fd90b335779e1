// Ctrl-C: the first ends the run after the work in hand and keeps what was done, a second one
// kills.
#pragma once

#include <atomic>

namespace semwave {

/// Set by SIGINT and SIGTERM once `listen_for_interrupts` was called.
extern std::atomic<bool> interrupted;
void listen_for_interrupts();

/// Set by SIGHUP once `listen_for_hangups` was called; whoever has seen it takes it back.
extern std::atomic<bool> hung_up;
void listen_for_hangups();

constexpr int interrupted_status = 130;

}  // namespace semwave
