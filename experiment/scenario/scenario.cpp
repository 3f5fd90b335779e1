// From JSON to a checked Scenario: defaults, overrides, paths, and what one key says about another.
#include "experiment/scenario/scenario.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "channel/registry.h"
#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/config/mistakes.h"
#include "core/config/ordered_json.h"
#include "experiment/pair/semantic_settings.h"
#include "experiment/scenario/overrides.h"
#include "phy/digital/link_fields.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/semantic/semantic_receiver.h"
#include "transmitter/policy/policy.h"
#include "transmitter/semantic/semantic_transmitter.h"

namespace semwave {
namespace {

constexpr std::size_t largest_scenario = 16u
                                         << 20;  // bytes; a sweep over whole tables stays far below

Split split_named(const std::string& name) {
  if (name == "train") return Split::train;
  if (name == "validation") return Split::validation;
  return name == "all_train" ? Split::all_train : Split::test;
}

PowerScope power_named(const std::string& name) {
  if (name == "token") return PowerScope::token;
  return name == "symbol" ? PowerScope::symbol : PowerScope::image;
}

/// The first of these metrics that needs so.
std::string named(const Metrics& metrics, Metric::Needs needs) {
  for (const auto& metric : metrics)
    if (metric->needs() == needs) return "'" + metric->key() + "'";
  return "";
}

bool holds(const Json& list, const std::string& name) {
  for (const Json& entry : list)
    if (entry == name) return true;
  return false;
}

TimelineSettings read_timeline(const Json& timeline, const Place& place) {
  TimelineSettings made;
  made.links = timeline["links"];
  made.slots = timeline["slots"];
  const Json& arrivals = timeline["arrivals"];
  made.periodic = arrivals["kind"] == "periodic";
  if (made.periodic)
    made.every = arrivals["every"];
  else
    made.mean = arrivals["mean"];
  made.queue = timeline["queue"];
  made.deadline = timeline["deadline"];
  made.slot_uses = timeline["slot_uses"];
  made.feedback_delay = timeline["feedback"]["delay"];
  made.feedback_loss = timeline["feedback"]["loss"];
  if (made.feedback_delay >= made.slots)
    throw Error((place / "feedback" / "delay").str(),
                "a delay of " + std::to_string(made.feedback_delay) +
                    " slots is beyond the timeline of " + std::to_string(made.slots) +
                    ": no report would ever arrive");
  return made;
}

/// The channel's SNR is set from Eb/N0 where that is given.
LinkSettings read_link(const Json& link, const Json& stop, const Place& place,
                       ChannelSettings& channel) {
  LinkSettings made{.coding = read_coding(link, place, link["crc"]),
                    .decoding = read_decoding(link),
                    .block_bits = link["block_bits"],
                    .frame_errors = stop["frame_errors"],
                    .max_frames = stop["max_frames"]};
  if (made.block_bits == 0) {
    const BlockLayout one = lay_blocks(1, made.coding);
    const std::int64_t full = one.code->full_message();
    made.block_bits = full > 0 ? full - one.crc.bits : 1000;
  }
  if (!link.contains("eb_n0_db")) return made;
  if (!channel.has_one_snr())
    throw Error((place / "eb_n0_db").str(), "needs a channel with one snr_db, which it stands for");
  const double bits_per_use = static_cast<double>(made.block_bits) /
                              static_cast<double>(transport_uses(made.block_bits, made.coding));
  channel.snr.from_db = channel.snr.to_db =
      link["eb_n0_db"].get<double>() + 10 * std::log10(bits_per_use);
  return made;
}

/// The conventions of the link that stand beside the channel.
void read_conventions(const Json& conventions, Scenario& made) {
  if (conventions["snr"] == "per_real_value") made.channel.snr_offset_db = 10 * std::log10(2.0);
  if (conventions["fading"] != "real") return;
  const std::string place = made.place("/conventions/fading").str();
  const auto real = made.channel.real_gains();
  if (!real)
    throw Error(place, "'real' is |h| of the channel rayleigh; '" +
                           made.resolved["channel"]["kind"].get<std::string>() +
                           "' has no such reading");
  const CsiKind known = made.channel.receiver.kind;
  if (known == CsiKind::delayed || known == CsiKind::quantised)
    throw Error(place,
                "a gain without phase is known at the receiver perfectly, by pilots, or not at "
                "all: change channel.csi.receiver");
  made.channel.fading.gains = real;
}

/// A binary symmetric channel carries bits, two a symbol.
void check_flips(const Scenario& scenario) {
  const std::string kind = scenario.resolved["channel"]["kind"];
  if (scenario.link && scenario.link->coding.modulation != Modulation::qpsk)
    throw Error(scenario.place("/link/modulation").str(),
                "the channel " + kind + " flips the two bits of a QPSK symbol, found " +
                    modulation_name(scenario.link->coding.modulation));
  if (!scenario.link || scenario.resolved.contains("model"))
    scenario.pair->check_qpsk_alone(scenario.place(""), kind);
}

/// The pair, and what its transmitter asks for. Where it is not the semantic one, the keys of that
/// hold what changes nothing.
void read_pair(const Json& all, Scenario& made) {
  const Json& transmitter = all["transmitter"];
  const std::string& kind = transmitter["kind"].get_ref<const std::string&>();
  if (all["receiver"].contains("kind") && all["receiver"]["kind"] != kind)
    throw Error(made.place("/receiver/kind").str(),
                "does not hear what the transmitter '" + kind + "' sends; leave it out");
  made.pair = pairs().make(transmitter, made.place("/transmitter"),
                           PairInput{all["receiver"], made.place("")});
  made.source.any_size = made.architecture ? made.pair->takes_any_size(*made.architecture)
                                           : made.pair->may_take_any_size();
  if (made.validation) made.validation->any_size = made.source.any_size;
  if (const SemanticSettings* semantic = made.pair->semantic()) {
    made.gate = semantic->gate;
    made.exit = semantic->exit;
    made.policy = semantic->policy;
    made.positions_sent = semantic->positions_sent;
    made.digital = semantic->digital;
    return;
  }
  made.gate = {{"kind", "keep_all"}};
  made.exit = {{"kind", "fixed"}};
  made.policy = resolve("fixed", policies().field("policy"), made.place("/transmitter") / "policy");
}

/// What the pair says about other keys; the channel is known.
void check_pair(const Scenario& made) {
  const std::string kind = made.resolved["transmitter"]["kind"];
  if (made.image && !made.pair->works_without_network())
    throw Error(made.place("/model").str(), "the pair '" + kind + "' needs a network");
  if (made.image && made.measures(Metric::Needs::decision))
    throw Error(made.place("/metrics").str(),
                named(made.metrics, Metric::Needs::decision) +
                    " needs a classifier: let model name a checkpoint, or measure the rebuilt "
                    "image alone");
  if (!made.pair->rebuilds_images() && made.measures(Metric::Needs::image))
    throw Error(made.place("/metrics").str(), named(made.metrics, Metric::Needs::image) +
                                                  " needs an image; a '" + kind + "' is none");
  if (!made.pair->decides() && made.measures(Metric::Needs::decision))
    throw Error(made.place("/metrics").str(), named(made.metrics, Metric::Needs::decision) +
                                                  " needs a class; '" + kind +
                                                  "' answers with an image alone");
  made.pair->check(made.pair_context());
  if (made.resolved.contains("train"))
    made.pair->check_training(made.resolved["train"], made.place("/train"));
  if (made.resolved.contains("train") && !made.pair->may_take_any_size() &&
      made.resolved["train"]["augmentation"].contains("crop"))
    throw Error(made.place("/train/augmentation/crop").str(),
                "the networks of '" + kind + "' take images of one size as they are");
}

/// The sweep as read, its keys in the order they were written.
std::vector<std::pair<std::string, std::vector<Json>>> read_sweep(
    const Json& sweep, const Place& place, const std::vector<std::string>& written,
    Mistakes& mistakes) {
  std::vector<std::string> order;
  for (const std::string& pointer : written)
    if (sweep.contains(pointer)) order.push_back(pointer);
  for (const auto& [pointer, values] : sweep.items())
    if (std::find(order.begin(), order.end(), pointer) == order.end()) order.push_back(pointer);
  std::vector<std::pair<std::string, std::vector<Json>>> made;
  for (const std::string& pointer : order)
    mistakes.attempt(
        [&] { made.emplace_back(pointer, sweep_values(sweep[pointer], place / pointer)); });
  return made;
}

/// A scenario's `model`: a file, a network to train, or the size of images that none looks at.
void read_model(const Json& all, Scenario& made) {
  if (!all.contains("model")) {
    if (!all.contains("link"))
      throw Error(made.file,
                  "the key 'model' is missing: a checkpoint file, or an architecture to train");
  } else if (all["model"].is_string()) {
    made.model_path = all["model"];
    if (made.model_path.empty())
      throw Error(made.place("/model").str(),
                  "expected a checkpoint file or {\"architecture\": {...}}, found an empty name");
  } else if (all["model"].contains("image")) {
    const Json& size = all["model"]["image"];
    made.image = {size[0].get<int>(), size[1].get<int>(), size[2].get<int>()};
  } else {
    const Place place = made.place("/model/architecture");
    made.architecture = Architecture::from_json(all["model"]["architecture"], place);
  }
}

void read_source(const Json& source, Scenario& made) {
  made.source.name = source["dataset"];
  made.source.split = split_named(source["split"]);
  made.source.path = source["path"];
  made.source.count = source["count"];
  made.source.place = made.place("/source").str();
  if (source.contains("validation")) {
    const std::string named = source["validation"];
    DatasetRequest other = made.source;
    other.count = 0;
    other.place = made.place("/source/validation").str();
    other.split = is_split(named) ? split_named(named) : Split::test;
    if (!is_split(named)) other.path = named;
    made.validation = other;
  }
  made.repeat = source["repeat"];
}

void read_measures(const Json& all, Scenario& made, Mistakes& mistakes) {
  for (const auto& [name, summary] : metrics().list())
    if (holds(all["metrics"], name))
      made.metrics.push_back(metrics().make({{"kind", name}}, made.place("/metrics")));
  if (image_metrics(made.metrics).size() > most_image_metrics)
    mistakes.add(Error(made.place("/metrics").str(), "a record has room for at most " +
                                                         std::to_string(most_image_metrics) +
                                                         " scores of the rebuilt image"));
  const auto device = [](const Json& end) {
    return DeviceModel::End{end["operations_per_second"], end["joule_per_operation"]};
  };
  const Json& devices = all["device_model"];
  made.devices = {device(devices["transmitter"]), device(devices["receiver"]),
                  devices["symbol_seconds"], devices["transmit_watt"]};
  made.stop = {all["stop"]["min_images"], all["stop"]["max_images"],
               all["stop"]["accuracy_halfwidth"]};
  if (made.stop.max_images > 0 && made.stop.min_images > made.stop.max_images)
    mistakes.add(Error(made.place("/stop/min_images").str(),
                       "is more than max_images = " + std::to_string(made.stop.max_images)));
  if (made.stop.accuracy_halfwidth > 0 && !holds(all["metrics"], "accuracy"))
    mistakes.add(Error(made.place("/stop/accuracy_halfwidth").str(), "needs the metric accuracy"));
  made.records = all["output"]["records"];
}

/// Without a metric no network runs: for that a timeline must plan without looking at images.
void check_metrics(const Json& all, const Scenario& made, Mistakes& mistakes) {
  if (!all["metrics"].empty()) return;
  const auto mistake = [&](const std::string& text) {
    mistakes.add(Error(made.place("/metrics").str(), text));
  };
  if (!all.contains("timeline"))
    mistake(
        "expected at least one of accuracy, psnr, ssim, ...: only a timeline can leave the network "
        "out");
  else if (const std::string reason = made.pair->looks_at_images(); !reason.empty())
    mistake(reason);
}

/// What the timeline says about other keys, and what knowing all does to it.
void check_timeline(Scenario& made, Mistakes& mistakes) {
  if (!made.timeline) return;
  TimelineSettings& timeline = *made.timeline;
  const auto mistake = [&](const char* place, const std::string& text) {
    mistakes.add(Error(made.place(place).str(), text));
  };
  if (static_cast<double>(timeline.links) * timeline.slots > 1e9)
    mistake("/timeline", "links x slots is more than the 1e9 decisions a timeline may hold");
  if (made.policy_knows_channel) {  // and needs no feedback
    timeline.feedback_delay = 0;
    timeline.feedback_loss = 0;
  }
  const Csi& known = made.channel.transmitter;
  if (known.kind == CsiKind::delayed && known.delay >= timeline.slots)
    mistake("/channel/csi/transmitter/delay", "a delay of " + std::to_string(known.delay) +
                                                  " slots is beyond the timeline of " +
                                                  std::to_string(timeline.slots));
  if (made.stop.max_images > 0 || made.stop.accuracy_halfwidth > 0)
    mistake("/stop", "a timeline ends with its last slot: leave it out, or change /timeline/slots");
  if ((made.repeat + 1.0) * timeline.slots > 4294967295.0)
    mistake("/source/repeat",
            "repeats of so many slots are beyond the 2^32 slots that are told apart");
}

void check_training_pilots(const Scenario& made, Mistakes& mistakes) {
  if (!made.train || made.train->pilots.range().second <= 0) return;
  const std::string place = made.place("/train/pilots").str();
  if (made.channel.fading.coherence == Coherence::block)
    mistakes.add(Error(place, "pilots are drawn for an image as a whole: coherence image"));
  if (made.channel.frame_uses() > 1)
    mistakes.add(Error(place, "the pilots of the channel '" +
                                  made.resolved["channel"]["kind"].get<std::string>() +
                                  "' are laid out by channel.pilots: leave this at 0"));
}

/// A scenario whose keys are all known and of their type; what is left is what one says about
/// another.
Scenario parse(const Json& value, const std::string& file,
               const std::vector<std::string>& sweep_order, Mistakes& mistakes) {
  Scenario made;
  made.file = file;
  made.resolved = resolve(value, scenario_fields(), Place{file, ""}, mistakes);
  if (mistakes.any()) return made;
  Json& all = made.resolved;
  all.erase("$schema");  // for editors; it says nothing about a point
  if (all["name"] == "") all["name"] = std::filesystem::path(file).stem().string();
  made.name = all["name"];
  if (std::any_of(made.name.begin(), made.name.end(), [](unsigned char c) { return c < 0x20; }))
    mistakes.add(Error(made.place("/name").str(), "must be one line"));
  made.seed = all["seed"];
  read_source(all["source"], made);
  mistakes.attempt([&] { read_model(all, made); });
  mistakes.attempt([&] { read_pair(all, made); });
  made.power = power_named(all["conventions"]["power"]);
  mistakes.attempt([&] {
    made.channel = channels().make(all["channel"], made.place("/channel"));
    read_conventions(all["conventions"], made);
  });
  mistakes.attempt([&] {
    made.equaliser =
        equalisers().make(all["receiver"]["equaliser"], made.place("/receiver/equaliser"));
  });
  made.router = all["receiver"]["router"];
  read_measures(all, made, mistakes);
  if (mistakes.any()) return made;

  // From here on parts are held against each other.
  made.policy_knows_channel =
      policies().make(made.policy, made.place("/transmitter/policy"))->knows_the_channel();
  if (made.policy_knows_channel) made.channel.transmitter = {};
  mistakes.attempt([&] { check_pair(made); });
  if (all.contains("train"))
    mistakes.attempt(
        [&] { made.train = read_train(all["train"], made.place("/train"), made.architecture); });
  mistakes.attempt([&] {
    if (all.contains("link"))
      made.link = read_link(all["link"], all["stop"], made.place("/link"), made.channel);
    if (made.channel.flips_bits()) check_flips(made);
  });
  if (all.contains("timeline"))
    mistakes.attempt(
        [&] { made.timeline = read_timeline(all["timeline"], made.place("/timeline")); });
  check_metrics(all, made, mistakes);
  check_timeline(made, mistakes);
  check_training_pilots(made, mistakes);
  made.sweep = read_sweep(all["sweep"], made.place("/sweep"), sweep_order, mistakes);

  mistakes.attempt([&] {
    // Reads a table now, so that a bad one is known before anything runs.
    const Place place = made.place("/transmitter/policy");
    if (policies().make(made.policy, place)->remembers() && !all.contains("timeline"))
      throw Error(place.str(), "'" + made.policy["kind"].get<std::string>() +
                                   "' remembers each link's past: it needs a timeline");
    if (made.architecture) check_against(made, *made.architecture);
  });
  return made;
}

}  // namespace

Scenario parse_scenario(const Json& value, const std::string& file,
                        const std::vector<std::string>& sweep_order) {
  Mistakes first;
  return parse(value, file, sweep_order, first);
}

Scenario read_scenario(const std::string& path, const Overrides& overrides) {
  Mistakes first;
  return read_scenario(path, overrides, first);
}

namespace {

/// `value` with its paths as they are meant, and the order in which its sweep is written.
Scenario read_value(Json value, const OrderedJson& written, const std::string& file,
                    const Overrides& overrides, Mistakes& mistakes) {
  std::vector<std::string> order;
  if (sweeps(value))
    for (const auto& [pointer, values] : written["sweep"].items()) order.push_back(pointer);
  if (!overrides.empty()) {
    value = overridden(std::move(value), file, overrides, order, mistakes);
    if (mistakes.any()) return {};
  }
  return parse(value, file, order, mistakes);
}

}  // namespace

Scenario read_scenario(const std::string& path, const Overrides& overrides, Mistakes& mistakes) {
  const std::string text = read_file_or_pipe(path, largest_scenario);
  Json value = parse_json(text, path);
  const OrderedJson written = sweeps(value) ? parse_ordered_json(text, path) : OrderedJson();
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  visit_paths(value, [&](const std::string&, std::string& file) {
    if (std::filesystem::path(file).is_relative())
      file = utf8_path((folder / file).lexically_normal().string());
  });
  return read_value(std::move(value), written, path, overrides, mistakes);
}

Scenario read_written(const OrderedJson& written, const std::string& file,
                      const Overrides& overrides, Mistakes& mistakes) {
  return read_value(Json(written), written, file, overrides, mistakes);
}

void check_against(const Scenario& scenario, const Architecture& architecture) {
  check_shape(*scenario.pair, architecture, scenario.place("/model"));
  if (!scenario.pair->semantic()) return;
  const int blocks = architecture.transmitter_blocks, rate = architecture.max_symbols_per_token;
  const std::string depth_limit =
      " is beyond the network's " + std::to_string(blocks) + " transmitter blocks";
  const std::string rate_limit =
      " is beyond the model's " + std::to_string(rate) + " symbols a token";
  const Place policy = scenario.place("/transmitter/policy");
  const bool from_file = scenario.policy.contains("file");
  for (const Plan& plan : policies().make(scenario.policy, policy)->plans()) {
    const auto key = [&](const char* name) {
      return (from_file ? policy / "file" : policy / name).str();
    };
    if (plan.exit_depth > blocks)
      throw Error(key("depth"), std::to_string(plan.exit_depth) + depth_limit);
    if (plan.symbols_per_token > rate)
      throw Error(key("symbols_per_token"), std::to_string(plan.symbols_per_token) + rate_limit);
  }
  SemanticTransmitter::check(
      {scenario.gate, scenario.exit, scenario.positions_sent, scenario.power, scenario.digital},
      architecture, scenario.place("/transmitter"));
  SemanticReceiver::check({scenario.equaliser, scenario.router, scenario.digital}, architecture,
                          scenario.place("/receiver"));
  if (!scenario.train && scenario.measures(Metric::Needs::image) && !architecture.image_head)
    throw Error(scenario.place("/metrics").str(),
                named(scenario.metrics, Metric::Needs::image) +
                    " needs a model with an image head; this one answers with a class only");
  if (!scenario.train) return;
  const Place exit_loss = scenario.place("/train/losses/exit");
  if (const Json& weights = scenario.resolved["train"]["losses"]["exit"];
      weights.is_array() && weights.size() != static_cast<std::size_t>(blocks))
    throw Error(exit_loss.str(), "expected a number, or one for each of the network's " +
                                     std::to_string(blocks) + " transmitter blocks; found " +
                                     std::to_string(weights.size()));
  if (scenario.train->trains_exits() && !architecture.exit_heads)
    throw Error(
        exit_loss.str(),
        "the model has no exit heads: set \"exit_heads\": true in model.architecture.transmitter");
  if (const double depth = scenario.train->depth.range().second; depth > blocks)
    throw Error(scenario.place("/train/depth").str(), canonical(depth) + depth_limit);
  if (const double symbols = scenario.train->symbols_per_token.range().second; symbols > rate)
    throw Error(scenario.place("/train/symbols_per_token").str(), canonical(symbols) + rate_limit);
}

}  // namespace semwave
