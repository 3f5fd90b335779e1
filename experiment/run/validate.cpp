#include "experiment/run/validate.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/tensor/checkpoint.h"
#include "experiment/run/model.h"
#include "experiment/run/outside_training.h"

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

}  // namespace

Validation validate(const std::function<Scenario(Mistakes&)>& read) {
  Mistakes mistakes(Mistakes::Report::keep_all);
  Scenario scenario;
  std::vector<Point> points;
  Validation made;
  mistakes.attempt([&] { scenario = read(mistakes); });
  if (!mistakes.any()) mistakes.attempt([&] { points = expand(scenario, mistakes); });
  if (!mistakes.any()) made.warnings = check_networks(points, mistakes);
  made.mistakes = mistakes.kept();
  made.more = mistakes.full();
  made.points = points.size();
  made.trains = scenario.train.has_value();
  return made;
}

}  // namespace semwave
