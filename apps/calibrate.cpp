// semwave calibrate: temperatures of a model's exit heads, and thresholds for a mean depth.
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/base/thread_pool.h"
#include "experiment/planning/calibrate.h"

namespace semwave {
namespace {

struct Options : RunOptions {
  std::string exit_file;
  double depth = 0;
  bool answer = false;
};

void print(const Calibration& made, const DepthBudget& chosen) {
  fmt::print("# depth  accuracy  temperature     ece  ece_calibrated  threshold\n");
  for (std::size_t h = 0; h < made.heads.size(); ++h) {
    const CalibratedHead& head = made.heads[h];
    fmt::print("  {:5d}  {:8.4f}  {:11.4f}  {:6.4f}  {:14.4f}  {:9.4f}\n", head.depth,
               head.accuracy, head.temperature, head.error, head.error_calibrated,
               chosen.thresholds[h]);
  }
  fmt::print(
      "# thresholds for q = {:.2f}: mean depth {:.3f}, accuracy of the heads where images "
      "leave {:.4f}\n",
      chosen.q, chosen.mean_depth, chosen.accuracy);
}

int run(const Options& options) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  const std::unique_ptr<Backend> backend = options.make_backend();
  ThreadPool pool(options.thread_count());
  const Model model = make_model(scenario, *backend);
  const Dataset data = load_dataset(scenario.source);
  const Calibration made = calibrate(hear_heads(scenario, model, data, pool, options.shard));
  const DepthBudget& chosen = made.for_depth(options.depth);
  const Json exit = budgeted_exit(made, chosen, options.answer, model.sha256);
  if (options.json)
    fmt::print("{}\n", exit.dump());
  else
    print(made, chosen);
  if (options.exit_file.empty()) return 0;
  const std::string text = exit.dump(2) + "\n";
  write_file_whole(options.exit_file, text.data(), text.size());
  return 0;
}

}  // namespace

Command add_calibrate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "calibrate",
      "temperatures of a model's exit heads on the validation split, and thresholds for a depth");
  auto options = std::make_shared<Options>();
  options->add_to(*command, nullptr);
  command->add_option("--mean-depth", options->depth, "blocks an image should pass in the mean")
      ->required()
      ->check(CLI::Range(1.0, 15.0));
  command->add_flag("--answer", options->answer, "images that are sure send their class");
  command->add_option("--exit", options->exit_file, "write the exit rule, for a scenario, here")
      ->type_name("FILE");
  command->footer(
      "Example: semwave calibrate scenarios/cifar10.json --mean-depth 3.5 "
      "--set /source/split=validation --json");
  return [options] { return run(*options); };
}

}  // namespace semwave
