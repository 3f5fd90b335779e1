#include "node/station.h"

#include "core/error.h"
#include "core/sha256.h"
#include "experiment/results.h"

namespace semwave {

Station::Station(const Scenario& scenario, Backend& backend) : scenario_(scenario), backend_(backend), points_(expand(scenario)) {
  if (scenario_.timeline) throw Error(scenario_.place("/timeline").str(), "a timeline is simulated: nodes send the images of the source, each once");
  if (scenario_.train && scenario_.architecture) throw Error(scenario_.place("/model").str(), "is a network still to be trained: semwave train it, then name the checkpoint");
  std::map<std::string, Checkpoint> checkpoints;
  Sha256 scenarios, models;
  for (const Point& point : points_) {
    const Scenario& one = point.scenario;
    const std::string network = network_key(one);
    if (!networks_.contains(network)) {
      if (!one.model_path.empty() && !checkpoints.contains(one.model_path)) checkpoints.emplace(one.model_path, read_checkpoint(one.model_path));
      networks_[network] = std::make_shared<Model>(one.model_path.empty() ? make_model(one, backend_) : make_model(one, backend_, checkpoints.at(one.model_path)));
    }
    models_.push_back(networks_[network]);
    check_against(one, models_.back()->architecture);
    check_policy(one, models_.back()->sha256);
    outside_training_.add(one, models_.back()->trained);
    // Whatever device it runs on: nodes may differ in that.
    const std::string said = point_sha256(one, "", "", DeviceKind::cpu);
    scenarios.add(said.data(), said.size());
    models.add(models_.back()->sha256.data(), models_.back()->sha256.size());
  }
  scenario_digest_ = digest_of(scenarios.hex());
  model_digest_ = digest_of(models.hex());
}

bool Station::holds(const Record& record) const {
  if (record.point >= points_.size()) return false;
  const Architecture& a = model(record.point).architecture;
  return record.image.exit_depth >= 0 && record.image.exit_depth <= a.transmitter_blocks && record.image.label < a.classes;
}

std::string Station::sha256_of(std::size_t point, const std::string& data_sha256) const {
  return point_sha256(points_[point].scenario, model(point).sha256, data_sha256, backend_.kind());
}

}  // namespace semwave
