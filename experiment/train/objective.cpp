#include "experiment/train/objective.h"

#include <cmath>
#include <string>

#include "core/ops/ops.h"

namespace semwave {

namespace {

constexpr double image_floor = 1e-5, patch_floor = 1e-4;

/// Mean squared error of each row.
std::vector<double> row_errors(Backend& backend, const Tensor& x, const Tensor& target) {
  const auto rows = static_cast<std::size_t>(x.rows()),
             columns = static_cast<std::size_t>(x.columns());
  std::vector<float> a(rows * columns), b(rows * columns);
  backend.to_host(x, a.data());
  backend.to_host(target, b.data());
  std::vector<double> errors(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::size_t c = r * columns; c < (r + 1) * columns; ++c)
      sum += (static_cast<double>(a[c]) - b[c]) * (static_cast<double>(a[c]) - b[c]);
    errors[r] = sum / static_cast<double>(columns);
  }
  return errors;
}

Var exit_term(Pass& pass, const TrainSettings& settings, const ExitLogits& exit,
              std::span<const std::int32_t> labels, float weight) {
  PooledVector<std::int32_t> asked;
  for (const std::int32_t image : exit.images)
    asked.push_back(labels[static_cast<std::size_t>(image)]);
  return cross_entropy(pass, exit.logits, asked, static_cast<float>(settings.label_smoothing),
                       weight);
}

/// The rebuilt images as a matrix whose rows are judged one by one, and what they should be: a row
/// for each patch of an image of tokens, one for each image of a network that makes it whole.
struct Rebuilt {
  Var rows;
  Tensor target;
  std::size_t rows_an_image = 1;
};

/// Those of the images [B, ...] that were rebuilt.
Tensor originals_of(Backend& backend, const Tensor& images,
                    const PooledVector<std::int32_t>& rebuilt) {
  const std::int64_t count = images.shape()[0],
                     values = images.size() / std::max<std::int64_t>(1, count);
  Tensor all = images.reshape({count, values});
  if (static_cast<std::int64_t>(rebuilt.size()) == count) return all;
  Tensor some = backend.empty({static_cast<std::int64_t>(rebuilt.size()), values});
  backend.gather_rows(some, all, rebuilt);
  return some;
}

/// [rebuilt x grid, patch values] of the images that were rebuilt.
Tensor patches_of(Backend& backend, const Architecture& a, const Tensor& images,
                  std::span<const std::int32_t> rebuilt) {
  const auto grid = static_cast<std::size_t>(a.grid());
  Tensor all = backend.empty({images.shape()[0] * a.grid(), a.patch_values()});
  backend.patches(all, images, Window{a.patch_height(), a.patch_height(), 0});
  if (rebuilt.size() * grid == static_cast<std::size_t>(all.rows())) return all;
  std::vector<std::int32_t> rows;
  for (const std::int32_t image : rebuilt)
    for (std::size_t t = 0; t < grid; ++t)
      rows.push_back(image * a.grid() + static_cast<std::int32_t>(t));
  Tensor some = backend.empty({static_cast<std::int64_t>(rows.size()), a.patch_values()});
  backend.gather_rows(some, all, rows);
  return some;
}

Rebuilt rebuilt_of(Pass& pass, const Architecture& a, const Tensor& images, const Result& result) {
  if (result.patches.defined())
    return {result.patches, patches_of(pass.backend, a, images, result.rebuilt),
            static_cast<std::size_t>(a.grid())};
  const Tensor target = originals_of(pass.backend, images, result.rebuilt);
  return {reshape(pass, result.pictures, target.shape()), target};
}

/// Of the blocks that have something to balance.
void balance_routers(Pass& pass, const TrainSettings& settings, const Result& result) {
  for (std::size_t b = 0; b < result.routed.size(); ++b) {
    const RoutedBlock& block = result.routed[b];
    if (!block.logits.defined()) continue;
    Routing all;
    all.experts = static_cast<int>(block.logits.value().columns());
    all.probabilities = block.probabilities;
    router_losses(pass, "router." + std::to_string(b), block.logits, all,
                  static_cast<float>(settings.balance_weight),
                  static_cast<float>(settings.z_weight));
  }
}

}  // namespace

