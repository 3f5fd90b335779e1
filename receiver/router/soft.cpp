// Soft mixture (Puigcerver et al. 2024): an expert works on slots, each a weighted mean of all rows
// of an image, and a row takes a weighted mean of all slots' answers. Nothing is chosen, so all of
// it has a gradient.
//
// An image of few rows uses the first ceil(capacity rows / experts) slots of each expert. The paper
// also normalises rows and slot vectors to length 1; here a layer norm stands before the router.
#include "core/config/field_builders.h"
#include "core/ops/operations.h"
#include "receiver/router/choice.h"
#include "receiver/router/kinds.h"

namespace semwave {

namespace {

class Soft final : public Router {
 public:
  Soft(ParameterSet& set, const Architecture& a, int slots, double capacity)
      : experts_(a.experts),
        slots_(slots),
        dim_(a.dim),
        capacity_(capacity),
        heads_(router_heads(set, a, a.experts * slots)) {}
  double routing_operations(double rows) const override {
    return heads_.front().operations(rows) + columns() * operations::pool(rows, dim_);
  }
  double rows_run(double rows) const override { return experts_ * used(static_cast<int>(rows)); }
  double rows_combined(double rows) const override { return rows * rows_run(rows); }
  RoutedBlock choose(Pass&, const RouterInput&) const override { return {}; }  // mix() does not ask

  Var mix(Pass& pass, const RouterInput& input, const Experts& experts, const Var& residual,
          RoutedBlock* routed) const override {
    const RaggedPtr& layout = input.layout;
    const std::int64_t rows = layout->rows();
    const Var logits = heads_[static_cast<std::size_t>(input.block)](pass, input.described);

    // Slots: column by column a softmax over the rows of each image. Slot s of expert e for image i
    // is row (e slots + s) images + i.
    const Var one_column = reshape(pass, logits, {rows * columns(), 1});
    PooledVector<Var> pooled;
    for (int c = 0; c < columns(); ++c) {
      PooledVector<std::int32_t> of_column;
      for (std::int32_t r = 0; r < rows; ++r) of_column.push_back(r * columns() + c);
      pooled.push_back(
          pool(pass, input.tokens, gather_rows(pass, one_column, std::move(of_column)), layout));
    }
    const Slots slots = used_slots(*layout);
    const Var filled = gather_rows(pass, concat_rows(pass, pooled), slots.source);
    const Var answers = experts(pass, filled, slots.group_starts);

    // Back to the rows: a softmax over the slots that the image uses.
    PooledVector<float> mask(static_cast<std::size_t>(rows * columns()), -1e30f);
    PooledVector<std::int32_t> column(mask.size(), -1), answer;
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t c = 0; c < columns(); ++c) {
        const auto at = static_cast<std::size_t>(r * columns() + c);
        const std::int32_t from = slots.place[static_cast<std::size_t>(
            c * layout->images() + layout->image[static_cast<std::size_t>(r)])];
        if (from < 0) continue;
        mask[at] = 0;
        column[at] = c;
        answer.push_back(from);
      }
    const Tensor unused = pass.backend.from_host(logits.value().shape(), mask.data());
    Routing back = dispatch(softmax(pass, affine(pass, logits, 1.0f, unused)), column, columns());
    // A row of the answers for each row and slot, in the order in which combine() looks for them.
    PooledVector<std::int32_t> expanded(answer.size());
    std::size_t next = 0;
    for (const std::int32_t to : back.row)
      if (to >= 0) expanded[static_cast<std::size_t>(to)] = answer[next++];
    if (routed) {
      routed->routing.experts = experts_;
      routed->routing.group_starts = slots.group_starts;
    }
    return combine(pass, residual, gather_rows(pass, answers, std::move(expanded)), back);
  }

 private:
  struct Slots {
    PooledVector<std::int32_t> source;  // of all slots those in use
    PooledVector<std::int32_t> place;   // [columns, images] where each stands there, -1: unused
    PooledVector<std::int32_t> group_starts;  // [experts + 1]
  };
  int columns() const { return experts_ * slots_; }
  int used(int rows) const { return std::min(slots_, capacity_of(capacity_, 1, rows, experts_)); }
  Slots used_slots(const Ragged& layout) const {
    Slots made;
    made.group_starts.push_back(0);
    for (int e = 0; e < experts_; ++e) {
      for (int s = 0; s < slots_; ++s)
        for (int i = 0; i < layout.images(); ++i) {
          const bool here = s < used(layout.rows_of(i));
          made.place.push_back(here ? static_cast<std::int32_t>(made.source.size()) : -1);
          if (here) made.source.push_back((e * slots_ + s) * layout.images() + i);
        }
      made.group_starts.push_back(static_cast<std::int32_t>(made.source.size()));
    }
    return made;
  }

  int experts_, slots_, dim_;
  double capacity_;
  std::vector<Linear> heads_;
};

}  // namespace

void add_soft_router(RouterRegistry& registry) {
  const Fields fields{
      .summary =
          "experts work on weighted means of an image's rows, and rows take weighted means of "
          "what they answer",
      .fields = {
          fields::integer("slots", 4, 1, 64, "slots of an expert"),
          fields::number("capacity", 1, 1e-3, 64,
                         "an image of few rows uses ceil(capacity rows / experts) of them")}};
  registry.add("soft", fields,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<Soft>(set, architecture, parameters.at("slots").get<int>(),
                                               parameters.at("capacity").get<double>());
               });
}

}  // namespace semwave
