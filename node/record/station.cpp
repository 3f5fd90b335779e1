#include "node/record/station.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/data/class_names.h"
#include "experiment/results/results.h"
#include "node/wire/statement.h"

namespace semwave {
namespace {

constexpr double largest_snr_db = 1e4;
/// The first of these that does not hold says so; NaN is in no range.
class Check {
 public:
  void range(const char* what, double value, double from, double to) {
    if (fault_.empty() && !(value >= from && value <= to)) fault_ = outside(what, value, from, to);
  }
  void holds(bool held, const char* otherwise) {
    if (fault_.empty() && !held) fault_ = otherwise;
  }
  void also(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
  }
  const std::string& fault() const { return fault_; }

 private:
  std::string fault_;
};

}  // namespace

Station::Station(const Scenario& scenario, Backend& backend)
    : scenario_(scenario), backend_(backend), points_(expand(scenario)) {
  if (scenario_.timeline)
    throw Error(scenario_.place("/timeline").str(),
                "a timeline is simulated: nodes send the images of the source, each once");
  if (scenario_.train && scenario_.architecture)
    throw Error(scenario_.place("/model").str(),
                "is a network still to be trained: semwave train it, then name the checkpoint");
  std::map<std::string, Checkpoint> checkpoints;
  Sha256 scenarios, models;
  for (const Point& point : points_) {
    const Scenario& one = point.scenario;
    const std::string network = network_key(one);
    if (!networks_.contains(network)) {
      if (!one.model_path.empty() && !checkpoints.contains(one.model_path))
        checkpoints.emplace(one.model_path, read_checkpoint(one.model_path));
      networks_[network] = std::make_shared<Model>(
          one.model_path.empty() ? make_model(one, backend_)
                                 : make_model(one, backend_, checkpoints.at(one.model_path)));
    }
    models_.push_back(networks_[network]);
    check_against(one, models_.back()->architecture);
    check_policy(one, models_.back()->sha256);
    outside_training_.add(one, models_.back()->trained);
    most_symbols_.push_back(
        one.pair->most_symbols(one.pair_context(), models_.back()->architecture));
    // Whatever device it runs on: nodes may differ in that.
    const std::string said = point_sha256(one, "", "", DeviceKind::cpu);
    scenarios.add(said.data(), said.size());
    models.add(models_.back()->sha256.data(), models_.back()->sha256.size());
  }
  scenario_digest_ = digest_of(scenarios.hex());
  model_digest_ = digest_of(models.hex());
  // What a frame holds of it, at both ends: a key is missing at one only where it is.
  statement_ = *read_statement(write(statement_of(scenario_, points_)));
}

std::vector<std::string> Station::class_names() const {
  std::vector<std::string> names = semwave::class_names(scenario_.source);
  const auto classes = static_cast<std::size_t>(model(0).architecture.classes);
  return names.size() == classes ? names : std::vector<std::string>{};
}

std::string Station::fault_of(const BurstMessage& burst, const Digest& data) const {
  Check check;
  check.range("point", burst.point, 0, static_cast<double>(points_.size()) - 1);
  if (const std::string& fault = check.fault(); !fault.empty()) return fault;

  const Scenario& scenario = points_[burst.point].scenario;
  check.range("payload symbols", burst.count, 0, static_cast<double>(most_symbols_[burst.point]));
  check.holds(!scenario.channel.has_noise() || burst.places.size() == burst.count,
              "the noise of its symbols has no key");
  check.also(
      scenario.pair->fault_of(BurstClaim{.symbols = burst.count,
                                         .header = !burst.header.parts.empty(),
                                         .lost_together = burst.piece,
                                         .told_bits = static_cast<std::int64_t>(burst.told.size())},
                              model(burst.point).architecture));
  if (!burst.truth) return check.fault();

  check.also(fault_of(burst.point, burst.image, data, *burst.truth));
  return check.fault();
}

std::string Station::fault_of(std::uint32_t point, std::uint32_t image, const Digest& data,
                              const Truth& truth) const {
  const Scenario& scenario = points_[point].scenario;
  const Model& network = model(point);
  const Architecture& a = network.architecture;
  Check check;
  // A source that is told how many images it has, has no others; a watched folder numbers its
  // pictures itself.
  const std::int64_t images = data != Digest{} ? scenario.source.count : 0;
  check.range("image", image, 0, images > 0 ? static_cast<double>(images - 1) : 0x7FFFFFFF);
  check.range("label", truth.label, -1, static_cast<double>(a.classes) - 1);
  check.range("keep", truth.keep_ratio, 0, 1);
  check.range("believed SNR", truth.believed_snr_db, -largest_snr_db, largest_snr_db);
  check.range("operations", truth.operations, 0, 1e18);
  check.range("plan's depth", truth.plan_depth, 0, a.transmitter_blocks);
  check.range("exit depth", truth.exit_depth, 0, a.transmitter_blocks);
  check.also(scenario.pair->fault_of(static_cast<const SentHalf&>(truth), a));
  const auto values = static_cast<std::size_t>(a.height) * static_cast<std::size_t>(a.width) *
                      static_cast<std::size_t>(a.channels);
  const bool measured = scenario.measures(Metric::Needs::image) && network.rebuilds;
  check.holds(truth.original.empty() || (measured && truth.original.size() == values),
              measured ? "the original is of another size"
                       : "an original came, and nothing is measured by it");
  return check.fault();
}

std::string Station::fault_of(const Record& record) const {
  Check check;
  check.range("point", record.point, 0, static_cast<double>(points_.size()) - 1);
  if (const std::string& fault = check.fault(); !fault.empty()) return fault;

  const Scenario& scenario = points_[record.point].scenario;
  const Architecture& a = model(record.point).architecture;
  const ImageRecord& image = record.image;
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7F; };
  check.holds(std::all_of(record.name.begin(), record.name.end(), printable),
              "its file has a name that no journal writes");
  check.holds(image.link == image.image && image.slot == scenario.repeat,
              "its link or slot is another image's");
  if (record.truth) check.also(fault_of(record.point, image.image, record.data, truth_of(record)));
  check.range("decision", image.decision, -1, static_cast<double>(a.classes) - 1);
  check.range("SNR", image.snr_db, -largest_snr_db, largest_snr_db);
  check.range("gain", image.gain, 0, 1e9);
  const std::size_t scored = image_metrics(scenario.metrics).size();
  for (std::size_t s = 0; s < image.scores.size(); ++s) {
    if (std::isnan(image.scores[s])) continue;
    check.range("score", image.scores[s], -1e6, 1e6);
    check.holds(s < scored, "it has a score of a metric that the scenario does not measure");
  }
  const Ledger& uses = image.uses;
  for (const std::int64_t share :
       {uses.payload, uses.header, uses.pilots, uses.parity, uses.prefix})
    check.range("channel uses", static_cast<double>(share), 0,
                static_cast<double>(std::int64_t{1} << 40));
  check.range("tokens lost", image.tokens_lost, 0,
              static_cast<double>(scenario.pair->most_tokens(a)));
  check.range("experts", static_cast<double>(record.expert_rows.size()), 0, std::max(1, a.experts));
  check.range("symbols erased", record.erased, 0, static_cast<double>(most_symbols_[record.point]));
  check.range("operations of the receiver", record.receiver_operations, 0, 1e18);
  return check.fault();
}

std::string Station::sha256_of(std::size_t point, const std::string& data_sha256) const {
  return point_sha256(points_[point].scenario, model(point).sha256, data_sha256, backend_.kind());
}

}  // namespace semwave
