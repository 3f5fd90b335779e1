// A transmitter behind a socket: sends the images of a data set or of a watched folder, keeps each
// until its answer is in the journal, and goes on where it was whenever the connection or either
// program has died. One thread talks and has the pool encode.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/results/results.h"
#include "node/net/log.h"
#include "node/net/security.h"
#include "node/record/station.h"

namespace semwave {

struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::optional<KeyFiles> keys;
  bool insecure = false;
  std::string peer;   // whom the receiver's certificate must name; empty: the host
  std::string name;   // for the receiver's log and page
  std::string out;    // result folder; empty: everything is in memory
  OrderedJson about;  // for run.json
  std::string watch;  // folder of pictures instead of the scenario's source; empty: none
  std::int64_t first = 0, count = 0;  // images of the source: from here, so many (0: all)
  std::uint32_t window = 0;  // images without an answer, at most what the receiver allows (0: that)
  double rate = 0;           // images a second; 0: as fast as it goes
  int shard = 1;             // images a pass
  SymbolFormat format = SymbolFormat::float32;
  bool datagrams = false;     // bursts as datagrams beside the connection
  double drop_datagrams = 0;  // share of datagrams that are not sent, for experiments
  int report_every = 0;  // asks for a report every so many images and plans by them; 0: plans as
                         // the simulation does
  double fallback_snr_db = 0, report_seconds = 5;
  double patience_seconds = 60;  // without any connection
  double answer_seconds = 30;    // without a byte while answers are due: the connection is given up
  double first_retry_seconds = 0.05, longest_retry_seconds = 5;
  const std::atomic<bool>* stop = nullptr;
  std::atomic<bool>* reread =
      nullptr;  // taken back once the list of revoked certificates has been read again
  LogSink log;
  std::function<void(std::size_t point, std::int64_t done, std::int64_t total)> progress;
  std::function<void(const Record& record)> answered;  // once per image, when it is in the journal
  std::function<void(const OrderedJson& row)> finished;
};

struct ClientSummary {
  std::vector<OrderedJson> rows;
  std::int64_t answered = 0, resent = 0;
  int connections = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  bool interrupted = false;
  std::string failure;  // why it ended early; empty: all is done
};

class Client {
 public:
  /// Reads the journal of an earlier life. `data` is the scenario's source (unused with `watch`).
  /// All outlive it. Throws Error.
  Client(const Station& station, const Dataset& data, ThreadPool& pool, ClientOptions options);
  ~Client();
  ClientSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semwave
