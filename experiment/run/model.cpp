#include "experiment/run/model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/base/error.h"
#include "receiver/label/label_receiver.h"
#include "receiver/semantic/semantic_receiver.h"
#include "receiver/separation/separation_receiver.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/label/label_transmitter.h"
#include "transmitter/policy/policy.h"
#include "transmitter/semantic/semantic_transmitter.h"
#include "transmitter/separation/separation_transmitter.h"

namespace semwave {

namespace {

constexpr const char* architecture_key = "semwave.architecture";
constexpr const char* conditioning_key = "semwave.conditioning";
constexpr const char* format_key = "semwave.format";
constexpr const char* format_version = "1";
constexpr const char* heads = "transmitter.exits.";

}  // namespace

Json policy_network(const Scenario& scenario) {
  Json made{{"gate", scenario.gate}, {"positions", scenario.positions_sent ? "sent" : "none"}};
  if (scenario.digital) made["link"] = scenario.resolved["transmitter"]["link"];
  return made;
}

std::unique_ptr<Policy> make_policy(const Scenario& scenario, const Architecture& architecture) {
  std::unique_ptr<Policy> policy =
      policies().make(scenario.policy, scenario.place("/transmitter/policy"));
  policy->fit(scenario.pair->semantic() ? architecture.transmitter_blocks
                                        : 0);  // plans mean nothing to the other pairs
  return policy;
}

std::string network_key(const Scenario& s) {
  const Json& resolved = s.resolved;
  const bool semantic =
      s.pair->semantic() != nullptr;  // the others are made for their budget and channel
  return canonical({resolved["model"], s.gate, s.exit, s.positions_sent, resolved["receiver"],
                    resolved["conventions"], resolved["seed"],
                    semantic ? resolved["transmitter"]["link"] : resolved["transmitter"],
                    semantic ? Json() : resolved["channel"]});
}

void check_policy(const Scenario& scenario, const std::string& model_sha256) {
  const std::unique_ptr<Policy> policy =
      policies().make(scenario.policy, scenario.place("/transmitter/policy"));
  const std::string made_for = policy->made_for();
  const Json made_with = policy->made_with(), now = policy_network(scenario);
  if (!made_for.empty() && made_for != model_sha256)
    throw Error(
        scenario.place("/transmitter/policy/file").str(),
        "made for the model " + made_for.substr(0, 16) + "..., this one is " +
            (model_sha256.empty() ? "a fresh network" : model_sha256.substr(0, 16) + "...") +
            ": measure again and run semwave table");
  if (!made_with.empty() && made_with != now)
    throw Error(scenario.place("/transmitter/policy/file").str(),
                "measured with " + made_with.dump() + ", this scenario has " + now.dump() +
                    ": measure again and run semwave table");
}

namespace {

/// Thresholds that were fitted to another model would leave at other places, without a word.
void check_exit_table(const Scenario& scenario, const std::string& model_sha256) {
  if (!scenario.pair->semantic()) return;
  const std::string made_for = exit_made_for(scenario.exit);
  if (!made_for.empty() && made_for != model_sha256)
    throw Error(scenario.place("/transmitter/exit/model_sha256").str(),
                "fitted to the model " + made_for.substr(0, 16) + "..., this one is " +
                    model_sha256.substr(0, 16) + "...: run semwave calibrate with it");
}

/// What stands for an architecture where no network looks at the images.
Architecture without_network(const std::array<int, 3>& size) {
  Architecture a;
  a.height = size[0], a.width = size[1], a.channels = size[2];
  a.classes = std::numeric_limits<int>::max();  // whatever the data says: none is told
  a.transmitter_blocks = a.receiver_blocks = 0;
  a.experts = 1;
  a.image_head = false;
  return a;
}

Model build(const Scenario& scenario, const Architecture& architecture,
            const std::optional<TrainedRange>& trained, Backend& backend) {
  check_shape(*scenario.pair, architecture, scenario.place("/model"));
  Model model;
  model.architecture = architecture;
  model.parameters = std::make_unique<ParameterSet>(backend, scenario.seed);
  PairContext context = scenario.pair_context();
  context.trained = trained;
  scenario.pair->build(context, model);
  return model;
}

/// A router without parameters runs with any checkpoint, as a gate without parameters does.
bool is_of_router(const std::string& name) {
  return name.starts_with("receiver.blocks.") && name.find(".router.") != std::string::npos;
}

/// What expert 0 of a dense model is called, for a parameter of another expert; else empty.
std::string dense_expert(const std::string& name) {
  constexpr const char* word = ".experts.";
  const std::size_t at = name.find(word), number = at + std::string(word).size();
  if (at == std::string::npos) return {};
  return name.substr(0, number) + "0" + name.substr(name.find('.', number));
}

void load(ParameterSet& parameters, const Checkpoint& checkpoint, const std::string& place,
          bool heads_may_differ) {
  std::set<std::string> used;
  const bool dense = std::none_of(
      checkpoint.arrays.begin(), checkpoint.arrays.end(),
      [](const NamedArray& array) { return array.name.find(".experts.1.") != std::string::npos; });
  for (Parameter& parameter : parameters.all()) {
    const NamedArray* array = checkpoint.find(parameter.name);
    // Upcycling (Komatsuzaki et al. 2022): every expert starts as the dense model's feed-forward.
    if (!array && dense && heads_may_differ) array = checkpoint.find(dense_expert(parameter.name));
    if (!array && dense && heads_may_differ && is_of_router(parameter.name)) continue;
    if (!array && heads_may_differ && parameter.name.starts_with(heads)) continue;
    if (!array) {
      const char* reason = ": made for another model";
      if (parameter.name.starts_with("transmitter.gate."))
        reason = ": the model was trained with another gate; choose that one or train this one";
      if (is_of_router(parameter.name))
        reason = ": the model was trained with another router; choose that one or train this one";
      if (parameter.name.starts_with("classifier."))
        reason =
            ": the pairs separation and label need a classifier, as "
            "scenarios/train_classifier.json makes one";
      throw Error(place, "no parameter " + parameter.name + reason);
    }
    const Shape& shape = parameter.stored.rank() > 0 ? parameter.stored : parameter.value.shape();
    bool same = static_cast<int>(array->shape.size()) == shape.rank();
    for (int axis = 0; same && axis < shape.rank(); ++axis)
      same = array->shape[static_cast<std::size_t>(axis)] == shape[axis];
    if (!same) {
      std::string found;
      for (const std::int64_t extent : array->shape)
        found += (found.empty() ? "" : ", ") + std::to_string(extent);
      throw Error(place, "parameter " + parameter.name + " has shape [" + found +
                             "], the model needs " + shape.str());
    }
    parameters.backend().copy(parameter.value, parameters.backend().from_host(
                                                   parameter.value.shape(), array->values.data()));
    used.insert(parameter.name);
  }
  for (const NamedArray& array : checkpoint.arrays)
    if (!used.contains(array.name) && !array.name.starts_with("transmitter.gate.") &&
        !is_of_router(array.name) && !(heads_may_differ && array.name.starts_with(heads)))
      throw Error(place, "parameter " + array.name +
                             " is not part of the model that the scenario asks for");
}

Model from_checkpoint(const Scenario& scenario, const std::optional<TrainedRange>& trained,
                      Backend& backend, const Checkpoint& checkpoint) {
  const auto version = checkpoint.metadata.find(format_key);
  const auto text = checkpoint.metadata.find(architecture_key);
  if (version == checkpoint.metadata.end() || text == checkpoint.metadata.end())
    throw Error(scenario.model_path, "not a semwave checkpoint: its metadata has no " +
                                         std::string(architecture_key) +
                                         "; make one with semwave train");
  if (version->second != format_version)
    throw Error(scenario.model_path, "checkpoint format " + version->second +
                                         " is not known to this version, which reads format " +
                                         format_version);
  const Place place{scenario.model_path, "/__metadata__/" + std::string(architecture_key)};
  const Architecture architecture = Architecture::from_json(
      resolve(parse_json(text->second, scenario.model_path), Architecture::fields(), place), place);
  check_shape(*scenario.pair, architecture, place);
  double numbers = 0;
  for (const NamedArray& array : checkpoint.arrays)
    numbers += static_cast<double>(array.values.size());
  if (scenario.pair->least_parameters(architecture) > numbers)
    throw Error(scenario.model_path,
                "holds " + std::to_string(static_cast<std::int64_t>(numbers)) +
                    " numbers, fewer than the architecture in its metadata needs");
  Model model = build(scenario, architecture, trained, backend);
  load_parameters(*model.parameters, checkpoint, scenario.model_path);
  model.parameters->pack(false);
  check_policy(scenario, checkpoint.sha256);
  check_exit_table(scenario, checkpoint.sha256);
  model.sha256 = checkpoint.sha256;
  return model;
}

/// The SNRs that a training meets; none where its channel has no SNR. The lowest lies below that
/// of its law by the fade that the weakest hundredth of its images is under: a network that is told
/// of more SNR than there is does worse. The highest is that of the law, with the mean gain of
/// several antennas: fades lift few images above it, and a network that is told of less does as
/// well.
std::optional<TrainedRange> range_of_training(const Scenario& scenario) {
  const ChannelSettings& settings = scenario.channel;
  if (!settings.has_noise()) return std::nullopt;
  auto [low, high] = scenario.train.value().snr_db.range();
  if (settings.snr.source) low = settings.snr.from_db, high = settings.snr.to_db;

  constexpr std::size_t images = 4096;
  const Channel channel(settings);
  Draws draws{.seed = scenario.seed, .visit = 0, .images = PooledVector<std::uint32_t>(images)};
  std::iota(draws.images.begin(), draws.images.end(), 0u);
  const Fading fading = channel.realise(draws, PooledVector<double>(images, 0.0));
  std::vector<double> gains;
  for (std::size_t i = 0; fading.fades() && i < images; ++i)
    gains.push_back(channel.power_gain(fading, static_cast<int>(i)));
  std::sort(gains.begin(), gains.end());
  if (!gains.empty()) {
    low += std::min(0.0, 10 * std::log10(std::max(gains[images / 100], 1e-12)));
    high += std::max(0.0, 10 * std::log10(channel.mean_power_gain()));
  }
  const auto tenths = [&](double snr_db) {
    return std::clamp(std::round(10 * (snr_db + settings.snr_offset_db)) / 10, -200.0, 200.0);
  };
  return TrainedRange{tenths(low), tenths(high)};
}

Model fresh(const Scenario& scenario, const std::optional<TrainedRange>& trained,
            Backend& backend) {
  need_model(scenario);
  const Architecture architecture =
      scenario.image ? without_network(*scenario.image) : *scenario.architecture;
  Model model = build(scenario, architecture, trained, backend);
  model.parameters->pack(scenario.train.has_value());
  return model;
}

}  // namespace

std::optional<TrainedRange> trained_range(const Checkpoint& checkpoint, const std::string& place) {
  const auto text = checkpoint.metadata.find(conditioning_key);
  if (text == checkpoint.metadata.end()) return std::nullopt;

  const Field bound{.type = FieldType::number, .summary = "dB", .minimum = -200, .maximum = 200};
  const Field range{.name = "snr_db",
                    .type = FieldType::list,
                    .summary = "lowest and highest",
                    .minimum = 2,
                    .maximum = 2,
                    .element = std::make_shared<const Field>(bound)};
  const Fields fields{.summary = "what a model was trained for", .fields = {range}};
  const Place at{place, "/__metadata__/" + std::string(conditioning_key)};
  const Json said = resolve(parse_json(text->second, at.str()), fields, at)["snr_db"];
  const TrainedRange trained{said[0], said[1]};
  if (trained.low_db > trained.high_db)
    throw Error((at / "snr_db").str(), "expected [lowest, highest], found " + said.dump());
  return trained;
}

Model make_model(const Scenario& scenario, Backend& backend, const Checkpoint& checkpoint) {
  return from_checkpoint(scenario, trained_range(checkpoint, scenario.model_path), backend,
                         checkpoint);
}

void need_model(const Scenario& scenario) {
  if (scenario.model_path.empty() && !scenario.architecture && !scenario.image)
    throw Error(scenario.file,
                "the key 'model' is missing: images need a checkpoint file, or an architecture to "
                "train; bits alone go with semwave link");
}

Model make_model(const Scenario& scenario, Backend& backend) {
  if (!scenario.model_path.empty())
    return make_model(scenario, backend, read_checkpoint(scenario.model_path));
  return fresh(scenario, std::nullopt, backend);
}

Model make_model_to_train(const Scenario& scenario, Backend& backend) {
  const std::optional<TrainedRange> trained = range_of_training(scenario);
  if (!scenario.model_path.empty())
    return from_checkpoint(scenario, trained, backend, read_checkpoint(scenario.model_path));
  return fresh(scenario, trained, backend);
}

void load_parameters(ParameterSet& parameters, const Checkpoint& checkpoint,
                     const std::string& place) {
  load(parameters, checkpoint, place, false);
}

void load_initial(ParameterSet& parameters, const Checkpoint& checkpoint,
                  const std::string& place) {
  load(parameters, checkpoint, place, true);
}

Checkpoint to_checkpoint(const Model& model) {
  Checkpoint checkpoint;
  checkpoint.metadata[format_key] = format_version;
  checkpoint.metadata[architecture_key] = model.architecture.to_json().dump();
  if (const auto& trained = model.trained)
    checkpoint.metadata[conditioning_key] =
        Json{{"snr_db", {trained->low_db, trained->high_db}}}.dump();
  for (const Parameter& parameter : model.parameters->all()) {
    NamedArray array{.name = parameter.name};
    const Shape& shape = parameter.stored.rank() > 0 ? parameter.stored : parameter.value.shape();
    for (int axis = 0; axis < shape.rank(); ++axis) array.shape.push_back(shape[axis]);
    array.values.resize(static_cast<std::size_t>(parameter.value.size()));
    model.parameters->backend().to_host(parameter.value, array.values.data());
    checkpoint.arrays.push_back(std::move(array));
  }
  return checkpoint;
}

}  // namespace semwave
