// The semantic network and the classifier, composed stage by stage from public layers and ops with
// a checkpoint's own tensors: what docs/model_format.md describes, each stage recorded by its
// name.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/nn/architecture.h"
#include "core/nn/layers.h"
#include "core/ops/ops.h"
#include "core/random/random.h"
#include "tests/experiment/golden_stages.h"
#include "tests/fixtures/ragged.h"

namespace semwave::golden {

inline std::vector<float> host(Backend& backend, const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.size()));
  if (!values.empty()) backend.to_host(tensor, values.data());
  return values;
}

/// The network of a checkpoint, stage by stage. Layers are made when they are first run.
class Composition {
 public:
  Composition(Backend& backend, const Checkpoint& checkpoint, Case& record)
      : pass{.backend = backend}, checkpoint_(checkpoint), record_(record) {
    const Json text = parse_json(checkpoint.metadata.at("semwave.architecture"), record.model);
    const Place place{record.model, ""};
    a = Architecture::from_json(resolve(text, Architecture::fields(), place), place);
  }

  Var stage(const std::string& name, const Var& x, std::vector<std::int64_t> shape = {}) {
    if (shape.empty())
      for (int axis = 0; axis < x.value().shape().rank(); ++axis)
        shape.push_back(x.value().shape()[axis]);
    record_.stage(name, std::move(shape), host(pass.backend, x.value()).data());
    return x;
  }

  Var linear(const std::string& name, const Var& x, Activation activation = Activation::none,
             const Var& residual = {}) {
    return layer(name)(pass, x, activation, residual);
  }
  Var norm(const std::string& name, const Tokens& x, const Var& condition) {
    std::unique_ptr<Loaded<LayerNorm>>& held = norms_[name];
    if (!held)
      held = load<LayerNorm>([&](ParameterSet& set) {
        return LayerNorm(set, name, a.dim, condition.defined() ? a.condition_dim : 0);
      });
    return stage(name, held->layer(pass, x.rows, x.layout, condition));
  }
  Var value(const std::string& name) {
    const NamedArray& array = *checkpoint_.find(name);
    const auto columns = static_cast<std::int64_t>(array.shape.back());
    const auto rows = static_cast<std::int64_t>(array.values.size()) / columns;
    return Var(pass.backend.from_host({rows, columns}, array.values.data()));
  }

  Var condition(const std::string& name, const std::vector<float>& five) {
    const Var x = stage(name + ".features", Var(pass.backend.from_host({5}, five.data())), {5});
    const Var hidden = linear(name + ".fc1", reshape(pass, x, {1, 5}), Activation::gelu);
    return stage(name, linear(name + ".fc2", hidden, Activation::gelu), {a.condition_dim});
  }

  Tokens tokenise(const std::string& name, const Tensor& image) {
    Var x(image);
    for (std::size_t i = 0; i < a.tokeniser.size(); ++i) {
      const TokeniserStage& shape = a.tokeniser[i];
      const bool pools = shape.max_pool > 1, last = i + 1 == a.tokeniser.size();
      const std::string conv = name + ".conv" + std::to_string(i);
      const Shape& in = x.value().shape();
      const int height = shape.window.out(static_cast<int>(in[1]));
      const int width = shape.window.out(static_cast<int>(in[2]));
      x = linear(conv, patches(pass, x, shape.window),
                 last && !pools ? Activation::none : Activation::gelu);
      x = reshape(pass, x, {1, height, width, shape.channels});
      if (pools) x = max_pool(pass, x, TokeniserStage::pool_window(shape.max_pool));
      stage(conv, x, {x.value().shape()[1], x.value().shape()[2], shape.channels});
    }
    const RaggedPtr layout = Ragged::full(1, a.grid());
    x = add_rows(pass, reshape(pass, x, {a.grid(), a.dim}), value(name + ".position"),
                 layout->positions);
    return {stage(name.substr(0, name.rfind('.')) + ".tokens", x), layout};
  }

  Tokens attended(const std::string& name, const Tokens& x, const Var& condition) {
    const Var normed = norm(name + ".norm1", x, condition);
    const Var qkv = stage(name + ".qkv", linear(name + ".attention.qkv", normed));
    const Var joined = stage(name + ".attention", attention(pass, qkv, x.layout, a.heads));
    const Var out = linear(name + ".attention.out", joined, Activation::none, x.rows);
    return {stage(name + ".attended", out), x.layout};
  }
  Tokens block(const std::string& name, const Tokens& x, const Var& condition) {
    const Tokens after = attended(name, x, condition);
    const Var normed = norm(name + ".norm2", after, condition);
    const Var hidden = stage(name + ".hidden", linear(name + ".fc1", normed, Activation::gelu));
    return {stage(name + ".output", linear(name + ".fc2", hidden, Activation::none, after.rows)),
            x.layout};
  }
  Tokens expert_block(const std::string& name, const Tokens& x, const Var& noise,
                      const Var& condition) {
    const Tokens after = attended(name, x, condition);
    const Var normed = norm(name + ".norm2", after, condition);
    if (a.experts == 1) {
      const Var hidden = linear(name + ".experts.0.fc1", normed, Activation::gelu);
      const Var out = linear(name + ".experts.0.fc2", hidden, Activation::none, after.rows);
      return {stage(name + ".output", out), x.layout};
    }
    const Var logits =
        stage(name + ".router", linear(name + ".router", concat_columns(pass, normed, noise)));
    const Routing routing = route(pass, logits, 1);
    stage(name + ".probabilities", routing.probabilities);
    record_.whole(name + ".experts", {routing.expert.begin(), routing.expert.end()});
    note_margins(logits);
    PooledVector<const Parameter*> in_weight, in_bias, out_weight, out_bias;
    for (int e = 0; e < a.experts; ++e) {
      const std::string expert = name + ".experts." + std::to_string(e);
      in_weight.push_back(layer(expert + ".fc1").weight());
      in_bias.push_back(layer(expert + ".fc1").bias());
      out_weight.push_back(layer(expert + ".fc2").weight());
      out_bias.push_back(layer(expert + ".fc2").bias());
    }
    const Var sorted = gather_rows(pass, normed, routing.source);
    const Var hidden =
        grouped_linear(pass, sorted, routing.group_starts, in_weight, in_bias, Activation::gelu);
    const Var said = grouped_linear(pass, hidden, routing.group_starts, out_weight, out_bias);
    return {stage(name + ".output", combine(pass, after.rows, said, routing)), x.layout};
  }
  std::vector<float> class_head(const std::string& name, const Tokens& x, const Var& condition) {
    const Var normed = norm(name + ".norm", x, condition);
    const Var scores = linear(name + ".pool", normed);
    stage(name + ".scores", scores, {scores.value().size()});
    const Var pooled = stage(name + ".pooled", pool(pass, normed, scores, x.layout), {a.dim});
    const Var logits = linear(name + ".out", pooled);
    return host(pass.backend, stage(name + ".logits", logits, {a.classes}).value());
  }

