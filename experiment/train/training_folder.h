// The folder of a training, and what is said of each epoch.
#pragma once

#include <string>

#include "core/config/ordered_json.h"
#include "experiment/scenario/scenario.h"
#include "experiment/train/trainer.h"

namespace semwave {

/// Makes the folder of a training with its scenario.json, or finds the one that goes on. Returns
/// whether a training had begun there. Throws Error where the folder holds results, where it holds
/// a training that is not to be resumed, or where it cannot be made.
bool open_training_folder(const Scenario& scenario, const std::string& out, bool resume);

/// The end of an epoch. `image`: images are rebuilt, and their PSNR is known.
OrderedJson epoch_json(const TrainingProgress& at, bool image);

}  // namespace semwave
