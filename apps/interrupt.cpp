#include "apps/interrupt.h"

#include <csignal>

namespace semwave {

std::atomic<bool> interrupted{false}, hung_up{false};
static_assert(std::atomic<bool>::is_always_lock_free,
              "the handler may only touch what needs no lock");

void listen_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted.store(true); };
  sigemptyset(&action.sa_mask);
  action.sa_flags =
      static_cast<int>(SA_RESETHAND) | SA_RESTART;  // the second signal meets the default again
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void listen_for_hangups() {
  struct sigaction action {};
  action.sa_handler = [](int) { hung_up.store(true); };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

}  // namespace semwave
