// A small network of every op on the tape, against central differences of the same network written
// with the reference kernels.
#include "core/ops/ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "tests/fixtures/ragged.h"
#include "tests/reference_kernels.h"

namespace semwave {
namespace {

using reference::Index;
using reference::Size;
using Values = reference::Array<double>;

constexpr int grid = 6, input = 5, dim = 8, heads = 2, experts = 3, chosen = 2, classes = 4;
constexpr float balance_weight = 0.2f, z_weight = 0.05f, smoothing = 0.1f, error_scale = 0.3f;

reference::Index index(const PooledVector<std::int32_t>& values) {
  return {values.begin(), values.end()};
}
PooledVector<std::int32_t> list(const reference::Index& values) {
  return {values.begin(), values.end()};
}

// Images of a batch: kept places and their rows, a condition, a label. One image has no row, one a
// single row.
struct Data {
  std::vector<std::vector<std::int32_t>> positions{{0, 2, 3, 5}, {}, {1}, {0, 1, 2, 3, 4}, {2, 4}};
  std::vector<std::vector<std::int32_t>> kept{
      {2, 3}, {}, {1}, {0, 2, 4}, {}};  // what the gate leaves
  Values x, condition;                  // [rows, input], [images, 2]
  std::vector<std::int32_t> label{1, 0, 3, 2, 1};

  Data() {
    reference::Draw draw(3);
    x = draw.numbers(12 * input);
    condition = draw.numbers(positions.size() * 2);
  }
  Data part(std::size_t begin, std::size_t end) const {
    Data cut = *this;
    Size before = 0, inside = 0;
    for (std::size_t i = 0; i < end; ++i) (i < begin ? before : inside) += positions[i].size();
    const auto slice = [](const auto& all, Size from, Size to) {
      return std::decay_t<decltype(all)>(all.begin() + static_cast<std::ptrdiff_t>(from),
                                         all.begin() + static_cast<std::ptrdiff_t>(to));
    };
    cut.positions = slice(positions, begin, end);
    cut.kept = slice(kept, begin, end);
    cut.x = slice(x, before * input, (before + inside) * input);
    cut.condition = slice(condition, begin * 2, end * 2);
    cut.label = slice(label, begin, end);
    return cut;
  }
  // Row of each kept place among the rows before the gate.
  Index gather() const {
    Index index;
    std::int32_t row = 0;
    for (std::size_t i = 0; i < positions.size(); ++i)
      for (const std::int32_t position : positions[i]) {
        if (std::find(kept[i].begin(), kept[i].end(), position) != kept[i].end())
          index.push_back(row);
        ++row;
      }
    return index;
  }
};

class Network {
 public:
  explicit Network(Backend& backend) : parameters(backend, 5) {
    const auto matrix = [&](const char* name, std::int64_t out, std::int64_t in) {
      return &parameters.add(name, {out, in}, Init::kaiming_uniform, true, true);
    };
    const auto vector = [&](const char* name, std::int64_t size, Init init) {
      return &parameters.add(name, {size}, init);
    };
    embed = matrix("embed.weight", dim, input);
    table = &parameters.add("positions", {grid, dim}, Init::kaiming_uniform);
    condition = matrix("condition.weight", 2 * dim, 2);
    gamma = vector("norm.weight", dim, Init::ones);
    beta = vector("norm.bias", dim, Init::normal_002);
    qkv = matrix("qkv.weight", 3 * dim, dim);
    qkv_bias = vector("qkv.bias", 3 * dim, Init::normal_002);
    project = matrix("project.weight", dim, dim);
    score = matrix("score.weight", 1, dim);
    score_bias = vector("score.bias", 1, Init::normal_002);
    router = matrix("router.weight", experts, dim);
    for (int e = 0; e < experts; ++e) {
      expert.push_back(matrix(("expert" + std::to_string(e) + ".weight").c_str(), dim, dim));
      expert_bias.push_back(
          vector(("expert" + std::to_string(e) + ".bias").c_str(), dim, Init::normal_002));
    }
    head = matrix("head.weight", classes, 3 * dim);
    head_bias = vector("head.bias", classes, Init::normal_002);
    parameters.pack(true);
  }

  struct Result {
    Var logits, loss;
    Routing routing;
  };

