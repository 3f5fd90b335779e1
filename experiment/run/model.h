// A transmitter and a receiver with their parameters, as a scenario names them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "channel/trained_range.h"
#include "core/nn/architecture.h"
#include "core/nn/classifier.h"
#include "core/tensor/checkpoint.h"
#include "core/tensor/parameter.h"
#include "experiment/pair/model.h"
#include "experiment/scenario/scenario.h"
#include "receiver/receiver.h"
#include "transmitter/policy/policy.h"
#include "transmitter/transmitter.h"

namespace semwave {

/// A scenario of bits alone has none. Throws Error then.
void need_model(const Scenario& scenario);
/// The checkpoint of the scenario, or the fresh architecture. Throws Error where they do not fit.
Model make_model(const Scenario& scenario, Backend& backend);
/// With a checkpoint read before (a sweep reads its model once).
Model make_model(const Scenario& scenario, Backend& backend, const Checkpoint& checkpoint);
/// The model that a training begins with: the same, but trained for the SNRs of `train.snr_db` from
/// now on, whatever its checkpoint says.
Model make_model_to_train(const Scenario& scenario, Backend& backend);
/// The SNRs that a checkpoint's model was trained for, from its metadata ("semwave.conditioning":
/// {"snr_db": [low, high]}); none where it does not say. Throws Error where it says nothing that
/// makes sense.
std::optional<TrainedRange> trained_range(const Checkpoint& checkpoint, const std::string& place);
/// What of a scenario's transmitter, beside the model, the figures of a table depend on.
Json policy_network(const Scenario& scenario);
/// The policy of a scenario, fitted to the network.
std::unique_ptr<Policy> make_policy(const Scenario& scenario, const Architecture& architecture);
/// Everything that decides which network a point runs, as text: points of one key share theirs.
std::string network_key(const Scenario& scenario);
/// A policy's figures hold for the checkpoint and the network they were measured with: throws Error
/// where those are others. An empty sum is that of a fresh network.
void check_policy(const Scenario& scenario, const std::string& model_sha256);
/// Copies values into the parameters; every parameter must be there with its shape. Arrays the
/// model does not use must belong to a part that the scenario replaced (transmitter.gate.).
void load_parameters(ParameterSet& parameters, const Checkpoint& checkpoint,
                     const std::string& place);
/// The same from what `train.initial` names: exit heads (transmitter.exits.) that are on one side
/// only are left out, so that heads can be trained on a network that had none.
void load_initial(ParameterSet& parameters, const Checkpoint& checkpoint, const std::string& place);
Checkpoint to_checkpoint(const Model& model);

}  // namespace semwave
