// Routes that nothing learns: by place in the grid (Roller et al. 2021, hash layers, by token
// there), or drawn once for each place of each image (Zuo et al. 2022 draw anew each time). What a
// router learns should be better than both.
#include "core/random/random.h"
#include "receiver/router/kinds.h"

namespace semwave {

namespace {

class FixedRouter final : public Router {
 public:
  FixedRouter(int experts, bool drawn) : experts_(experts), drawn_(drawn) {}
  double rows_run(double rows) const override { return rows; }
  RoutedBlock choose(Pass& pass, const RouterInput& input) const override {
    const Ragged& layout = *input.layout;
    const auto rows = static_cast<std::size_t>(layout.rows());
    PooledVector<std::int32_t> expert(rows);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int32_t position = layout.positions[r];
      expert[r] = drawn_ ? draw(pass, input.block, layout.image[r], position) : position % experts_;
    }
    const PooledVector<float> ones(rows * static_cast<std::size_t>(experts_), 1.0f);
    RoutedBlock made;
    made.routing = dispatch(Var(pass.backend.from_host({layout.rows(), experts_}, ones.data())),
                            std::move(expert), 1);
    return made;
  }

 private:
  /// Visits share it: an image takes the same way in every epoch and afterwards.
  std::int32_t draw(const Pass& pass, int block, std::int32_t image, std::int32_t position) const {
    const auto place =
        static_cast<std::uint32_t>(block) << 16 | static_cast<std::uint32_t>(position * 64);
    const RandomWords words = philox(pass.draws.seed, Purpose::routing,
                                     pass.draws.images[static_cast<std::size_t>(image)], 0, place);
    return static_cast<std::int32_t>(uniform(words[0]) * experts_);
  }
  int experts_;
  bool drawn_;
};

}  // namespace

void add_fixed_routers(RouterRegistry& registry) {
  registry.add("hash", {.summary = "the expert is the row's place in the grid modulo the experts"},
               [](const Json&, ParameterSet&, const Architecture& architecture) {
                 return std::make_unique<FixedRouter>(architecture.experts, false);
               });
  registry.add("random", {.summary = "the expert is drawn for each place of each image, once"},
               [](const Json&, ParameterSet&, const Architecture& architecture) {
                 return std::make_unique<FixedRouter>(architecture.experts, true);
               });
}

}  // namespace semwave