  // `images` of the whole batch scales the loss, so that shards add up.
  Result forward(Pass& pass, const Data& data, double images) const {
    Backend& backend = pass.backend;
    const auto constant = [&](Shape shape, const Values& values) {
      const std::vector<float> floats(values.begin(), values.end());
      return Var(backend.from_host(shape, floats.data()));
    };
    const RaggedPtr layout = layout_of(data.positions), after = layout_of(data.kept);
    const std::int64_t count = layout->images(), n = layout->rows();
    const Var x = constant({n, input}, data.x), given = constant({count, 2}, data.condition);
    const Var rows =
        add_rows(pass, linear(pass, x, *embed, nullptr), pass.parameter(*table), layout->positions);
    const Var modulation = linear(pass, given, *condition, nullptr);
    const Var normed = layer_norm(pass, rows, *gamma, *beta, modulation, layout);
    const Var mixed =
        linear(pass, attention(pass, linear(pass, normed, *qkv, qkv_bias), layout, heads), *project,
               nullptr, Activation::none, rows);
    const Var scores = linear(pass, mixed, *score, score_bias);
    const Var sent = gather_rows(pass, straight_through(pass, mixed, scores), list(data.gather()));
    Result result;
    const Var logits = linear(pass, sent, *router, nullptr);
    result.routing = route(pass, logits, chosen);
    router_losses(pass, "block", logits, result.routing, balance_weight, z_weight);
    const Var answers =
        grouped_linear(pass, gather_rows(pass, sent, result.routing.source),
                       result.routing.group_starts, expert, expert_bias, Activation::gelu);
    const Var heard = combine(pass, sent, answers, result.routing);
    const Var pooled = pool(pass, heard, linear(pass, heard, *score, score_bias), after);
    const Var features = concat_columns(pass, pooled, modulation),
              swapped = concat_columns(pass, modulation, pooled);
    result.logits = linear(pass, concat_rows(pass, {features, Var{}, swapped}), *head, head_bias,
                           Activation::relu);
    std::vector<std::int32_t> labels = data.label;
    labels.insert(labels.end(), data.label.begin(), data.label.end());
    const Var target =
        constant(pooled.value().shape(), Values(static_cast<Size>(pooled.value().size()), 0.25));
    const Var flat = reshape(pass, pooled, {count * dim, 1});
    result.loss =
        sum(pass,
            {cross_entropy(pass, result.logits, labels, smoothing, static_cast<float>(1 / images)),
             Var{},
             squared_error(pass, flat, target.value().reshape({count * dim, 1}), {},
                           static_cast<float>(error_scale / images))});
    return result;
  }

