// Checked configuration, nothing live. One description of the keys (`scenario_fields`) serves checking, defaults,
// `schema`, `list` and the documentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel/channel.h"
#include "channel/signal.h"
#include "core/architecture.h"
#include "core/dataset.h"
#include "core/json.h"

namespace semwave {

/// What one training step draws for each image: uniform between two ends, or one of a list.
struct Law {
  std::vector<double> choices;      // empty: uniform
  double from = 0, to = 0;
  double draw(double uniform) const;
};

struct TrainSettings {
  int epochs = 10;
  int batch = 128;
  double learning_rate = 1.2e-3, weight_decay = 0.05, beta1 = 0.9, beta2 = 0.99, clip = 1.0;
  double warmup_epochs = 1, floor = 0.01;     // cosine from learning_rate to floor x learning_rate
  bool flip = false;
  int shift = 0;
  double class_weight = 1, image_weight = 0, balance_weight = 0.01, z_weight = 1e-3, gate_weight = 0, label_smoothing = 0.1;
  Law snr_db{{}, -5, 20}, keep{{1, 0.5, 0.25, 0.125}, 0, 0}, depth{{}, 0, 0}, symbols_per_token{{8}, 0, 0};
  double deepest_share = 0.5;                 // share of images that take the deepest exit whatever `depth` says
  std::vector<std::string> freeze;            // prefixes of parameters that stay as they are
  std::string initial;                        // checkpoint to start from, empty: fresh
  int validate_images = 1000;                 // images of the validation split looked at after each epoch
};

struct StopRule {
  int min_images = 0;             // 0: all
  int max_images = 0;             // 0: all of source.count
  double accuracy_halfwidth = 0;  // 0: never early
};

struct Scenario {
  std::string file;               // as given, for messages
  Json resolved;                  // every default filled in; what scenario.json of a result folder holds
  std::string name;
  std::uint64_t seed = 1;
  std::uint32_t repeat = 0;       // visit of every draw: another repeat of the same images has other noise
  DatasetRequest source;
  std::string model_path;         // absolute or relative to the working directory; empty with `architecture`
  std::optional<Architecture> architecture;
  Json gate, exit, policy;        // {"kind": ..., ...} for the registries of transmitter/
  bool positions_sent = true;
  PowerScope power = PowerScope::image;
  ChannelSettings channel;
  Equaliser equaliser = Equaliser::mmse;
  Json router;                    // for the registry of receiver/
  bool accuracy = true, psnr = false, ssim = false;
  StopRule stop;
  bool records = false;
  std::optional<TrainSettings> train;
  std::vector<std::pair<std::string, std::vector<Json>>> sweep;  // pointer -> values, in the order written

  Place place(const std::string& pointer) const { return {file, pointer}; }
};

const Fields& scenario_fields();
/// Reads, applies `--set` overrides (pointer, value), resolves and checks; relative paths become relative to the file's folder.
Scenario read_scenario(const std::string& path, const std::vector<std::pair<std::string, Json>>& overrides = {});
Scenario parse_scenario(const Json& value, const std::string& file);

/// One point of the grid: what was swept, and the scenario with it set.
struct Point {
  Json swept;  // pointer -> value
  Scenario scenario;
};
std::vector<Point> expand(const Scenario& scenario);

}  // namespace semwave
