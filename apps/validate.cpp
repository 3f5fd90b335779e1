// semwave validate: what is wrong with a scenario, before anything runs.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/config/mistakes.h"
#include "core/tensor/checkpoint.h"
#include "experiment/run/model.h"
#include "experiment/run/outside_training.h"
#include "experiment/scenario/scenario.h"

namespace semwave {
namespace {

/// What a checkpoint says about the scenarios that name it.
struct Network {
  Architecture architecture;
  std::optional<TrainedRange> trained;
  std::string sha256;
  bool classifies;  // whole images
};

Network read_network(const std::string& path) {
  const Checkpoint checkpoint = read_checkpoint(path);
  const bool classifies =
      std::any_of(checkpoint.arrays.begin(), checkpoint.arrays.end(),
                  [](const NamedArray& array) { return array.name.starts_with("classifier."); });
  return {checkpoint_architecture(checkpoint, path), trained_range(checkpoint, path),
          checkpoint.sha256, classifies};
}

void check_with(const Network& network, const Scenario& scenario) {
  if (scenario.pair->classifies_whole_images() != network.classifies)
    throw Error(scenario.place("/model").str(),
                network.classifies
                    ? "is a classifier of whole images: for the transmitters separation and label"
                    : "is no classifier of whole images, as the transmitters separation and label "
                      "need one");
  check_against(scenario, network.architecture);
  check_policy(scenario, network.sha256);
}

/// Each point with its network; returns what is worth a warning.
std::vector<std::string> check_networks(const std::vector<Point>& points, Mistakes& mistakes) {
  OutsideTraining outside_training;
  std::map<std::string, std::optional<Network>>
      networks;  // by checkpoint; a sweep mostly names one
  for (const Point& point : points) {
    const std::string& path = point.scenario.model_path;
    if (path.empty()) {  // the rest was checked when it was read
      mistakes.attempt([&] { check_policy(point.scenario, ""); });
      continue;
    }
    const auto [at, unread] = networks.try_emplace(path);
    std::optional<Network>& network = at->second;
    if (unread) mistakes.attempt([&] { network = read_network(path); });
    if (!network) continue;  // that was said
    mistakes.attempt([&] {
      check_with(*network, point.scenario);
      outside_training.add(point.scenario, network->trained);
    });
  }
  return outside_training.lines();
}

int validate(const RunOptions& options) {
  Mistakes mistakes(Mistakes::Report::keep_all);
  Scenario scenario;
  std::vector<Point> points;
  std::vector<std::string> warnings;
  mistakes.attempt(
      [&] { scenario = read_scenario(options.scenario, options.overrides(), mistakes); });
  if (!mistakes.any()) mistakes.attempt([&] { points = expand(scenario, mistakes); });
  if (!mistakes.any()) warnings = check_networks(points, mistakes);

  for (const Error& mistake : mistakes.kept())
    fmt::print(stderr, "semwave: {}\n", printable(mistake.what()));
  if (mistakes.full())
    fmt::print(stderr, "semwave: these are the first {} mistakes\n", mistakes.kept().size());
  if (mistakes.any()) return 2;
  for (const std::string& warning : warnings) fmt::print(stderr, "semwave: {}\n", warning);
  fmt::print("{}: valid, {}{}\n", printable(options.scenario),
             counted(static_cast<std::int64_t>(points.size()), "point"),
             scenario.train ? ", trains" : "");
  return 0;
}

}  // namespace

Command add_validate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "validate",
      "say all that is wrong with a scenario, with file, key and the nearest known name");
  auto options = std::make_shared<RunOptions>();
  command->add_option("scenario", options->scenario, "scenario file")
      ->required()
      ->type_name("SCENARIO");
  command
      ->add_option("--set", options->set,
                   "change one key first, such as /channel/snr_db=5; may be repeated")
      ->type_name("/KEY=VALUE")
      ->allow_extra_args(false);
  command->footer("Example: semwave validate scenarios/quickstart.json");
  return [options] { return validate(*options); };
}

}  // namespace semwave
