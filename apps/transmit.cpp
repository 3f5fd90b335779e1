// semwave transmit: the transmitter of a scenario, its receiver behind a socket.
#include <unistd.h>

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
#include "node/record/watched_name.h"
#include "node/transmitter/client.h"
#include "node/transmitter/work.h"

namespace semwave {
namespace {

struct TransmitOptions {
  RunOptions run;
  NodeOptions node;
  std::string connect = "127.0.0.1:7400", symbols = "float32";
  ClientOptions client;
  bool answers = false;
  std::optional<double> fallback_snr_db;
};

/// The class by its name where that is known, and the watched file. In JSON a file's name is what
/// it is; one that is no UTF-8 is as it would be printed.
std::string answer_line(const Record& record, const std::vector<std::string>& classes, bool json) {
  const ImageRecord& image = record.image;
  const OrderedJson decision =
      image.header_lost ? OrderedJson(nullptr) : OrderedJson(image.decision);
  const bool named = !image.header_lost && image.decision >= 0 &&
                     static_cast<std::size_t>(image.decision) < classes.size();
  const std::string name = named ? classes[static_cast<std::size_t>(image.decision)] : "";
  const std::string file = file_of(record.name);
  if (json) {
    OrderedJson line{{"image", image.image},
                     {"decision", decision},
                     {"uses", image.uses.total()},
                     {"believed_snr_db", image.believed_snr_db},
                     {"tokens", image.tokens}};
    const auto text = [](const std::string& any) { return is_utf8(any) ? any : printable(any); };
    if (named) line["class"] = text(name);
    if (!file.empty()) line["file"] = text(file);
    return printable_json(line.dump()) + "\n";
  }
  return fmt::format("{:8} {:>8} {:>6} {:>5}  # {} {}\n", image.image, decision.dump(),
                     image.uses.total(), image.tokens, printable(name), printable(file));
}

int run_transmit(TransmitOptions options) {
  const Scenario scenario = read_scenario(options.run.scenario, options.run.overrides());
  const std::unique_ptr<Backend> backend = options.run.make_backend();
  ThreadPool pool(options.run.thread_count());
  const Station station(scenario, *backend);
  ClientOptions& client = options.client;
  const bool watch = !client.watch.empty();
  const Dataset data = watch ? Dataset{} : load_dataset(scenario.source);
  std::tie(client.host, client.port) = host_and_port("--connect", options.connect);
  client.keys = options.node.key_files();
  client.reread = options.node.reread();
  client.insecure = options.node.insecure;
  client.name = options.node.name;
  client.out = options.run.out;
  client.about = about_node("transmitter", backend->name(), pool.threads());
  client.shard = options.run.shard > 0                ? options.run.shard
                 : backend->kind() == DeviceKind::cpu ? 1
                                                      : backend->preferred_shard();
  client.format = options.symbols == "int16"  ? SymbolFormat::int16
                  : options.symbols == "int8" ? SymbolFormat::int8
                                              : SymbolFormat::float32;
  client.fallback_snr_db = options.fallback_snr_db.value_or(scenario.channel.snr.from_db);
  listen_for_interrupts();
  client.stop = &interrupted;
  Progress progress(options.run.quiet);
  client.log = [&progress, sink = options.node.log(options.run.quiet)](LogLevel level,
                                                                       const std::string& text) {
    progress.clear();
    sink(level, text);
  };
  for (const std::string& warning : station.warnings()) client.log(LogLevel::warning, warning);
  client.progress = [&](std::size_t point, std::int64_t done, std::int64_t total) {
    progress.show(total > 0 ? fmt::format("point {}/{}  {}/{} images", point + 1,
                                          station.points().size(), done, total)
                            : fmt::format("{} images", done));
  };
  const bool rows = !watch && !options.answers;
  Table table(station.scenario(), station.points());
  table.fit(terminal_width(STDOUT_FILENO));
  if (!options.run.json) {
    fmt::print("# {}, seed {}\n{}",
               title_text(scenario.name, station.points().size(), backend->name(), pool.threads()),
               scenario.seed, rows ? table.header() : "#  image decision   uses tokens\n");
    flush_output();
  }
  const std::vector<std::string> class_names = watch ? station.class_names() : data.class_names;
  if (!rows)
    client.answered = [&](const Record& record) {
      progress.clear();
      fmt::print("{}", answer_line(record, class_names, options.run.json));
      flush_output();
    };
  else
    client.finished = [&](const OrderedJson& row) {
      progress.clear();
      fmt::print("{}", options.run.json ? printable_json(row.dump()) + "\n" : table.line(row));
      flush_output();
    };
  Client node(station, data, pool, client);
  ClientSummary summary;
  try {
    summary = node.run();
  } catch (const Error& problem) {  // the journal or the folder could be used and now cannot
    summary.failure = problem.what();
  }
  progress.clear();
  if (!summary.failure.empty()) {
    fmt::print(stderr, "semwave: {}\n", printable(summary.failure));
    return 1;
  }
  if (summary.interrupted) {
    progress.note(client.out.empty() ? "interrupted; nothing was to be kept (no --out)"
                                     : "interrupted; what was answered is in " + client.out +
                                           ", run the same command to go on");
    return interrupted_status;
  }
  return 0;
}

}  // namespace

Command add_transmit(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "transmit", "the transmitter of a scenario; its receiver is behind a socket");
  auto options = std::make_shared<TransmitOptions>();
  options->run.add_to(*command);
  options->node.add_to(*command, "transmitter");
  ClientOptions& client = options->client;
  command
      ->add_option("--connect", options->connect,
                   "where the receiver listens (default: 127.0.0.1:7400)")
      ->type_name("HOST:PORT");
  command
      ->add_option("--peer", client.peer,
                   "whom the receiver's certificate must name (default: the host of --connect)")
      ->type_name("NAME");
  command
      ->add_option("--watch", client.watch,
                   "send the pictures that turn up in a folder instead of the source")
      ->type_name("DIR");
  command->add_option("--first", client.first, "first image of the source (default: 0)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_option("--count", client.count, "so many images, then end")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_option("--rate", client.rate, "images per second (default: as fast as it goes)")
      ->check(CLI::PositiveNumber)
      ->type_name("R");
  command
      ->add_option("--window", client.window,
                   "images without an answer (default: what the receiver allows)")
      ->check(CLI::Range(1, 1 << 16))
      ->type_name("N");
  command->add_option("--symbols", options->symbols, "float32, int16 or int8 on the wire")
      ->check(CLI::IsMember({"float32", "int16", "int8"}))
      ->type_name("NAME");
  command->add_flag("--datagrams", client.datagrams,
                    "bursts as datagrams beside the connection: what is lost is erased");
  command
      ->add_option("--drop", client.drop_datagrams, "share of datagrams that are lost on purpose")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  command
      ->add_option("--feedback", client.report_every,
                   "plan by the receiver's reports, one every N images")
      ->check(CLI::Range(1, 65535))
      ->type_name("N");
  command
      ->add_option("--fallback-snr", options->fallback_snr_db,
                   "SNR to plan for without a report (default: the scenario's lowest)")
      ->check(CLI::Range(-100.0, 100.0))
      ->type_name("DB");
  command
      ->add_option("--report-timeout", client.report_seconds,
                   "seconds without a report until then (default: 5)")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("S");
  command
      ->add_option("--patience", client.patience_seconds,
                   "seconds to try without a connection (default: 60)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S");
  command->add_flag("--answers", options->answers,
                    "print each answer as it comes instead of the table");
  command->footer(
      "Example: semwave transmit scenarios/node.json --connect 127.0.0.1:7400 --out "
      "results/transmitter");
  return [options] { return run_transmit(*options); };
}

}  // namespace semwave
