// Each expert takes the rows of an image that suit it best (Zhou et al. 2022). Every expert is busy
// by construction; a row may have several experts or none, and then passes by the residual.
#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "receiver/router/choice.h"
#include "receiver/router/kinds.h"

namespace semwave {

namespace {

class ExpertChoice final : public Router {
 public:
  ExpertChoice(ParameterSet& set, const Architecture& a, double capacity)
      : experts_(a.experts), capacity_(capacity), heads_(router_heads(set, a, a.experts)) {}
  void check(const Architecture& a, const Place& place) const override {
    if (capacity_ * a.grid() < a.experts)
      throw Error((place / "capacity").str(),
                  "leaves an expert less than one token of the grid's " + std::to_string(a.grid()) +
                      ": it must be at least " + canonical(double(a.experts) / a.grid()));
  }
  double routing_operations(double rows) const override { return heads_.front().operations(rows); }
  double rows_run(double rows) const override {
    const int n = static_cast<int>(rows);
    return experts_ * std::min(n, capacity_of(capacity_, 1, n, experts_));
  }
  RoutedBlock choose(Pass& pass, const RouterInput& input) const override {
    const Var logits = heads_[static_cast<std::size_t>(input.block)](pass, input.described);
    const Var p = softmax(pass, logits);
    PooledVector<float> values(static_cast<std::size_t>(p.value().size()));
    if (!values.empty()) pass.backend.to_host(p.value(), values.data());
    RoutedBlock made;
    made.routing =
        dispatch(p, top_per_expert(values, *input.layout, experts_, capacity_), experts_);
    return made;
  }

 private:
  int experts_;
  double capacity_;
  std::vector<Linear> heads_;
};

}  // namespace

void add_expert_choice_router(RouterRegistry& registry) {
  const Fields fields{
      .summary = "each expert takes the rows of an image that suit it best, so none is idle",
      .fields = {fields::number("capacity", 1, 1e-3, 64,
                                "an expert takes ceil(capacity rows / experts) rows of an image")}};
  registry.add("expert_choice", fields,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<ExpertChoice>(set, architecture,
                                                       parameters.at("capacity").get<double>());
               });
}

}  // namespace semwave