  mutable ParameterSet parameters;
  Parameter *embed, *table, *condition, *gamma, *beta, *qkv, *qkv_bias, *project, *score,
      *score_bias, *router, *head, *head_bias;
  std::vector<const Parameter*> expert, expert_bias;
};

using Numbers = std::map<std::string, Values>;

// The same network in double. What has no derivative (choices, shares, the soft part of the gate)
// is held at `fixed`.
struct Fixed {
  Routing routing;
  Values soft;   // sigmoid of the gate's scores
  Values share;  // of first choices
};

double reference_loss(const Numbers& p, const Data& data, Fixed& fixed, bool first) {
  const RaggedPtr layout = layout_of(data.positions), after = layout_of(data.kept);
  const Size n = static_cast<Size>(layout->rows()), count = data.label.size();
  const auto none = reference::Activation::none;
  const auto product = [&](const Values& x, const std::string& name, const Values* bias, Size rows,
                           Size in, Size out, const Values* residual = nullptr) {
    return reference::linear(x, p.at(name + ".weight"), bias, none, residual, rows, in, out);
  };
  Values rows = product(data.x, "embed", nullptr, n, input, dim);
  const Values places = reference::gather_rows(p.at("positions"), index(layout->positions), dim);
  for (Size i = 0; i < rows.size(); ++i) rows[i] += places[i];
  const Values modulation = product(data.condition, "condition", nullptr, count, 2, 2 * dim);
  const Values normed = reference::layer_norm(rows, p.at("norm.weight"), p.at("norm.bias"),
                                              &modulation, index(layout->image), n, dim);
  const Values attended =
      reference::attention(product(normed, "qkv", &p.at("qkv.bias"), n, dim, 3 * dim),
                           index(layout->starts), dim, heads);
  const Values mixed = product(attended, "project", nullptr, n, dim, dim, &rows);
  const Values scores = product(mixed, "score", &p.at("score.bias"), n, dim, 1);
  if (first)
    for (const double s : scores) fixed.soft.push_back(reference::sigmoid(s));
  Values selected(mixed.size());
  for (Size i = 0; i < mixed.size(); ++i)
    selected[i] = mixed[i] * (1 + reference::sigmoid(scores[i / dim]) - fixed.soft[i / dim]);
  const Values sent = reference::gather_rows(selected, data.gather(), dim);
  const Size m = sent.size() / dim;
  const Values logits = product(sent, "router", nullptr, m, dim, experts);
  const Routing& routing = fixed.routing;
  if (first) {
    fixed.share.assign(experts, 0.0);
    for (Size r = 0; r < m; ++r)
      fixed.share[static_cast<Size>(routing.expert[r * chosen])] += 1.0 / static_cast<double>(m);
  }
  Values answers(m * chosen * dim);
  for (Size i = 0; i < m * chosen; ++i) {
    const Size r = i / chosen;
    const std::string name = "expert" + std::to_string(routing.expert[i]);
    const Values one(sent.begin() + static_cast<std::ptrdiff_t>(r * dim),
                     sent.begin() + static_cast<std::ptrdiff_t>((r + 1) * dim));
    const Values answer =
        reference::linear<double>(one, p.at(name + ".weight"), &p.at(name + ".bias"),
                                  reference::Activation::gelu, nullptr, 1, dim, dim);
    std::copy(answer.begin(), answer.end(), answers.begin() + routing.row[i] * dim);
  }
  const Values heard =
      reference::combine(sent, answers, reference::softmax(logits, m, experts),
                         index(routing.expert), index(routing.row), chosen, experts, dim);
  const Values pooled = reference::pool(
      heard, product(heard, "score", &p.at("score.bias"), m, dim, 1), index(after->starts), dim);
  Values features;
  const auto append = [&](const Values& from, Size image, Size columns) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(image * columns);
    features.insert(features.end(), begin, begin + static_cast<std::ptrdiff_t>(columns));
  };
  for (Size i = 0; i < count; ++i) {
    append(pooled, i, dim);
    append(modulation, i, 2 * dim);
  }
  for (Size i = 0; i < count; ++i) {
    append(modulation, i, 2 * dim);
    append(pooled, i, dim);
  }
  const Values out =
      reference::linear<double>(features, p.at("head.weight"), &p.at("head.bias"),
                                reference::Activation::relu, nullptr, 2 * count, 3 * dim, classes);
  Index labels = data.label;
  labels.insert(labels.end(), data.label.begin(), data.label.end());
  const double images = static_cast<double>(count);
  return reference::cross_entropy<double>(out, labels, smoothing, 1 / images, classes) +
         reference::squared_error<double>(pooled, Values(pooled.size(), 0.25), nullptr,
                                          error_scale / images, 1) +
         reference::router_loss<double>(logits, fixed.share, m, experts, balance_weight, z_weight);
}

class Ops : public ::testing::Test {
 protected:
  std::vector<float> host(const Tensor& x) {
    std::vector<float> values(static_cast<std::size_t>(x.size()));
    if (!values.empty()) backend_->to_host(x, values.data());
    return values;
  }

