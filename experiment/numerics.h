// Which parts of the code and which tables a point uses (core/numerics.h): with the scenario, the
// model and the images they are what a point is known by. The one place that says so.
#pragma once

#include <vector>

#include "core/numerics.h"
#include "core/tensor/tensor.h"

namespace semwave {

struct Scenario;

namespace part {

inline constexpr CodePart scenario{
    "scenario", 1,
    "experiment/scenario/device_model experiment/scenario/overrides "
    "experiment/scenario/scenario experiment/scenario/scenario_fields "
    "experiment/scenario/scenario_files experiment/scenario/sweep "
    "experiment/scenario/train_settings"};
inline constexpr CodePart evaluation{
    "evaluation", 1,
    "experiment/run/evaluate experiment/run/images experiment/metric/statistics "
    "experiment/metric/picture_scores "
    "experiment/run/model experiment/results/record experiment/results/results "
    "experiment/run/shard_run experiment/run/way experiment/record/image_record "
    "experiment/pair/"};
inline constexpr CodePart timeline{"timeline", 1, "experiment/run/timeline"};
inline constexpr CodePart link_laboratory{"link laboratory", 2,
                                          "experiment/link/link_rows experiment/link/link_run"};

inline constexpr const CodePart* of_experiment[] = {&scenario, &evaluation, &timeline,
                                                    &link_laboratory};

}  // namespace part

/// Of a point that sends images, as `semwave run` and nodes do, on a device of this kind; by name,
/// each once. Where it shows only in the run which of several is used (a sender chooses its
/// modulation and coding), all that may be are there.
std::vector<Component> components_used(const Scenario& scenario, DeviceKind device);
/// The same of a point of `semwave link`, which sends bits.
std::vector<Component> link_components_used(const Scenario& scenario, DeviceKind device);
/// Whether a row says what a sender expects, predicted_loss: over AWGN alone at one SNR, with the
/// decoders of images.
bool predicts_frame_errors(const Scenario& scenario);

}  // namespace semwave
