// A plain classifier of whole images: tokeniser, every block, class head, conditioned on nothing.
// What a separation receiver looks at its decoded image with, and what a transmitter that sends
// labels looks at its own with. The same weights can serve both.
#pragma once

#include <vector>

#include "core/nn/layers.h"

namespace semwave {

class Classifier {
 public:
  /// Adds its parameters, prefixed `classifier.`, to `set`. Of the architecture it takes image,
  /// tokeniser, dim, heads, classes and the transmitter's blocks and width; everything else has no
  /// part in it.
  Classifier(ParameterSet& set, const Architecture& architecture);

  Var operator()(Pass& pass,
                 const Tensor& images /*[B, H, W, C] in [0, 1]*/) const;  // logits [B, classes]
  /// Of one image, as a pass counts them.
  double operations() const;
  /// Of an architecture: at least this many trained numbers.
  static double least_parameters(const Architecture& architecture);

 private:
  Architecture architecture_;
  Tokeniser tokeniser_;
  std::vector<Block> blocks_;
  ClassHead head_;
};

}  // namespace semwave
