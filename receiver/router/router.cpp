#include "receiver/router/router.h"

#include "core/nn/layers.h"

namespace semwave {

namespace {

class TopK final : public Router {
 public:
  TopK(ParameterSet& set, const Architecture& architecture, int k) : k_(k) {
    for (int b = 0; b < architecture.receiver_blocks; ++b)
      heads_.emplace_back(set, "receiver.blocks." + std::to_string(b) + ".router",
                          architecture.dim + 1, architecture.experts);
  }
  Var logits(Pass& pass, int block, const Var& x) const override {
    return heads_[static_cast<std::size_t>(block)](pass, x);
  }
  double routing_operations(double rows) const override { return heads_.front().operations(rows); }
  int k() const override { return k_; }

 private:
  int k_;
  std::vector<Linear> heads_;
};

}  // namespace

RouterRegistry& routers() {
  static RouterRegistry registry = [] {
    RouterRegistry made("router");
    Fields fields{
        .summary =
            "each row runs through its k most probable experts, outputs weighted by probability"};
    fields.fields = {{.name = "k",
                      .type = FieldType::integer,
                      .summary = "experts a row",
                      .fallback = 1,
                      .minimum = 1,
                      .maximum = 8}};
    made.add("top_k", fields,
             [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
               return std::make_unique<TopK>(set, architecture, parameters.at("k").get<int>());
             });
    return made;
  }();
  return registry;
}

}  // namespace semwave
