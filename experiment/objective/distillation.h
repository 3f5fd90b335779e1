// Exit heads that learn from the deepest one, beside the labels.
#pragma once

#include "experiment/objective/objective_term.h"

namespace semwave {

/// `distil`: of each image the mean over its heads but the deepest of the cross-entropy against
/// what the deepest head that heard it says, which has no gradient from that (Phuong and Lampert
/// 2019). Needs train.losses.exit, which has the heads asked.
void add_distillation(ObjectiveTermRegistry& registry);

}  // namespace semwave
