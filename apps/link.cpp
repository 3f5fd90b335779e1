// semwave link: bits instead of images, a row a point.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/thread_pool.h"
#include "experiment/link/link_run.h"

namespace semwave {
namespace {

int run_link(const RunOptions& options) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  const std::unique_ptr<Backend> backend = options.make_backend();
  ThreadPool pool(options.thread_count());
  LinkRun run(scenario, *backend, pool);
  const std::vector<Point>& points = run.points();
  if (!options.out.empty())
    run.open(options.out, {{"semwave_version", SEMWAVE_VERSION},
                           {"compiler", __VERSION__},
                           {"device", backend->name()},
                           {"threads", pool.threads()}});

  const Table table = link_table(scenario, points);
  Progress progress(options.quiet);
  std::set<std::size_t> told;
  const auto label = [&](std::size_t point) {
    std::string text;
    for (const auto& [pointer, value] : points[point].swept.items())
      text += (text.empty() ? "" : " ") + printable(pointer) + "=" + one_word(value);
    return text.empty() ? printable(scenario.name) : text;
  };
  if (!options.json) {
    fmt::print("# {}, seed {}\n",
               title_text(scenario.name, points.size(), backend->name(), pool.threads()),
               scenario.seed);
    const std::string coding = points[0].scenario.link->coding.name();
    const bool one = std::all_of(points.begin(), points.end(), [&](const Point& point) {
      return point.scenario.link->coding.name() == coding;
    });
    fmt::print("{}{}", one ? "# " + printable(coding) + "\n" : "", table.header());
    flush_output();
  }
  LinkRunSettings settings{.interrupt = &interrupted, .progress = {}, .finished = {}, .failed = {}};
  settings.progress = [&](std::size_t point, const LinkPoint& so_far) {
    const OrderedJson row = make_link_row(scenario, points[point], so_far, "");
    const LinkSettings& link = points[point].scenario.link.value();
    progress.show(fmt::format(
        "point {}/{} {}  {} of {} frame errors, {} of {} frames, {}", point + 1, points.size(),
        table.line(row).substr(0, table.line(row).size() - 1), so_far.counts.frame_errors,
        link.frame_errors, so_far.counts.frames, link.max_frames, clock_text(so_far.seconds)));
  };
  settings.finished = [&](std::size_t point, const OrderedJson& row, bool) {
    progress.clear();
    told.insert(point);
    fmt::print("{}", options.json ? printable_json(row.dump()) + "\n" : table.line(row));
    flush_output();
  };
  settings.failed = [&](std::size_t point, const Error& problem) {
    progress.clear();
    told.insert(point);
    if (!options.json) fmt::print("# failed: {}\n", label(point));
    fmt::print(stderr, "semwave: {}\n", printable(problem.what()));
  };
  listen_for_interrupts();
  RunSummary summary;
  try {
    summary = run.run(settings);
  } catch (const Error&
               problem) {  // the folder could be used and now cannot: not the command line's fault
    progress.clear();
    fmt::print(stderr, "semwave: {}\n", printable(problem.what()));
    return 1;
  }
  progress.clear();
  for (std::size_t i = 0; i < points.size() && !options.json; ++i)
    if (!told.contains(i)) fmt::print("# not run: {}\n", label(i));
  if (summary.reused > 0)
    progress.note(fmt::format("{} of {} points were there already", summary.reused, points.size()));
  if (summary.interrupted) {
    progress.note("interrupted; " + (options.out.empty() ? "nothing was to be kept (no --out)"
                                                         : "what was done is in " + options.out +
                                                               ", run the same command to go on"));
    return interrupted_status;
  }
  if (!options.out.empty() && !options.json)
    fmt::print("# wrote {}/results.jsonl, results.csv\n", printable(options.out));
  return summary.failed > 0 ? 1 : 0;
}

}  // namespace

Command add_link(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "link", "bits instead of images: bit, symbol and frame errors of a digital link");
  auto options = std::make_shared<RunOptions>();
  options->add_to(*command);
  command->footer(
      "Example: semwave link scenarios/link_ldpc.json --set /stop/frame_errors=20 --out "
      "results/link_ldpc");
  return [options] { return run_link(*options); };
}

}  // namespace semwave