  /// What the gate gives each row behind `depth` blocks: its head's number, or a drawn one.
  std::vector<float> scores(const Tokens& x, int depth, bool random, const Var& condition) {
    const std::string head = "transmitter.gate.scores." + std::to_string(depth);
    std::vector<float> made;
    if (random) {
      for (const std::int32_t place : x.layout->positions) {
        const RandomWords words = philox(pass.draws.seed, Purpose::gate, pass.draws.images[0],
                                         pass.draws.visit, static_cast<std::uint32_t>(place));
        made.push_back(static_cast<float>(uniform(words[0])));
      }
    } else {
      const Var normed = norm(head + ".norm", x, condition);
      const Var hidden = stage(head + ".hidden", linear(head + ".fc1", normed, Activation::gelu));
      made = host(pass.backend, linear(head + ".fc2", hidden).value());
    }
    record_.stage(head + ".scores", {static_cast<std::int64_t>(made.size())}, made.data());
    return made;
  }

  /// The `k` rows of the highest scores behind `depth` blocks.
  Tokens gated(const Tokens& x, int depth, int k, const std::vector<float>& scores) {
    std::vector<std::int32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t l, std::int32_t r) {
      return scores[static_cast<std::size_t>(l)] > scores[static_cast<std::size_t>(r)];
    });
    const auto score_of = [&](int place) {
      return scores[static_cast<std::size_t>(order[static_cast<std::size_t>(place)])];
    };
    margin = std::min<double>(margin, score_of(k - 1) - score_of(k));
    order.resize(static_cast<std::size_t>(k));
    std::sort(order.begin(), order.end());
    std::vector<std::int32_t> places;
    for (const std::int32_t row : order)
      places.push_back(x.layout->positions[static_cast<std::size_t>(row)]);
    record_.whole("transmitter.kept." + std::to_string(depth), {places.begin(), places.end()});
    return {gather_rows(pass, x.rows, {order.begin(), order.end()}), layout_of({places})};
  }

  Pass pass;
  Architecture a;
  double margin = 1;  // the smallest by which a token stayed or an expert was chosen

 private:
  template <class Layer>
  struct Loaded {
    Loaded(Backend& backend, const std::function<Layer(ParameterSet&)>& make)
        : set(backend), layer(make(set)) {}
    ParameterSet set;
    Layer layer;
  };
  template <class Layer>
  std::unique_ptr<Loaded<Layer>> load(const std::function<Layer(ParameterSet&)>& make) {
    auto made = std::make_unique<Loaded<Layer>>(pass.backend, make);
    for (Parameter& parameter : made->set.all()) {
      const NamedArray* array = checkpoint_.find(parameter.name);
      if (!array || static_cast<std::int64_t>(array->values.size()) != parameter.value.size())
        throw Error(record_.model, "has no " + parameter.name + " of the size that the page says");
      pass.backend.copy(parameter.value,
                        pass.backend.from_host(parameter.value.shape(), array->values.data()));
    }
    made->set.pack(false);
    return made;
  }
  Linear& layer(const std::string& name) {
    std::unique_ptr<Loaded<Linear>>& held = linears_[name];
    if (!held) {
      const NamedArray* weight = checkpoint_.find(name + ".weight");
      if (!weight) throw Error(record_.model, "has no " + name + ".weight");
      const auto out = static_cast<int>(weight->shape[0]);
      const auto in = static_cast<int>(weight->values.size()) / out;
      held = load<Linear>([&](ParameterSet& set) { return Linear(set, name, in, out); });
    }
    return held->layer;
  }
  void note_margins(const Var& logits) {
    const std::vector<float> z = host(pass.backend, logits.value());
    const auto experts = static_cast<std::ptrdiff_t>(a.experts);
    for (auto row = z.begin(); row != z.end(); row += experts) {
      std::vector<float> sorted(row, row + experts);
      std::sort(sorted.rbegin(), sorted.rend());
      margin = std::min<double>(margin, sorted[0] - sorted[1]);
    }
  }

  const Checkpoint& checkpoint_;
  Case& record_;
  std::map<std::string, std::unique_ptr<Loaded<Linear>>> linears_;
  std::map<std::string, std::unique_ptr<Loaded<LayerNorm>>> norms_;
};

}  // namespace semwave::golden
