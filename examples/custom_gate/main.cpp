// `semwave` with one gate more: `centre` sends the tokens nearest to the middle of the picture.
#include <cmath>
#include <memory>

#include <semwave/apps/semwave_main.h>
#include <semwave/transmitter/gate/gate.h>

namespace {

using namespace semwave;

/// Nothing to train: the score of a token is minus its distance from a point of the grid, in
/// tokens.
class CentreGate final : public Gate {
 public:
  CentreGate(const Architecture& architecture, double row, double column)
      : width_(architecture.grid_width()),
        row_(row * (architecture.grid_height() - 1)),
        column_(column * (width_ - 1)) {}

  Var score(Pass& pass, const Tokens& tokens, int /*depth*/,
            const Var& /*condition*/) const override {
    PooledVector<float>
        scores;  // a vector from the worker's own memory: nothing is taken from the heap once warm
    for (const std::int32_t position : tokens.layout->positions)
      scores.push_back(
          static_cast<float>(-std::hypot(position / width_ - row_, position % width_ - column_)));
    return Var(pass.backend.from_host({tokens.layout->rows(), 1}, scores.data()));
  }

 private:
  int width_;
  double row_, column_;
};

}  // namespace

int main(int argc, char** argv) {
  Fields fields{.summary = "the tokens nearest to a point of the picture stay"};
  const Field depth{.name = "depth",
                    .type = FieldType::integer,
                    .summary = "blocks before the gate",
                    .minimum = 0,
                    .maximum = 15};
  fields.fields = {
      {.name = "at",
       .type = FieldType::list,
       .summary = "blocks after which tokens are dropped",
       .fallback = Json::array({0}),
       .element = std::make_shared<const Field>(depth)},
      {.name = "row",
       .type = FieldType::number,
       .summary = "0 top, 1 bottom",
       .fallback = 0.5,
       .minimum = 0,
       .maximum = 1},
      {.name = "column",
       .type = FieldType::number,
       .summary = "0 left, 1 right",
       .fallback = 0.5,
       .minimum = 0,
       .maximum = 1},
  };
  gates().add("centre", fields,
              [](const Json& parameters, ParameterSet&,
                 const Architecture& architecture) -> std::unique_ptr<Gate> {
                return std::make_unique<CentreGate>(architecture,
                                                    parameters.at("row").get<double>(),
                                                    parameters.at("column").get<double>());
              });
  return semwave_main(argc, argv);
}
