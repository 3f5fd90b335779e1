// semwave run: every point of a scenario, a row each.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/output.h"
#include "apps/profile.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/stopwatch.h"
#include "core/base/text.h"
#include "core/base/thread_pool.h"
#include "experiment/results/text_table.h"
#include "experiment/run/run.h"

namespace semwave {
namespace {

/// What the rows and the progress of one run look like on the screen.
class Screen {
 public:
  Screen(const RunOptions& options, const Scenario& scenario, const std::vector<Point>& points)
      : json_(options.json),
        points_(points),
        table_(scenario, points),
        progress_(options.quiet),
        start_(Clock::now()) {
    table_.fit(terminal_width(STDOUT_FILENO));
  }

  void begin(const std::string& title) {
    if (!json_) fmt::print("# {}\n{}", title, table_.header());
    flush_output();
  }
  void show(std::size_t point, int done, int total) {
    const double share = (static_cast<double>(begun_) + static_cast<double>(done) / total) /
                         static_cast<double>(points_.size() - reused_);
    const double elapsed = seconds_since(start_),
                 rate = static_cast<double>(images_ + done) / elapsed;
    progress_.show(fmt::format("point {}/{}  {}  {}/{} images  {:.0f} images/s  left {}", point + 1,
                               points_.size(), table_.label(points_[point]), done, total, rate,
                               clock_text(elapsed / share - elapsed)));
  }
  void row(std::size_t point, const OrderedJson& row, bool reused) {
    progress_.clear();
    told_.insert(point);
    if (reused)
      ++reused_;
    else
      ++begun_, images_ += row["images"].get<std::int64_t>();
    fmt::print("{}", json_ ? printable_json(row.dump()) + "\n" : table_.line(row));
    flush_output();
  }
  void failed(std::size_t point, const std::string& why) {
    progress_.clear();
    told_.insert(point);
    ++begun_;
    if (!json_) fmt::print("# failed: {}\n", table_.label(points_[point]));
    fmt::print(stderr, "semwave: {}\n", printable(why));
  }
  void end() {
    progress_.clear();
    for (std::size_t i = 0; i < points_.size() && !json_; ++i)
      if (!told_.contains(i)) fmt::print("# not run: {}\n", table_.label(points_[i]));
  }
  Progress& progress() { return progress_; }

 private:
  bool json_;
  const std::vector<Point>& points_;
  Table table_;
  Progress progress_;
  Clock::time_point start_;
  std::set<std::size_t> told_;
  std::size_t begun_ = 0, reused_ = 0;
  std::int64_t images_ = 0;
};

int run_scenario(const RunOptions& options, bool profile) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  if (scenario.train && scenario.architecture)
    throw Error(scenario.place("/model").str(),
                "is a network still to be trained: semwave train it, then run a scenario whose "
                "model is the checkpoint");
  const std::unique_ptr<Backend> device = options.make_backend();
  const std::unique_ptr<ProfilingBackend> profiling =
      profile ? make_profiling_backend(*device) : nullptr;
  Backend* const backend = profile ? profiling.get() : device.get();
  ThreadPool pool(options.thread_count());
  Run run(scenario, *backend, pool);

  Screen screen(options, scenario, run.points());
  for (const std::string& warning : run.warnings()) screen.progress().note(warning);
  if (!options.out.empty())
    run.open(options.out, {{"semwave_version", SEMWAVE_VERSION},
                           {"compiler", __VERSION__},
                           {"device", backend->name()},
                           {"threads", pool.threads()}});
  RunSettings settings{.shard = options.shard,
                       .interrupt = &interrupted,
                       .progress = {},
                       .finished = {},
                       .failed = {}};
  settings.progress = [&](std::size_t point, int done, int total) {
    screen.show(point, done, total);
  };
  settings.finished = [&](std::size_t point, const OrderedJson& row, bool reused) {
    screen.row(point, row, reused);
  };
  settings.failed = [&](std::size_t point, const Error& problem) {
    screen.failed(point, problem.what());
  };
  screen.begin(
      fmt::format("{}, seed {}",
                  title_text(scenario.name, run.points().size(), backend->name(), pool.threads()),
                  scenario.seed));
  listen_for_interrupts();  // from here on there is something to keep; what is read before, a
                            // signal simply ends
  RunSummary summary;
  try {
    summary = run.run(settings);
  } catch (const Error&
               problem) {  // the folder could be used and now cannot: not the command line's fault
    screen.progress().clear();
    fmt::print(stderr, "semwave: {}\n", printable(problem.what()));
    return 1;
  }
  screen.end();
  if (profile && summary.done + summary.failed > 0)
    fmt::print(options.json ? stderr : stdout, "{}",
               profile_text(profiling->lines(), summary.thread_seconds));
  if (summary.reused > 0)
    screen.progress().note(
        fmt::format("{} of {} points were there already", summary.reused, run.points().size()));
  if (summary.interrupted) {
    screen.progress().note("interrupted; " + (options.out.empty()
                                                  ? "nothing was to be kept (no --out)"
                                                  : "what was done is in " + options.out +
                                                        ", run the same command to go on"));
    return interrupted_status;
  }
  if (!options.out.empty() && !options.json)
    fmt::print(
        "# wrote {}/results.jsonl, results.csv{}\n", printable(options.out),
        summary.others > 0
            ? fmt::format("; {} rows of other settings stay in them, behind these", summary.others)
            : "");
  return summary.failed > 0 ? 1 : 0;
}

}  // namespace

Command add_run(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "run", "every point of a scenario: accuracy, channel uses, operations");
  auto options = std::make_shared<RunOptions>();
  options->add_to(*command);
  auto profile = std::make_shared<bool>(false);
  command->add_flag("--profile", *profile, "time and GFLOP/s of each kernel at the end");
  command->footer(
      "Example: semwave run scenarios/quickstart.json --set /channel/snr_db=5 --out "
      "results/quickstart");
  return [options, profile] { return run_scenario(*options, *profile); };
}

}  // namespace semwave
