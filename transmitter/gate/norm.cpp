// The longest tokens: what a gate learns should be better than that.
#include "transmitter/gate/kinds.h"

namespace semwave {

namespace {

class NormGate final : public Gate {
 public:
  /// The squared norm of each row, summed in double precision.
  Var score(Pass& pass, const Tokens& tokens, int, const Var&) const override {
    const auto rows = static_cast<std::size_t>(tokens.layout->rows());
    const auto dim = static_cast<std::size_t>(tokens.rows.value().columns());
    PooledVector<float> x(rows * dim), scores(rows);
    if (rows > 0) pass.backend.to_host(tokens.rows.value(), x.data());
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t c = r * dim; c < (r + 1) * dim; ++c)
        sum += static_cast<double>(x[c]) * static_cast<double>(x[c]);
      scores[r] = static_cast<float>(sum);
    }
    pass.operations += 2 * static_cast<double>(rows * dim);
    return Var(pass.backend.from_host({static_cast<std::int64_t>(rows), 1}, scores.data()));
  }
  double scoring_operations(double rows) const override { return 2 * rows * dim_; }
  explicit NormGate(int dim) : dim_(dim) {}

 private:
  double dim_;
};

}  // namespace

void add_norm_gate(GateRegistry& registry) {
  registry.add("norm", gate_fields("the tokens of the largest squared norm stay"),
               [](const Json&, ParameterSet&, const Architecture& architecture) {
                 return std::make_unique<NormGate>(architecture.dim);
               });
}

}  // namespace semwave
