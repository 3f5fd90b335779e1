// `semwave` with a data set and a loss more. `stripes` draws pictures of stripes: across, down or
// neither. `absolute` is the squared error of the rebuilt image, unlike the logarithm of the
// built-in loss the same for every image.
#include <algorithm>
#include <cmath>
#include <memory>

#include <semwave/apps/semwave_main.h>
#include <semwave/core/data/dataset_kinds.h>
#include <semwave/core/ops/ops.h>
#include <semwave/core/random/random.h>
#include <semwave/experiment/objective/objective_term.h>

namespace {

using namespace semwave;

constexpr int side = 12, images_of_a_split = 6000;

/// Picture `i` of a split: its class is i mod 3; phase and noise are functions of its number.
Dataset stripes(const DatasetRequest& request) {
  const std::uint64_t seed = request.split == Split::test ? 2 : 1;
  const ImageRange range = range_of(request, images_of_a_split);
  Dataset data{.height = side, .width = side, .channels = 1};
  data.class_names = {"across", "down", "neither"};
  for (int i = range.begin; i < range.end; ++i) {
    const auto id = static_cast<std::uint32_t>(i);
    const double phase = 6.2832 * uniform(philox(seed, Purpose::data_bits, id, 0, 0)[0]);
    data.labels.push_back(i % 3);
    for (int row = 0; row < side; ++row)
      for (int column = 0; column < side; ++column) {
        const double along = i % 3 == 0 ? row : i % 3 == 1 ? column : row + column;
        const double noise = uniform(philox(seed, Purpose::data_bits, id, 1,
                                            static_cast<std::uint32_t>(row * side + column))[0]);
        data.pixels.push_back(
            static_cast<std::uint8_t>(100 + 90 * std::sin(along + phase) + 60 * noise));
      }
  }
  return data;
}

class SquaredError final : public ObjectiveTerm {
 public:
  Var value(Pass& pass, const ObjectiveInput& input, float weight) const override {
    if (input.result.rebuilt.size() != input.labels.size()) return {};  // a header was not read
    const Architecture& a = input.architecture;
    const auto rows = static_cast<std::int64_t>(input.labels.size()) * a.grid();
    Tensor target = pass.backend.empty({rows, a.patch_values()});
    pass.backend.patches(target, input.images, Window{a.patch_height(), a.patch_height(), 0});
    const PooledVector<float> alike(static_cast<std::size_t>(rows), 1.0f);
    return squared_error(pass, input.result.patches, target,
                         pass.backend.from_host({rows}, alike.data()),
                         weight / static_cast<float>(input.batch * a.grid() * a.patch_values()));
  }
};

}  // namespace

int main(int argc, char** argv) {
  datasets().add({.name = "stripes",
                  .summary = "6,000 + 6,000 grey pictures of stripes, 12 x 12, 3 classes",
                  .load = stripes,
                  .class_names = {}});
  objective_terms().add("absolute",
                        {.summary = "mean squared error of the rebuilt image, values in [0, 1]"},
                        [](const Json&) { return std::make_unique<SquaredError>(); });
  return semwave_main(argc, argv);
}
