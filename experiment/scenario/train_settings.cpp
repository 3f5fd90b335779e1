#include "experiment/scenario/train_settings.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace semwave {
namespace {

Law read_law(const Json& value, const Place& place, bool whole) {
  Law law;
  if (value.is_number()) {
    law.choices = {value.get<double>()};
  } else if (value.contains("choice")) {
    law.choices = value["choice"].get<std::vector<double>>();
    if (law.choices.empty()) throw Error((place / "choice").str(), "expected at least one value");
  } else {
    const Json& ends = value.at("uniform");
    if (ends.size() != 2 || ends[0].get<double>() > ends[1].get<double>())
      throw Error((place / "uniform").str(),
                  "expected [from, to] with from at most to, found " + ends.dump());
    law.from = ends[0];
    law.to = ends[1];
  }
  if (whole)
    for (const double one :
         law.choices.empty() ? std::vector<double>{law.from, law.to} : law.choices)
      if (one != std::floor(one))
        throw Error(place.str(), "expected whole numbers, found " + Json(one).dump());
  return law;
}

DecodedSettings read_decoded(const Json& decoded, const Place& place) {
  DecodedSettings made;
  made.share = decoded["share"];
  made.quality = read_law(decoded["quality"], place / "quality", true);

  for (const Json& name : decoded["codecs"]) {
    const Json codec = resolve(name, image_codecs().field("codecs"), place / "codecs");
    made.codecs.push_back(image_codecs().make(codec, place / "codecs"));
  }
  return made;
}

}  // namespace

double TrainSettings::exit_weight(int after) const {
  if (exit_weights.size() <= 1) return exit_weights.empty() ? 0 : exit_weights[0];
  return exit_weights.at(static_cast<std::size_t>(after - 1));
}

bool TrainSettings::trains_exits() const {
  return std::any_of(exit_weights.begin(), exit_weights.end(),
                     [](double weight) { return weight > 0; });
}

int Law::draw_integer(double uniform) const {
  return static_cast<int>(choices.empty() ? std::floor(from + uniform * (to - from + 1))
                                          : std::lround(draw(uniform)));
}

std::pair<double, double> Law::range() const {
  if (choices.empty()) return {from, to};
  const auto [least, most] = std::minmax_element(choices.begin(), choices.end());
  return {*least, *most};
}

double Law::draw(double uniform) const {
  if (choices.empty()) return from + (to - from) * uniform;
  const auto at = static_cast<std::size_t>(uniform * static_cast<double>(choices.size()));
  return choices[std::min(at, choices.size() - 1)];
}

TrainSettings read_train(const Json& train, const Place& place,
                         const std::optional<Architecture>& architecture) {
  TrainSettings made;
  made.epochs = train["epochs"];
  made.batch = train["batch"];
  const Json& optimiser = train["optimiser"];
  made.learning_rate = optimiser["learning_rate"];
  made.weight_decay = optimiser["weight_decay"];
  made.beta1 = optimiser["beta1"];
  made.beta2 = optimiser["beta2"];
  made.clip = optimiser["clip"];
  made.warmup_epochs = train["schedule"]["warmup_epochs"];
  made.floor = train["schedule"]["floor"];
  made.flip = train["augmentation"]["flip"];
  const Json& augmentation = train["augmentation"];
  made.shift = augmentation["shift"];
  if (augmentation.contains("crop"))
    made.patch = {augmentation["crop"][0].get<int>(), augmentation["crop"][1].get<int>()};
  if (augmentation.contains("crops")) {
    made.patches = augmentation["crops"];
    if (!made.patch)
      throw Error((place / "augmentation" / "crops").str(),
                  "says how many patches: give their size in crop");
  }
  if (train.contains("decoded")) made.decoded = read_decoded(train["decoded"], place / "decoded");
  const Json& losses = train["losses"];
  made.class_weight = losses["class"];
  made.image_weight = losses["image"];
  made.balance_weight = losses["balance"];
  made.z_weight = losses["z"];
  made.gate_weight = losses["gate"];
  made.budget_weight = losses["budget"];
  if (losses["exit"].is_array())
    made.exit_weights = losses["exit"].get<std::vector<double>>();
  else
    made.exit_weights = {losses["exit"].get<double>()};
  made.label_smoothing = losses["label_smoothing"];
  for (const auto& [name, summary] : objective_terms().list())
    if (const double weight = losses[name]; weight > 0)
      made.terms.push_back(
          {name, weight, objective_terms().make({{"kind", name}}, place / "losses" / name)});
  made.snr_db = read_law(train["snr_db"], place / "snr_db", false);
  made.keep = read_law(train["keep"], place / "keep", false);
  made.symbols_per_token = read_law(train["symbols_per_token"], place / "symbols_per_token", true);
  made.hardness_from = train["hardness"]["from"];
  made.hardness_to = train["hardness"]["to"];
  made.pilots = read_law(train["pilots"], place / "pilots", true);
  made.belief_error_db = read_law(train["belief_error_db"], place / "belief_error_db", false);
  if (train.contains("depth")) {
    made.depth = read_law(train["depth"], place / "depth", true);
  } else {
    if (!architecture)
      throw Error(place.str(),
                  "the key 'depth' is needed where the model is a file, as in \"depth\": "
                  "{\"choice\": [1, 2, 4]}");
    for (int depth = std::min(1, architecture->transmitter_blocks);
         depth <= architecture->transmitter_blocks; ++depth)
      made.depth.choices.push_back(depth);
  }
  made.deepest_share = train["deepest_share"];
  made.unannounced_share = train["unannounced_share"];
  made.freeze = train["freeze"].get<std::vector<std::string>>();
  made.initial = train["initial"];
  made.validate_images = train["validate_images"];
  made.half_weights = train["weights"] == "float16";
  return made;
}

}  // namespace semwave
