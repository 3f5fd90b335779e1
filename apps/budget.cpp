// semwave budget: what a run will cost in channel uses, operations and time, before it runs.
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/thread_pool.h"
#include "experiment/planning/budget.h"
#include "experiment/results/text_table.h"

namespace semwave {
namespace {

Table make_table(const Run& run, const Scenario& scenario) {
  Table table;
  std::vector<std::string> pointers;
  for (const auto& [pointer, values] : scenario.sweep) pointers.push_back(pointer);
  std::vector<Json> points;
  for (const Point& point : run.points()) points.push_back(point.swept);
  table.add_swept(pointers, points);
  table.add_number("", "images", 6, "/images", 0);
  table.add_number("channel uses per image", "total", 7, "/channel_uses/total", 1);
  for (const std::string& part : parts_of_uses(run.points()))
    table.add_number("channel uses per image", part, 7, "/channel_uses/" + part, 1);
  table.add_number("", "cbr", 7, "/cbr", 4);
  table.add_number("", "lost", 5, "/header_losses", 0);
  table.add_number("MFLOP per image", "sender", 8, "/flops/transmitter", 3, 1e-6);
  table.add_number("MFLOP per image", "receiver", 8, "/flops/receiver", 3, 1e-6);
  table.add_number("", "seconds", 8, "/seconds", 2);
  return table;
}

int budget(const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  if (scenario.train && scenario.architecture)
    throw Error(scenario.place("/model").str(),
                "is a network still to be trained: semwave train it, then predict a scenario whose "
                "model is the checkpoint");
  const std::unique_ptr<Backend> backend = options.make_backend();
  ThreadPool pool(options.thread_count());
  Run run(scenario, *backend, pool);
  const double start_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  Progress progress(options.quiet);
  BudgetSettings settings{
      .shard = options.shard, .progress = [&](std::size_t point) {
        progress.show(fmt::format("point {}/{}", point + 1, run.points().size()));
      }};
  const Budget made = predict(run, pool, settings);
  progress.clear();

  const Table table = make_table(run, scenario);
  if (!options.json)
    fmt::print("# {}, predicted\n{}",
               title_text(scenario.name, made.points.size(), backend->name(), pool.threads()),
               table.header());
  double uses = 0, operations = 0, seconds = start_seconds + made.build_seconds;
  std::int64_t images = 0;
  int looked_at = 0;
  for (std::size_t i = 0; i < made.points.size(); ++i) {
    const PointBudget& point = made.points[i];
    const OrderedJson row = budget_row(scenario, run.points()[i], point);
    fmt::print("{}", options.json ? printable_json(row.dump()) + "\n" : table.line(row));
    images += point.images;
    uses += point.uses() * point.images;
    operations += (point.transmitter_operations + point.receiver_operations) * point.images;
    seconds += point.seconds;
    looked_at = std::max(looked_at, point.looked_at);
  }
  if (options.json) {
    if (made.points.size() > 1)
      fmt::print("{}\n", OrderedJson{{"points", made.points.size()},
                                     {"images", images},
                                     {"channel_uses", uses},
                                     {"flops", operations},
                                     {"start_seconds", start_seconds},
                                     {"seconds", seconds}}
                             .dump());
    return 0;
  }
  fmt::print(
      "# all together: {} images, {:.4g} channel uses, {:.4g} GFLOP, {:.1f} s ({}) from start to "
      "end, {:.2f} s of it before the first point\n",
      images, uses, operations * 1e-9, seconds, clock_text(seconds), start_seconds);
  if (looked_at > 0 && scenario.timeline)
    fmt::print(
        "# time and the receiver's operations are those of the first slots, up to {} images\n",
        looked_at);
  else if (looked_at > 0)
    fmt::print(
        "# up to {} images were run for what plans alone do not tell: where an exit looks, or what "
        "is lost on the way\n",
        looked_at);
  if (scenario.resolved["stop"]["accuracy_halfwidth"].get<double>() > 0)
    fmt::print("# at most: stop.accuracy_halfwidth may end a point after fewer images\n");
  return 0;
}

}  // namespace

Command add_budget(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "budget", "channel uses, operations and time of a run, before it runs");
  auto options = std::make_shared<RunOptions>();
  options->add_to(*command, nullptr);
  command->footer(
      "Example: semwave budget scenarios/quickstart.json --set /source/count=10000 --threads 2");
  return [options] { return budget(*options); };
}

}  // namespace semwave
