// semwave validate: what is wrong with a scenario, before anything runs.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/run_options.h"
#include "core/checkpoint.h"
#include "core/error.h"
#include "core/text.h"
#include "experiment/model.h"
#include "experiment/outside_training.h"
#include "experiment/scenario.h"

namespace semwave {
namespace {

int validate(const RunOptions& options) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  const std::vector<Point> points = expand(scenario);
  struct Network {
    Architecture architecture;
    std::optional<TrainedRange> trained;
    std::string sha256;
    bool classifies;  // whole images
  };
  OutsideTraining outside_training;
  std::map<std::string, Network> networks;  // by checkpoint; a sweep mostly names one
  for (const Point& point : points) {
    const std::string& path = point.scenario.model_path;
    if (path.empty()) {  // the rest was checked when it was read
      check_policy(point.scenario, "");
      continue;
    }
    if (!networks.contains(path)) {
      const Checkpoint checkpoint = read_checkpoint(path);
      const bool classifies = std::any_of(checkpoint.arrays.begin(), checkpoint.arrays.end(), [](const NamedArray& array) { return array.name.starts_with("classifier."); });
      networks.emplace(path, Network{checkpoint_architecture(checkpoint, path), trained_range(checkpoint, path), checkpoint.sha256, classifies});
    }
    const Network& network = networks.at(path);
    if ((point.scenario.pair == PairKind::semantic) == network.classifies)
      throw Error(point.scenario.place("/model").str(), network.classifies ? "is a classifier of whole images: for the transmitters separation and label" : "is no classifier of whole images, as the transmitters separation and label need one");
    check_against(point.scenario, network.architecture);
    check_policy(point.scenario, network.sha256);
    outside_training.add(point.scenario, network.trained);
  }
  for (const std::string& warning : outside_training.lines()) fmt::print(stderr, "semwave: {}\n", warning);
  fmt::print("{}: valid, {} point{}{}\n", printable(options.scenario), points.size(), points.size() == 1 ? "" : "s", scenario.train ? ", trains" : "");
  return 0;
}

}  // namespace

Command add_validate(CLI::App& program) {
  CLI::App* command = program.add_subcommand("validate", "say what is wrong with a scenario, with file, key and the nearest known name");
  auto options = std::make_shared<RunOptions>();
  command->add_option("scenario", options->scenario, "scenario file")->required()->type_name("SCENARIO");
  command->add_option("--set", options->set, "change one key first, such as /channel/snr_db=5; may be repeated")->type_name("/KEY=VALUE")->allow_extra_args(false);
  command->footer("Example: semwave validate scenarios/quickstart.json");
  return [options] { return validate(*options); };
}

}  // namespace semwave
