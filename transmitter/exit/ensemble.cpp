// All heads so far vote: log p is the mean of w_j log p_j, made a distribution again (a geometric
// mean). Wolczyk et al. 2021 (Zero Time Waste) combine exits so, with weights fitted afterwards.
#include <algorithm>
#include <cmath>

#include "transmitter/exit/head_exit.h"

namespace semwave {

namespace {

class EnsembleExit final : public HeadExit {
 public:
  explicit EnsembleExit(const Json& parameters)
      : HeadExit(parameters), weights_(parameters.at("weights").get<std::vector<double>>()) {}
  int answer(const HeardHeads& heard) const override {
    const std::vector<float> mean = vote(heard);
    return static_cast<int>(std::max_element(mean.begin(), mean.end()) - mean.begin());
  }

 private:
  bool sure(const HeardHeads& heard) const override {
    return softmax_confidence(vote(heard)) >= threshold();
  }
  /// Logits of the vote. Of a head's logits only their differences count, so its log-sum-exp may
  /// stay in.
  std::vector<float> vote(const HeardHeads& heard) const {
    std::vector<float> mean(static_cast<std::size_t>(heard.classes));
    for (int head = 0; head < heard.heads(); ++head) {
      const auto at = static_cast<std::size_t>(head);
      const double weight = (at < weights_.size() ? weights_[at] : 1.0) / heard.heads();
      const std::span<const float> logits = heard.head(head);
      for (std::size_t c = 0; c < mean.size(); ++c)
        mean[c] += static_cast<float>(weight * static_cast<double>(logits[c]));
    }
    return mean;
  }
  std::vector<double> weights_;
};

}  // namespace

void add_ensemble_exit(ExitRegistry& registry) {
  Fields fields = with_threshold(
      head_fields("leaves where all exit heads so far together, by their geometric mean, give a "
                  "class at least this probability, at the plan's depth at the latest"),
      "largest probability of the mean", 0.9);
  fields.fields.push_back(
      numbers_of_heads("weights", "of each head from `from` on; 1 where there are fewer", 0, 1000));
  fields.fields.push_back(fitted_to_field());
  registry.add("ensemble", fields, make_exit<EnsembleExit>);
}

}  // namespace semwave
