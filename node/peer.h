// What a receiver keeps of one connection, and of one transmitter over all of its connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/ip/udp.hpp>

#include "node/clock.h"
#include "node/connection.h"
#include "node/datagram.h"
#include "node/frame.h"
#include "node/hearing.h"

namespace semwave {

/// A burst in a queue.
struct Waiting {
  Incoming image;
  NodeClock::time_point arrived;
  std::size_t bytes = 0;  // of memory, as far as a peer can choose them
};

/// A burst whose symbols come as datagrams. They may overtake its frame: until that is there they are kept as they came.
struct Assembly {
  bool announced = false;
  Waiting waiting;                    // with its frame; `erased` holds what has not come yet
  std::size_t missing = 0;
  std::vector<Datagram> early;
  std::size_t early_bytes = 0;
  NodeClock::time_point begun = NodeClock::now();
};

struct Peer {
  Peer(Connection::Socket socket, TlsContext tls, boost::asio::any_io_executor executor, std::uint64_t channel_number)
      : connection(std::move(socket), std::move(tls)), frames(0), room(executor), channel(channel_number) {}

  Connection connection;
  FrameReader frames;
  Signal room;                        // its reader waits here while its queue is full
  std::uint64_t channel;              // names the connection in datagrams
  Hello hello;
  std::string name;                   // for logs and pages
  std::optional<CertificateId> certificate;  // over TLS: the name is its
  bool admitted = false;              // to a TLS handshake
  bool greeted = false, leaving = false;
  NodeClock::time_point opened = NodeClock::now(), heard = opened, half_since = opened, written = opened;
  bool half = false;                  // a frame has begun
  std::uint32_t window = 1;           // granted: images without an answer
  std::deque<Waiting> queue;
  std::size_t queued_bytes = 0;       // of the queue and the assemblies
  std::string outbox;
  bool writing = false;
  std::int64_t answered = 0;
  Report report;                      // of what came since the last one
  double signal = 0, noise = 0;       // of the headers it speaks of
  std::unique_ptr<DatagramSeal> seal; // where it sends datagrams
  ReplayWindow replays;
  std::shared_ptr<asio::ip::udp::socket> own_port;  // hears `own_from` alone, once that has been believed
  asio::ip::udp::endpoint own_from;
  NodeClock::time_point own_since{};
  std::map<ImageKey, Assembly> assemblies;
  std::size_t announced = 0;          // of these
};

/// A transmitter, by the identity it brings: what was recorded of it, whichever connection that came over.
struct Past {
  std::set<ImageKey> recorded;
  std::map<ImageKey, std::string> open_answers;  // frames whose receipt has not come
};

}  // namespace semwave
