#include "core/nn/classifier.h"

namespace semwave {

Classifier::Classifier(ParameterSet& set, const Architecture& a)
    : architecture_(a),
      tokeniser_(set, "classifier.tokeniser", a),
      head_(set, "classifier.class_head", a.dim, a.classes, 0) {
  for (int b = 0; b < a.transmitter_blocks; ++b)
    blocks_.emplace_back(set, "classifier.blocks." + std::to_string(b), a.dim, a.heads,
                         a.transmitter_hidden, 0);
}

Var Classifier::operator()(Pass& pass, const Tensor& images) const {
  Tokens x = tokeniser_(pass, images);
  for (const Block& block : blocks_) x = block(pass, x, {});
  return head_(pass, x, {});
}

double Classifier::operations() const {
  const double rows = architecture_.grid();
  double sum = tokeniser_.operations();
  for (const Block& block : blocks_) sum += block.operations(rows);
  return sum + head_.operations(rows);
}

double Classifier::least_parameters(const Architecture& a) {
  double sum = 0, in = a.channels;
  for (const TokeniserStage& stage : a.tokeniser) {
    sum += in * stage.window.kernel * stage.window.kernel * stage.channels;
    in = stage.channels;
  }
  const double dim = a.dim;
  sum += a.transmitter_blocks * (4 * dim * dim + 2 * dim * a.transmitter_hidden);
  return sum + a.grid() * dim + dim * a.classes + double(a.height) * a.width * a.channels;
}

}  // namespace semwave
