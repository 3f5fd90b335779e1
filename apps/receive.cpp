// semwave receive: the receiver of a scenario behind a socket.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/node_options.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "experiment/results/text_table.h"
#include "node/receiver/server.h"

namespace semwave {
namespace {

struct ReceiveOptions {
  RunOptions run;
  NodeOptions node;
  std::string listen = "127.0.0.1:7400", status;
  ServerOptions server;
  double longest_wait_ms = 0;
  std::size_t memory_mib = 1024;
};

/// A connection may have a socket for datagrams too, and files are open besides. Where the system
/// allows less, those that come last find no room.
void allow_descriptors(int connections) {
  rlimit limit{};
  const rlim_t wanted = 2 * static_cast<rlim_t>(connections) + 256;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int run_receive(ReceiveOptions options) {
  const Scenario scenario = read_scenario(options.run.scenario, options.run.overrides());
  const std::unique_ptr<Backend> backend = options.run.make_backend();
  ThreadPool pool(options.run.thread_count());
  const Station station(scenario, *backend);
  ServerOptions& server = options.server;
  std::tie(server.host, server.port) = host_and_port("--listen", options.listen);
  if (!options.status.empty())
    std::tie(server.status_host, server.status_port) = host_and_port("--status", options.status);
  server.keys = options.node.key_files();
  server.reread = options.node.reread();
  allow_descriptors(server.most_connections);
  server.insecure = options.node.insecure;
  server.memory_bytes = options.memory_mib << 20;
  server.longest_wait = 1e-3 * options.longest_wait_ms;
  server.shard = options.run.shard > 0                ? options.run.shard
                 : backend->kind() == DeviceKind::cpu ? 1
                                                      : backend->preferred_shard();
  server.out = options.run.out;
  server.about = about_node("receiver", backend->name(), pool.threads());
  listen_for_interrupts();
  server.stop = &interrupted;
  Progress progress(options.run.quiet);
  server.log = [&progress, sink = options.node.log(options.run.quiet)](LogLevel level,
                                                                       const std::string& text) {
    progress.clear();
    sink(level, text);
  };
  for (const std::string& warning : station.warnings()) server.log(LogLevel::warning, warning);
  server.progress = [&](std::int64_t images, int peers) {
    progress.show(fmt::format("{} images  {} transmitters", images, peers));
  };
  Table table(station.scenario(), station.points());
  table.fit(terminal_width(STDOUT_FILENO));
  std::size_t for_peers = 0;
  server.budget = [&](std::size_t bytes) { for_peers = bytes; };
  server.listening = [&](std::uint16_t port, std::uint16_t status_port) {
    if (options.run.json) return;
    fmt::print("# {}, seed {}\n# listening on {}:{}{}\n",
               title_text(scenario.name, station.points().size(), backend->name(), pool.threads()),
               scenario.seed, printable(server.host), port, server.keys ? ", TLS 1.3" : "");
    fmt::print("# memory: at most {} MiB, {} of them for what peers make it hold (--memory)\n",
               server.memory_bytes >> 20, for_peers >> 20);
    if (status_port != 0)
      fmt::print("# status on http://{}:{}/\n", printable(server.status_host), status_port);
    flush_output();
  };
  Server node(station, pool, server);
  ServerSummary summary;
  try {
    summary = node.run();
  } catch (const Error& problem) {  // the journal or the folder could be used and now cannot
    progress.clear();
    fmt::print(stderr, "semwave: {}\n", printable(problem.what()));
    return 1;
  }
  progress.clear();
  if (!options.run.json) fmt::print("{}", table.header());
  for (const OrderedJson& row : summary.rows)
    fmt::print("{}", options.run.json ? printable_json(row.dump()) + "\n" : table.line(row));
  if (!options.run.json)
    fmt::print("# {} images, {} came again; connections: {} refused, {} malformed, {} timed out\n",
               summary.images, summary.repeated, summary.refused, summary.malformed,
               summary.timed_out);
  return 0;
}

}  // namespace

Command add_receive(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "receive", "the receiver of a scenario behind a socket, for many transmitters");
  auto options = std::make_shared<ReceiveOptions>();
  options->run.add_to(*command);
  options->node.add_to(*command, "receiver");
  ServerOptions& server = options->server;
  command
      ->add_option("--listen", options->listen,
                   "where transmitters connect (default: 127.0.0.1:7400; port 0: any)")
      ->type_name("HOST:PORT");
  command->add_option("--status", options->status, "live page and /metrics over HTTP")
      ->type_name("HOST:PORT");
  command->add_option("--count", server.count, "end after so many images")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command
      ->add_option("--batch", server.largest_batch,
                   "images given to the threads at once (default: 64)")
      ->check(CLI::Range(1, 1 << 16))
      ->type_name("N");
  command
      ->add_option("--wait", options->longest_wait_ms,
                   "longest wait for a batch to fill, ms (default: 0)")
      ->check(CLI::Range(0.0, 10000.0))
      ->type_name("MS");
  command
      ->add_option("--window", server.window,
                   "images a transmitter may have without an answer (default: 256)")
      ->check(CLI::Range(1, 1 << 16))
      ->type_name("N");
  command->add_option("--connections", server.most_connections, "most connections (default: 1000)")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  command
      ->add_option("--largest-burst", server.largest_burst,
                   "bytes a burst may have (default: 1048576)")
      ->check(CLI::Range(1024, 1 << 26))
      ->type_name("BYTES");
  command
      ->add_option("--handshakes", server.handshakes_per_second,
                   "TLS handshakes begun per second (default: 400)")
      ->check(CLI::Range(1.0, 1e6))
      ->type_name("N");
  command
      ->add_option("--memory", options->memory_mib,
                   "MiB that the receiver takes at most, whatever its peers do (default: 1024)")
      ->check(CLI::Range(64, 1 << 20))
      ->type_name("MIB");
  command->add_option("--handshake-timeout", server.handshake_seconds, "seconds (default: 5)")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("S");
  command
      ->add_option("--frame-timeout", server.frame_seconds,
                   "seconds a frame may take to come (default: 10)")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("S");
  command->add_option("--idle-timeout", server.idle_seconds, "seconds of silence (default: 60)")
      ->check(CLI::Range(0.1, 86400.0))
      ->type_name("S");
  command->footer(
      "Example: semwave receive scenarios/node.json --listen 127.0.0.1:7400 --status "
      "127.0.0.1:7480 --out results/receiver");
  return [options] { return run_receive(*options); };
}

}  // namespace semwave
