// Each row runs through its k most probable experts (Shazeer et al. 2017; with k = 1 Fedus et al.
// 2021, Switch). Options: noise on the logits in training (Riquelme et al. 2021, V-MoE), a capacity
// an expert has of each image, weights that sum to 1, and a shared expert that every row runs
// through (Dai et al. 2024, DeepSeekMoE).
#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "core/random/random.h"
#include "receiver/router/choice.h"
#include "receiver/router/kinds.h"

namespace semwave {

namespace {

class TopK final : public Router {
 public:
  TopK(ParameterSet& set, const Architecture& a, const Json& parameters)
      : k_(parameters.at("k")),
        shared_(parameters.at("shared").get<bool>() ? 1 : 0),
        routed_(a.experts - shared_),
        capacity_(parameters.at("capacity")),
        noise_(parameters.value("noise", 0.0) / std::max(1, routed_)),
        renormalise_(parameters.at("renormalise")) {
    if (routed_ < 1) throw PartError("/shared", "needs an expert beside the shared one");
    heads_ = router_heads(set, a, routed_);
  }
  void check(const Architecture& a, const Place& place) const override {
    check_k(k_ + shared_, a.experts, place);
    if (capacity_ > 0 && capacity_ * k_ * a.grid() < routed_)
      throw Error((place / "capacity").str(),
                  "leaves an expert less than one token of the grid's " + std::to_string(a.grid()) +
                      ": with " + std::to_string(routed_) +
                      " experts and k = " + std::to_string(k_) + " it must be at least " +
                      canonical(static_cast<double>(routed_) / (k_ * a.grid())));
    if (renormalise_ && k_ == 1)
      throw Error((place / "renormalise").str(),
                  "with k = 1 every weight would be 1 and the router could not learn");
  }
  double routing_operations(double rows) const override { return heads_.front().operations(rows); }
  double rows_run(double rows) const override { return (k_ + shared_) * rows; }

  RoutedBlock choose(Pass& pass, const RouterInput& input) const override {
    Var logits = heads_[static_cast<std::size_t>(input.block)](pass, input.described);
    if (noise_ > 0 && pass.training) logits = affine(pass, logits, 1.0f, drawn(pass, input));
    RoutedBlock made;
    made.logits = logits;
    if (shared_ == 0 && capacity_ <= 0 && !renormalise_) {
      made.routing = route(pass, logits, k_);
      made.probabilities = made.routing.probabilities;
      return made;
    }
    made.probabilities = softmax(pass, logits);
    PooledVector<float> p(static_cast<std::size_t>(logits.value().size()));
    if (!p.empty()) pass.backend.to_host(made.probabilities.value(), p.data());
    Choice choice = top_per_row(p, routed_, k_);
    const Var weights = renormalise_ ? among(pass, logits, choice) : made.probabilities;
    if (capacity_ > 0) limit_to_capacity(choice, p, *input.layout, routed_, k_, capacity_);
    made.routing = shared_ ? with_shared(pass, weights, choice) : dispatch(weights, choice, k_);
    return made;
  }

 private:
  Tensor drawn(const Pass& pass, const RouterInput& input) const {
    const Ragged& layout = *input.layout;
    PooledVector<float> values;
    for (std::size_t r = 0; r < static_cast<std::size_t>(layout.rows()); ++r)
      for (int e = 0; e < routed_; ++e) {
        const std::uint32_t image = pass.draws.images[static_cast<std::size_t>(layout.image[r])];
        const auto place = static_cast<std::uint32_t>(input.block) << 16 |
                           static_cast<std::uint32_t>(layout.positions[r] * 64 + e);
        const RandomWords words =
            philox(pass.draws.seed, Purpose::routing, image, pass.draws.visit, place);
        // sqrt(2) x the real part of CN(0, 1) is N(0, 1).
        values.push_back(
            static_cast<float>(noise_ * std::sqrt(2.0) * complex_normal(words).real()));
      }
    return pass.backend.from_host({layout.rows(), routed_}, values.data());
  }
  /// The softmax among the chosen experts alone: their probabilities over their sum.
  Var among(Pass& pass, const Var& logits, const Choice& choice) const {
    PooledVector<float> mask(static_cast<std::size_t>(logits.value().size()), -1e30f);
    for (std::size_t i = 0; i < choice.size(); ++i)
      mask[i / static_cast<std::size_t>(k_) * static_cast<std::size_t>(routed_) +
           static_cast<std::size_t>(choice[i])] = 0;
    return softmax(pass, affine(pass, logits, 1.0f,
                                pass.backend.from_host(logits.value().shape(), mask.data())));
  }
  /// Expert 0 for every row with weight 1, the chosen ones behind it.
  Routing with_shared(Pass& pass, const Var& weights, const Choice& choice) const {
    const std::int64_t rows = weights.value().rows();
    const PooledVector<float> ones(static_cast<std::size_t>(rows), 1.0f);
    const Var all =
        concat_columns(pass, Var(pass.backend.from_host({rows, 1}, ones.data())), weights);
    Choice with;
    for (std::size_t i = 0; i < choice.size(); ++i) {
      if (i % static_cast<std::size_t>(k_) == 0) with.push_back(0);
      with.push_back(choice[i] < 0 ? -1 : choice[i] + 1);
    }
    return dispatch(all, std::move(with), k_ + 1);
  }

  int k_, shared_, routed_;
  double capacity_, noise_;
  bool renormalise_;
  std::vector<Linear> heads_;
};

Fields top_k_fields(const std::string& summary) {
  return {
      .summary = summary,
      .fields = {experts_a_row_field(),
                 fields::number("capacity", 0, 0, 64,
                                "an expert takes ceil(capacity k rows / experts) rows of an "
                                "image, the surest first, others pass it by; 0: any number"),
                 fields::boolean("renormalise", false, "the weights of a row's experts sum to 1"),
                 fields::boolean("shared", false,
                                 "the first expert is shared: every row runs through it, beside "
                                 "its k of the others")}};
}

std::unique_ptr<Router> make(const Json& parameters, ParameterSet& set,
                             const Architecture& architecture) {
  return std::make_unique<TopK>(set, architecture, parameters);
}

}  // namespace

void add_top_k_routers(RouterRegistry& registry) {
  registry.add(
      "top_k",
      top_k_fields(
          "each row runs through its k most probable experts, outputs weighted by probability"),
      make);
  Fields noisy = top_k_fields("top_k with normal noise on the logits in training");
  noisy.fields.push_back(fields::number(
      "noise", 1, 0, 100, "standard deviation of the noise, in parts of 1 / experts"));
  registry.add("noisy_top_k", noisy, make);
}

}  // namespace semwave
