// What training minimises, for one shard; every term is divided by the batch, so it does not matter
// how a batch was cut.
#pragma once

#include <cstdint>
#include <vector>

#include "core/nn/architecture.h"
#include "core/tensor/pass.h"
#include "experiment/scenario/scenario.h"
#include "receiver/receiver.h"
#include "transmitter/transmitter.h"

namespace semwave {

struct ShardLoss {
  Var total;  // [1], undefined where nothing is asked for
  double class_loss = 0, image_loss = 0, gate_loss = 0;  // unweighted shares of the batch mean
  double budget_loss = 0;                                // weighted: TransmitTrace::penalties
  double exit_loss = 0;                                  // weighted, all depths together
  std::vector<double> terms;  // of settings.terms, unweighted shares of the batch mean
};

/// class: cross-entropy with label smoothing. image: mean over images of ln(MSE + 1e-5), which is
/// PSNR up to a factor; an image that came without positions takes no part. gate: squared error of
/// the score of each *dropped* token against the ln(MSE + 1e-4) with which the receiver rebuilt its
/// patch, so that a score learns what dropping a token costs; it needs scores of the whole grid (a
/// gate before the first block) and an image head. exit: cross-entropy of every exit head over the
/// images that were inside there, one weight a depth (BranchyNet, Teerapittayanon et al. 2016).
/// balance and z: Switch balance loss and router z-loss of every routed block, through
/// pass.statistics.
ShardLoss objective(Pass& pass, const Architecture& architecture, const TrainSettings& settings,
                    const Tensor& images /*[B, H, W, C]*/, std::span<const std::int32_t> labels,
                    const TransmitTrace& sent, const Result& result, int batch);

}  // namespace semwave
