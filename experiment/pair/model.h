// The networks of one point: parameters and the two ends made of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "channel/trained_range.h"
#include "core/nn/architecture.h"
#include "core/nn/classifier.h"
#include "core/tensor/parameter.h"
#include "receiver/receiver.h"
#include "transmitter/transmitter.h"

namespace semwave {

struct Model {
  Architecture architecture;
  std::unique_ptr<ParameterSet> parameters;
  std::unique_ptr<Classifier> classifier;  // of the pairs separation (behind its receiver) and
                                           // label (in its transmitter): all that a training of
                                           // theirs trains
  std::unique_ptr<Transmitter> transmitter;
  std::unique_ptr<Receiver> receiver;
  bool rebuilds = false;                // an image comes out
  std::optional<TrainedRange> trained;  // what its networks are told of the channel's state ends
                                        // there; none: nowhere
  std::string sha256;                   // of the checkpoint; empty for a fresh one
};

}  // namespace semwave
