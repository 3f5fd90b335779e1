// Checked configuration, nothing live. One description of the keys (`scenario_fields`) serves
// checking, defaults, `schema`, `list` and the documentation.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel/channel.h"
#include "core/config/json.h"
#include "core/data/dataset.h"
#include "core/nn/architecture.h"
#include "experiment/metric/metric.h"
#include "experiment/pair/pair.h"
#include "experiment/scenario/device_model.h"
#include "experiment/scenario/train_settings.h"
#include "phy/digital/digital_link.h"
#include "phy/signal/power_scope.h"
#include "phy/signal/signal.h"

namespace semwave {

class Mistakes;

struct StopRule {
  int min_images = 0;             // before a sure accuracy may end the run
  int max_images = 0;             // 0: all of source.count
  double accuracy_halfwidth = 0;  // 0: never early
};

/// Bits instead of images: semwave link.
struct LinkSettings {
  ModulationCoding coding;
  TransportDecoding decoding;
  std::int64_t block_bits = 0;                            // information bits of a frame, settled
  std::int64_t frame_errors = 100, max_frames = 1000000;  // of `stop`
};

/// Links over time; what each key does: experiment/run/timeline.h.
struct TimelineSettings {
  int links = 16, slots = 1000;
  bool periodic = true;  // arrivals: one image every `every` slots; else Poisson of `mean` a slot
  int every = 1;
  double mean = 1;
  int queue = 16;              // images that may wait at a link
  int deadline = 0;            // slots from arrival to the end of the burst; 0: none
  std::int64_t slot_uses = 0;  // channel uses a slot holds; 0: any burst
  int feedback_delay = 1;      // slots
  double feedback_loss = 0;
};

struct Scenario {
  std::string file;  // as given, for messages
  Json resolved;     // every default filled in; what scenario.json of a result folder holds
  std::string name;
  std::uint64_t seed = 1;
  std::uint32_t repeat =
      0;  // visit of every draw: another repeat of the same images has other noise
  DatasetRequest source;
  /// The images that a training is watched by; none: the split validation of the source.
  std::optional<DatasetRequest> validation;
  std::string
      model_path;  // absolute or relative to the working directory; empty with `architecture`
  std::optional<Architecture> architecture;
  std::optional<std::array<int, 3>>
      image;                         // height, width, channels, where no network looks at them
  std::shared_ptr<const Pair> pair;  // which sends and hears
  bool policy_knows_channel = false;
  Json gate, exit, policy;  // {"kind": ..., ...} for the registries of transmitter/; of the
                            // semantic pair, usual ones elsewhere
  bool positions_sent = true;
  PowerScope power = PowerScope::image;
  ChannelSettings channel;
  Equaliser equaliser = Equaliser::mmse;
  Json router;      // for the registry of receiver/
  Metrics metrics;  // what is measured; none: a timeline without its network
  bool measures(Metric::Needs what) const { return any_needs(metrics, what); }
  DeviceModel devices;
  StopRule stop;
  bool records = false;
  std::optional<TrainSettings> train;
  std::optional<TimelineSettings> timeline;
  std::optional<LinkSettings> link;
  std::shared_ptr<const DigitalLink> digital;  // of transmitter.link; null: analogue
  std::vector<std::pair<std::string, std::vector<Json>>>
      sweep;  // pointer -> values, in the order written

  PairContext pair_context() const {
    return {.channel = channel, .power = power, .image = image, .place = {file, ""}};
  }
  Place place(const std::string& pointer) const { return {file, pointer}; }
};

/// Every key of a scenario. Made anew at each call, since a user's own gate may join its registry
/// at run time.
Fields scenario_fields();
/// What `--set` changes: JSON pointer, value; in the order given.
using Overrides = std::vector<std::pair<std::string, Json>>;

/// Reads, applies overrides, resolves and checks. Throws Error at the first mistake.
/// Relative paths of the file become relative to its folder, those of overrides stay relative to
/// the working directory. A pointer that an override gives a value, itself or within an object, is
/// not swept any more. One below a swept pointer is set in every swept value that has such a key.
/// An override that could change nothing is refused.
Scenario read_scenario(const std::string& path, const Overrides& overrides = {});
/// The same, reporting to `mistakes` (core/config/mistakes.h); a scenario with mistakes is not to
/// be used.
Scenario read_scenario(const std::string& path, const Overrides& overrides, Mistakes& mistakes);
/// Paths are taken as they stand. `sweep_order`: the keys of `sweep` as written (a Json object
/// forgets it); others follow by name.
Scenario parse_scenario(const Json& value, const std::string& file,
                        const std::vector<std::string>& sweep_order = {});

/// What can only be checked with the network at hand: plans and training laws within its depth and
/// rate.
void check_against(const Scenario& scenario, const Architecture& architecture);

/// The architecture in a checkpoint's metadata; throws Error where there is none.
struct Checkpoint;
Architecture checkpoint_architecture(const Checkpoint& checkpoint, const std::string& path);

/// Calls `visit` with each file path of a resolved scenario, in `sweep` too, and the pointer it
/// stands for; it may change them.
void visit_paths(Json& resolved,
                 const std::function<void(const std::string& pointer, std::string& path)>& visit);

/// Whether it names a split of a data set, and no folder.
bool is_split(const std::string& name);
/// `path` itself; throws Error where it is no UTF-8: JSON holds nothing else, and every result
/// names the files it was made of.
std::string utf8_path(std::string path);
/// `path` as it is said in a file of `folder`, so that it does not depend on where a program was
/// started.
std::string path_from(const std::string& folder, const std::string& path);
/// A swept value with `change` done to each file path in it.
Json swept_value(const std::string& pointer, const Json& value,
                 const std::function<std::string(const std::string& path)>& change);

/// The resolved scenario as text: keys in the order of the documentation, `sweep` as written, paths
/// relative to `folder` so that the text can be run from there.
std::string scenario_text(const Scenario& scenario, const std::string& folder);

/// One point of the grid: what was swept, and the scenario with it set.
struct Point {
  Json swept;  // pointer -> value
  Scenario scenario;
};
/// The product of the swept lists, the last one written running fastest; one point without
/// `sweep`. Throws Error naming the point that does not resolve, or a swept pointer that could
/// change nothing.
std::vector<Point> expand(const Scenario& scenario);
/// The same, reporting to `mistakes`; points with mistakes are not to be used.
std::vector<Point> expand(const Scenario& scenario, Mistakes& mistakes);

/// Whether link.eb_n0_db, written or swept, stands in place of channel.snr_db in a resolved
/// scenario.
bool eb_n0_rules(const Json& resolved);

/// Whether `pointer` leads to something within what `above` points to.
inline bool is_below(const std::string& pointer, const std::string& above) {
  return pointer.starts_with(above + "/");
}

/// The values of one entry of `sweep`: a list, or {"from", "to", "step"} with both ends included.
std::vector<Json> sweep_values(const Json& entry, const Place& place);

}  // namespace semwave
