// The key `train` of a scenario: what a training does, and what each of its steps draws.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/json.h"
#include "core/data/codec/image_codec.h"
#include "core/nn/architecture.h"
#include "experiment/objective/objective_term.h"

namespace semwave {

/// What one training step draws for each image: uniform between two ends, or one of a list.
struct Law {
  std::vector<double> choices;  // empty: uniform
  double from = 0, to = 0;
  double draw(double uniform) const;
  /// A whole number: each of from..to alike.
  int draw_integer(double uniform) const;
  std::pair<double, double> range() const;  // smallest and largest value
};

/// What image codecs make of a picture, in place of the picture: core/data/codec/image_codec.h.
struct DecodedSettings {
  double share = 0;  // of the images of a step
  std::vector<std::shared_ptr<const ImageCodec>>
      codecs;   // each as likely; one that is named twice is there twice
  Law quality;  // whole numbers, 0 to ImageCodec::best_quality
};

struct TrainSettings {
  int epochs = 10;
  int batch = 128;
  double learning_rate = 1.2e-3, weight_decay = 0.05, beta1 = 0.9, beta2 = 0.99, clip = 1.0;
  double warmup_epochs = 1, floor = 0.01;  // cosine from learning_rate to floor x learning_rate
  bool flip = false;
  int shift = 0;
  std::optional<std::array<int, 2>> patch;  // height, width: of each image a random part; none: all
  int patches = 1;                          // of each image an epoch
  DecodedSettings decoded;  // before flip and shift: a codec sees pictures as they are stored
  double class_weight = 1, image_weight = 0, balance_weight = 0.01, z_weight = 1e-3,
         gate_weight = 0, budget_weight = 1, label_smoothing = 0.1;
  /// Of objective_terms(), those with a weight.
  struct Term {
    std::string name;
    double weight = 0;
    std::shared_ptr<const ObjectiveTerm> term;
  };
  std::vector<Term> terms;
  std::vector<double>
      exit_weights;  // of the exit heads by depth from 1; one: of each alike; none: no such loss
  double exit_weight(int after) const;  // of the head behind `after` blocks
  bool trains_exits() const;            // any weight is above 0
  Law snr_db{{}, -5, 20}, keep{{1, 0.5, 0.25, 0.125}, 0, 0}, depth{{}, 0, 0},
      symbols_per_token{{8}, 0, 0};
  Law pilots{
      {0},
      0,
      0};  // of the receiver's estimate of each image's gain; 0: it knows what channel.csi says
  Law belief_error_db{
      {0}, 0, 0};  // deviation of the error, normal in dB, of the SNR the transmitter believes in
  double unannounced_share = 0;  // of the images that leave early: their plan says the deepest
                                 // exit, as that of an image does whose head is sure
  double hardness_from = 2, hardness_to = 40;  // of a digital link's quantiser, over the epochs
  double hardness(int epoch) const {
    return hardness_from + (epochs > 1 ? (hardness_to - hardness_from) * epoch / (epochs - 1) : 0);
  }
  double deepest_share = 0.5;  // share of images that take the deepest exit whatever `depth` says
  std::vector<std::string> freeze;  // prefixes of parameters that stay as they are
  std::string initial;              // checkpoint to start from, empty: fresh
  int validate_images = 1000;       // images of the validation split looked at after each epoch
  bool half_weights = false;  // model.safetensors as float16; the training state stays float32
};

/// `train` with every default filled in. Without `depth` all depths of the architecture are drawn;
/// throws Error where that is not known either.
TrainSettings read_train(const Json& train, const Place& place,
                         const std::optional<Architecture>& architecture);

}  // namespace semwave
