// Tokens at even distances: the honest rival of every gate that looks.
#include "transmitter/gate/kinds.h"

namespace semwave {

namespace {

class UniformGate final : public Gate {
 public:
  Var score(Pass&, const Tokens&, int, const Var&) const override { return {}; }
  /// Of n rows those at floor((2 i + 1) n / 2 k), i = 0 .. k - 1.
  Kept select(Pass& pass, const GateQuestion& question) const override {
    const Ragged& layout = *question.tokens.layout;
    PooledVector<std::int32_t> source;
    for (int i = 0; i < layout.images(); ++i) {
      const std::int64_t rows = layout.rows_of(i),
                         k = std::min<std::int64_t>(rows, question.k[static_cast<std::size_t>(i)]);
      for (std::int64_t j = 0; j < k; ++j)
        source.push_back(layout.starts[static_cast<std::size_t>(i)] +
                         static_cast<std::int32_t>((2 * j + 1) * rows / (2 * k)));
    }
    return keep_rows(pass, question.tokens, {}, std::move(source));
  }
};

}  // namespace

void add_uniform_gate(GateRegistry& registry) {
  registry.add("uniform", gate_fields("tokens at even distances along the grid's rows"),
               [](const Json&, ParameterSet&, const Architecture&) {
                 return std::make_unique<UniformGate>();
               });
}

}  // namespace semwave
