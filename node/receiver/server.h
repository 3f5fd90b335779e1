// A receiver behind a socket: many transmitters, one thread that talks, and a pool that computes.
// While the pool works on a batch, what peers send waits in the kernel's buffers; there is no lock
// and nothing to hand over.
//
// Every image is recorded in the journal before its answer leaves, and is recorded once however
// often it comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "experiment/results/results.h"
#include "node/net/log.h"
#include "node/net/security.h"
#include "node/record/station.h"

namespace semwave {

struct ServerOptions {
  std::string host = "127.0.0.1";  // name or address to listen on
  std::uint16_t port = 0;          // 0: any that is free
  std::optional<KeyFiles> keys;
  bool insecure = false;    // plain sockets beyond loopback
  std::string status_host;  // of the status page; empty: none
  std::uint16_t status_port = 0;
  int shard = 1;           // images a pass
  int largest_batch = 64;  // images given to the pool at once
  double longest_wait =
      0;  // seconds a batch may wait to fill; 0: what is there when the pool is free
  std::uint32_t window = 256;  // images of one peer without an answer
  std::size_t largest_burst = 1u << 20;
  std::size_t memory_bytes = 1u << 30;  // of the whole program, as far as peers can fill it
  std::size_t most_bytes_a_peer = 8u
                                  << 20;  // of bursts that wait; beyond it a peer is not read from
  int most_connections = 1000;
  double handshakes_per_second =
      400;  // of TLS: a key exchange is what a stranger can make us work most for
  double handshake_seconds = 5, frame_seconds = 10, idle_seconds = 60, drain_seconds = 10;
  double datagram_seconds = 0.2;  // from a burst's frame to its last datagram
  bool datagrams =
      true;  // offers a port where it is asked for; it is open only while somebody uses it
  std::int64_t count = 0;  // ends once so many images are recorded and answered; 0: never
  std::string out;         // result folder; empty: everything is in memory
  OrderedJson about;       // for run.json
  const std::atomic<bool>* stop = nullptr;
  std::atomic<bool>* reread =
      nullptr;  // taken back once the list of revoked certificates has been read again
  LogSink log;
  std::function<void(std::uint16_t port, std::uint16_t status_port)> listening;
  std::function<void(std::size_t bytes)> budget;  // before that: what of the memory peers may fill
  std::function<void(std::int64_t images, int peers)> progress;
};

struct ServerSummary {
  std::vector<OrderedJson> rows;
  std::int64_t images = 0, repeated = 0;                   // recorded; that came again
  std::int64_t refused = 0, malformed = 0, timed_out = 0;  // connections
};

class Server {
 public:
  /// Listens, and reads the journal of an earlier life. The station and the pool outlive it. Throws
  /// Error where that cannot be.
  Server(const Station& station, ThreadPool& pool, ServerOptions options);
  ~Server();
  /// Until `stop` or `count`; then what is in flight is finished and rows are written.
  ServerSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semwave
