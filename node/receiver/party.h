// What a receiver holds of one transmitter's conversation, whoever carries its bytes, and of one
// transmitter over all of its conversations.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/net/clock.h"
#include "node/receiver/hearing.h"
#include "node/wire/datagram.h"
#include "node/wire/frame.h"

namespace semwave {

/// A burst in a queue.
struct Waiting {
  Incoming image;
  NodeClock::time_point arrived;
  std::size_t bytes = 0;  // of memory, as far as a peer can choose them
};

/// A burst whose symbols come as datagrams. They may overtake its frame: until that is there they
/// are kept as they came.
struct Assembly {
  bool announced = false;
  Waiting waiting;  // with its frame; `erased` holds what has not come yet
  std::size_t missing = 0;
  std::vector<Datagram> early;
  std::size_t early_bytes = 0;
  NodeClock::time_point begun = NodeClock::now();
};

struct Party {
  FrameReader frames{0};
  Hello hello;
  std::string name;                                        // for logs and pages
  bool here = false;                                       // between Intake::join and Intake::leave
  bool greeted = false, leaving = false, refused = false;  // refused: nothing more is heard of it
  bool datagrams = false;                                  // it may send them
  std::uint32_t window = 1;                                // granted: images without an answer
  std::deque<Waiting> queue;
  std::size_t queued_bytes = 0;  // of the queue and the assemblies
  std::map<ImageKey, Assembly> assemblies;
  std::size_t announced = 0;  // of these
  std::string outbox;
  std::int64_t answered = 0;
  Report report;                 // of what came since the last one
  double signal = 0, noise = 0;  // of the headers it speaks of
  // Memory: of the connection itself, of what is being written; and all of it as the budget has it.
  std::size_t fixed_bytes = 0, sending_bytes = 0, charged_bytes = 0;
};

/// A transmitter, by the identity it brings: what was recorded of it, whichever conversation that
/// came over.
struct Past {
  std::set<ImageKey> recorded;
  std::map<ImageKey, std::string> open_answers;  // frames whose receipt has not come
};

}  // namespace semwave