ShardLoss objective(Pass& pass, const Architecture& a, const TrainSettings& settings,
                    const Tensor& images, std::span<const std::int32_t> labels,
                    const TransmitTrace& sent, const Result& result, int batch) {
  ShardLoss loss;
  PooledVector<Var> terms;
  const auto value = [&](const Var& term) {
    float v = 0;
    pass.backend.to_host(term.value(), &v);
    return static_cast<double>(v);
  };
  if (settings.class_weight > 0) {
    terms.push_back(cross_entropy(pass, result.logits, labels,
                                  static_cast<float>(settings.label_smoothing),
                                  static_cast<float>(settings.class_weight / batch)));
    loss.class_loss = value(terms.back()) / settings.class_weight;
  }
  for (const Var& penalty : sent.penalties) {
    terms.push_back(penalty);
    loss.budget_loss += value(penalty);
  }
  for (const ExitLogits& exit : sent.exits) {
    const double weight = settings.exit_weight(exit.depth);
    if (weight <= 0 || exit.images.empty()) continue;
    terms.push_back(exit_term(pass, settings, exit, labels, static_cast<float>(weight / batch)));
    loss.exit_loss += value(terms.back());
  }
  if (settings.image_weight > 0 && !result.rebuilt.empty()) {
    const auto [rows, target, grid] = rebuilt_of(pass, a, images, result);
    const std::vector<double> errors = row_errors(pass.backend, rows.value(), target);
    // d ln(m + e) = dm / (m + e): a squared error weighted by image gives the derivative of the
    // logarithm.
    std::vector<float> weight(errors.size());
    for (std::size_t i = 0; i < result.rebuilt.size(); ++i) {
      double mean = 0;
      for (std::size_t t = 0; t < grid; ++t)
        mean += errors[i * grid + t] / static_cast<double>(grid);
      loss.image_loss += std::log(mean + image_floor) / batch;
      for (std::size_t t = 0; t < grid; ++t)
        weight[i * grid + t] = static_cast<float>(1 / (mean + image_floor));
    }
    const Tensor weights =
        pass.backend.from_host({static_cast<std::int64_t>(weight.size())}, weight.data());
    terms.push_back(squared_error(
        pass, rows, target, weights,
        static_cast<float>(
            settings.image_weight / batch /
            static_cast<double>(static_cast<std::int64_t>(grid) * target.columns()))));

    const bool whole = sent.scores.defined() && sent.scores.needs_gradient() &&
                       sent.scored->rows() == a.grid() * sent.scored->images() &&
                       result.rebuilt.size() == static_cast<std::size_t>(sent.scored->images());
    if (settings.gate_weight > 0 && whole) {
      std::vector<float> wanted(errors.size()), dropped(errors.size(), 1.0f);
      for (std::size_t r = 0; r < errors.size(); ++r)
        wanted[r] = static_cast<float>(std::log(errors[r] + patch_floor));
      for (int r = 0; r < sent.layout->rows(); ++r)
        dropped[static_cast<std::size_t>(sent.layout->image[static_cast<std::size_t>(r)]) * grid +
                static_cast<std::size_t>(sent.layout->positions[static_cast<std::size_t>(r)])] = 0;
      const auto count = static_cast<std::int64_t>(wanted.size());
      terms.push_back(squared_error(pass, sent.scores,
                                    pass.backend.from_host({count, 1}, wanted.data()),
                                    pass.backend.from_host({count}, dropped.data()),
                                    static_cast<float>(settings.gate_weight / batch / a.grid())));
      loss.gate_loss = value(terms.back()) / settings.gate_weight;
    }
  }
  balance_routers(pass, settings, result);
  const ObjectiveInput input{a, images, labels, sent, result, batch};
  for (const TrainSettings::Term& one : settings.terms) {
    const Var added = one.term->value(pass, input, static_cast<float>(one.weight));
    loss.terms.push_back(added.defined() ? value(added) / one.weight : 0);
    if (added.defined()) terms.push_back(added);
  }
  if (!terms.empty()) loss.total = sum(pass, terms);
  return loss;
}

}  // namespace semwave
