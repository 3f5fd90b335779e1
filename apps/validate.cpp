// semwave validate: what is wrong with a scenario, before anything runs.
#include <map>
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/run_options.h"
#include "core/checkpoint.h"
#include "experiment/model.h"
#include "experiment/scenario.h"

namespace semwave {
namespace {

int validate(const RunOptions& options) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  const std::vector<Point> points = expand(scenario);
  std::map<std::string, std::pair<Architecture, std::string>> networks;  // by checkpoint, with its sum; a sweep mostly names one
  for (const Point& point : points) {
    const std::string& path = point.scenario.model_path;
    if (path.empty()) continue;  // checked when it was read
    if (!networks.contains(path)) {
      const Checkpoint checkpoint = read_checkpoint(path);
      networks.emplace(path, std::pair{checkpoint_architecture(checkpoint, path), checkpoint.sha256});
    }
    check_against(point.scenario, networks.at(path).first);
    check_policy(point.scenario, networks.at(path).second);
  }
  fmt::print("{}: valid, {} point{}{}\n", options.scenario, points.size(), points.size() == 1 ? "" : "s", scenario.train ? ", trains" : "");
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