  struct Trained {
    double loss = 0;
    std::vector<float> gradient;  // of all parameters, flat
    Routing routing;
  };
  // Forward and backward with the images cut at these places; one lane.
  Trained train(const Network& network, const Data& data, const std::vector<std::size_t>& cuts) {
    const std::size_t shards = cuts.size() - 1;
    Gradients lane(network.parameters);
    BatchStatistics statistics(static_cast<int>(shards));
    std::vector<Tape> tapes(shards);
    std::vector<Network::Result> results;
    for (std::size_t shard = 0; shard < shards; ++shard) {
      Pass pass{.backend = *backend_,
                .tape = &tapes[shard],
                .gradients = &lane,
                .draws = {},
                .training = true,
                .statistics = &statistics,
                .shard = static_cast<int>(shard)};
      results.push_back(network.forward(pass, data.part(cuts[shard], cuts[shard + 1]),
                                        static_cast<double>(data.label.size())));
    }
    statistics.reduce();
    Trained trained;
    for (std::size_t shard = 0; shard < shards; ++shard) {
      trained.loss += host(results[shard].loss.value())[0];
      tapes[shard].backward(*backend_, results[shard].loss);
      EXPECT_EQ(tapes[shard].size(), 0u);
    }
    const RouterLoss router = router_loss_value(statistics, "block");
    trained.loss += balance_weight * router.balance + z_weight * router.z;
    trained.gradient = host(lane.flat());
    trained.routing = results[0].routing;
    return trained;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(Ops, GradientOfAWholeNetworkMatchesCentralDifferences) {
  const Network network(*backend_);
  const Data data;
  const Trained trained = train(network, data, {0, 5});
  Fixed fixed{.routing = trained.routing, .soft = {}, .share = {}};
  Numbers numbers;
  for (const Parameter& parameter : network.parameters.all()) {
    const std::vector<float> floats = host(parameter.value);
    numbers[parameter.name] = Values(floats.begin(), floats.end());
  }
  EXPECT_NEAR(trained.loss, reference_loss(numbers, data, fixed, true), 1e-5);
  int unreached = 0;
  for (const Parameter& parameter : network.parameters.all()) {
    Values& x = numbers[parameter.name];
    Values differences(x.size());
    double scale = 0;
    for (Size i = 0; i < x.size(); ++i) {
      const double centre = x[i], step = 1e-4;
      x[i] = centre + step;
      const double above = reference_loss(numbers, data, fixed, false);
      x[i] = centre - step;
      differences[i] = (above - reference_loss(numbers, data, fixed, false)) / (2 * step);
      x[i] = centre;
      scale = std::max(scale, std::abs(differences[i]));
    }
    unreached += scale < 1e-6;
    for (Size i = 0; i < x.size(); ++i)
      ASSERT_NEAR(trained.gradient[static_cast<Size>(parameter.offset) + i], differences[i],
                  1e-4 * std::max(scale, 1e-2))
          << parameter.name << " [" << i << "]";
  }
  EXPECT_EQ(unreached, 0) << "a parameter that nothing depends on is not tested";
}

TEST_F(Ops, GradientDoesNotDependOnTheShards) {
  const Network network(*backend_);
  const Data data;
  const Trained whole = train(network, data, {0, 5});
  double scale = 0;
  for (const float g : whole.gradient) scale = std::max(scale, std::abs(double{g}));
  // The cut {.., 1, 2, ..} has a shard whose only image has no row, {5, 5} one without images.
  for (const std::vector<std::size_t>& cuts :
       {std::vector<std::size_t>{0, 2, 5}, {0, 1, 2, 4, 5}, {0, 5, 5}}) {
    const Trained cut = train(network, data, cuts);
    EXPECT_NEAR(cut.loss, whole.loss, 1e-5);
    for (Size i = 0; i < whole.gradient.size(); ++i)
      ASSERT_NEAR(cut.gradient[i], whole.gradient[i], 1e-5 * scale) << i;
  }
}

TEST_F(Ops, WithoutATapeNothingIsRecordedAndTheResultIsTheSame) {
  const Network network(*backend_);
  const Data data;
  Tape tape;
  Gradients lane(network.parameters);
  Pass recording{.backend = *backend_, .tape = &tape, .gradients = &lane, .draws = {}};
  Pass inference{.backend = *backend_, .draws = {}};
  const Network::Result kept = network.forward(recording, data, 5),
                        plain = network.forward(inference, data, 5);
  EXPECT_GT(tape.size(), 10u);
  EXPECT_TRUE(kept.loss.needs_gradient());
  EXPECT_FALSE(plain.loss.needs_gradient());
  EXPECT_FALSE(plain.logits.needs_gradient());
  EXPECT_FALSE(plain.logits.has_gradient());
  EXPECT_EQ(host(plain.logits.value()), host(kept.logits.value()));
  EXPECT_EQ(host(plain.loss.value()), host(kept.loss.value()));
  EXPECT_EQ(plain.routing.expert, kept.routing.expert);
  EXPECT_EQ(inference.operations, recording.operations);
}

TEST_F(Ops, CountsTheOperationsItExecutes) {
  const Network network(*backend_);
  const Data data;
  Pass pass{.backend = *backend_, .draws = {}};
  network.forward(pass, data, 5);
  const double n = 12, m = 6, images = 5, squares = 16 + 1 + 25 + 4;
  const double expected =
      2 * n * input * dim + 2 * images * 2 * 2 * dim + 2 * n * dim * 3 * dim + 4 * dim * squares +
      2 * n * dim * dim + 2 * n * dim + 2 * m * dim * experts + 2 * m * chosen * dim * dim +
      2 * m * chosen * dim + 2 * m * dim + 2 * dim * m + 2 * 2 * images * 3 * dim * classes;
  EXPECT_EQ(pass.operations, expected);
}

TEST_F(Ops, RowsThatNoLossDependsOnGetNoGradient) {
  const Network network(*backend_);
  Tape tape;
  Gradients lane(network.parameters);
  Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane, .draws = {}};
  const Var x(backend_->zeros({3, dim}), true);
  const Var unused = linear(pass, x, *network.project, nullptr);
  const Var scores = linear(pass, x, *network.score, network.score_bias);
  tape.backward(*backend_, squared_error(pass, scores, backend_->zeros({3, 1}), {}, 1.0f));
  for (const float g : host(lane.of(*network.project))) EXPECT_EQ(g, 0);
  EXPECT_NE(host(lane.of(*network.score_bias))[0], 0);
  EXPECT_FALSE(unused.has_gradient());
}

TEST_F(Ops, ConvolutionIsPatchesAndAProduct) {
  ParameterSet parameters(*backend_, 6);
  const Parameter& weight =
      parameters.add("conv.weight", {2, 3, 2, 2}, Init::kaiming_uniform, true, true);
  parameters.pack(true);
  reference::Draw draw(8);
  const Values x = draw.numbers(4 * 5 * 3);
  const std::vector<float> floats(x.begin(), x.end()), w = host(weight.value);
  Tape tape;
  Gradients lane(parameters);
  Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane, .draws = {}};
  const Var image(backend_->from_host({1, 4, 5, 3}, floats.data()), true);
  const Var y =
      linear(pass, patches(pass, image, {.kernel = 2, .stride = 1, .padding = 0}), weight, nullptr);
  ASSERT_EQ(y.value().shape(), (Shape{3 * 4, 2}));
  const auto pixel = [&](Size row, Size column, Size channel) {
    return (row * 5 + column) * 3 + channel;
  };
  const std::vector<float> values = host(y.value());
  for (Size row = 0; row < 3; ++row)
    for (Size column = 0; column < 4; ++column)
      for (Size out = 0; out < 2; ++out) {
        double expected = 0;
        for (Size c = 0; c < 3; ++c)
          for (Size k = 0; k < 4; ++k)
            expected += w[(out * 3 + c) * 4 + k] * x[pixel(row + k / 2, column + k % 2, c)];
        EXPECT_NEAR(values[(row * 4 + column) * 2 + out], expected, 1e-6);
      }
  // d(sum of y^2)/dx of the corner pixel, which one window alone sees.
  tape.backward(*backend_, squared_error(pass, y, backend_->zeros({12, 2}), {}, 1.0f));
  const double corner = 2 * (values[0] * w[0] + values[1] * w[12]);
  EXPECT_NEAR(host(image.gradient(*backend_))[0], corner, 1e-5);
  EXPECT_EQ(lane.of(weight).shape(), weight.value.shape());
}

TEST_F(Ops, RoutingSortsByExpertThenRowAndBreaksTiesDownwards) {
  Pass pass{.backend = *backend_, .draws = {}};
  const std::vector<float> logits{0, 0, 0, /**/ 1, 3, 2, /**/ 5, 0, 5};
  const Routing routing = route(pass, Var(backend_->from_host({3, 3}, logits.data())), 2);
  EXPECT_EQ(routing.expert, (PooledVector<std::int32_t>{0, 1, 1, 2, 0, 2}));
  EXPECT_EQ(routing.group_starts, (PooledVector<std::int32_t>{0, 2, 4, 6}));
  EXPECT_EQ(routing.source, (PooledVector<std::int32_t>{0, 2, 0, 1, 1, 2}));
  EXPECT_EQ(routing.row, (PooledVector<std::int32_t>{0, 2, 3, 4, 1, 5}));
}

TEST(ParameterSet, InitialValuesDependOnSeedNameAndElementAlone) {
  const auto backend = make_cpu_backend();
  const auto values = [&](std::uint64_t seed, const std::vector<std::string>& names,
                          const std::string& wanted) {
    ParameterSet parameters(*backend, seed);
    for (const std::string& name : names) parameters.add(name, {40, 50}, Init::kaiming_uniform);
    std::vector<float> floats(2000);
    backend->to_host(parameters.find(wanted)->value, floats.data());
    return floats;
  };
  const std::vector<float> weight = values(1, {"a", "b"}, "b");
  EXPECT_EQ(values(1, {"b", "c"}, "b"), weight);
  EXPECT_NE(values(2, {"a", "b"}, "b"), weight);
  EXPECT_NE(values(1, {"a", "b"}, "a"), weight);
  double squares = 0, largest = 0;
  for (const float v : weight) {
    squares += double{v} * v;
    largest = std::max(largest, std::abs(double{v}));
  }
  const double bound = 1 / std::sqrt(50.0);
  EXPECT_LE(largest, bound);
  EXPECT_NEAR(squares / 2000, bound * bound / 3, 0.1 * bound * bound / 3);
  ParameterSet parameters(*backend, 1);
  std::vector<float> normal(2000);
  backend->to_host(parameters.add("n", {2000}, Init::normal_002).value, normal.data());
  squares = 0;
  for (const float v : normal) squares += double{v} * v;
  EXPECT_NEAR(std::sqrt(squares / 2000), 0.02, 0.002);
}

}  // namespace
}  // namespace semwave
