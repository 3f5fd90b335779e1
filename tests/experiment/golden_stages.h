// The golden values of docs/model_format.md as a file: stages (numbers of a shape) and exact
// entries (whole numbers, bits) of each case, written, read and compared.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "core/tensor/checkpoint.h"
#include "core/tensor/tensor.h"

namespace semwave::golden {

/// What is kept of a stage: enough to find a wrong number, a wrong order and a wrong shape.
struct Stage {
  static constexpr std::size_t first_count = 8, last_count = 4;

  std::string name;
  std::vector<std::int64_t> shape;
  double mean = 0, deviation = 0;
  std::vector<double> first, last;
};

struct Exact {
  std::string name;
  std::variant<std::vector<std::int64_t>, std::string> value;
};

/// One case: what it was given, what came out of each stage in the order of execution.
struct Case {
  std::string name, model, weights_sha256;
  Json given;
  std::vector<Stage> stages;
  std::vector<Exact> exact;
  std::string prefix;  // of the names that are added now

  void stage(const std::string& stage_name, std::vector<std::int64_t> shape, const float* values) {
    Stage made{.name = prefix + stage_name, .shape = std::move(shape)};
    std::size_t size = 1;
    for (const std::int64_t extent : made.shape) size *= static_cast<std::size_t>(extent);
    const auto count = static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i) made.mean += static_cast<double>(values[i]) / count;
    for (std::size_t i = 0; i < size; ++i) {
      const double off = static_cast<double>(values[i]) - made.mean;
      made.deviation += off * off / count;
    }
    made.deviation = std::sqrt(made.deviation);
    made.first.assign(values, values + std::min(size, Stage::first_count));
    made.last.assign(values + size - std::min(size, Stage::last_count), values + size);
    stages.push_back(std::move(made));
  }
  void whole(const std::string& entry, const std::vector<std::int64_t>& value) {
    exact.push_back({prefix + entry, value});
  }
  void bits(const std::string& entry, const std::string& text) {
    exact.push_back({prefix + entry, text});
  }
};

/// SHA-256 over names, shapes and values of all tensors, as docs/model_format.md defines it.
inline std::string weights_digest(const Checkpoint& checkpoint) {
  std::vector<const NamedArray*> arrays;
  for (const NamedArray& array : checkpoint.arrays) arrays.push_back(&array);
  std::sort(arrays.begin(), arrays.end(),
            [](const NamedArray* a, const NamedArray* b) { return a->name < b->name; });
  Sha256 sum;
  for (const NamedArray* array : arrays) {
    const std::string head = fmt::format("{}\n{}\n", array->name, fmt::join(array->shape, ","));
    sum.add(head.data(), head.size());
    sum.add(array->values.data(), array->values.size() * sizeof(float));
  }
  return sum.hex();
}

/// Nine digits tell any two floats apart.
inline std::string numbers_text(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += fmt::format("{}{:.9g}", text.empty() ? "" : ",", value);
  return "[" + text + "]";
}

inline Json exact_json(const Exact& entry) {
  return std::visit([](const auto& value) { return Json(value); }, entry.value);
}

/// A case as JSON, one line for each stage and entry, so that a diff shows which ones changed.
inline std::string case_text(const Case& made) {
  std::string text = fmt::format(
      "  {{\"name\":{},\"model\":{},\n   \"weights_sha256\":{},\n   \"given\":{},\n   "
      "\"stages\":[",
      Json(made.name).dump(), Json(made.model).dump(), Json(made.weights_sha256).dump(),
      made.given.dump());
  for (const Stage& stage : made.stages)
    text += fmt::format(
        "{}\n    {{\"stage\":{},\"shape\":{},\"mean\":{:.9g},\"deviation\":{:.9g},\n"
        "     \"first\":{},\"last\":{}}}",
        &stage == made.stages.data() ? "" : ",", Json(stage.name).dump(), Json(stage.shape).dump(),
        stage.mean, stage.deviation, numbers_text(stage.first), numbers_text(stage.last));
  text += "],\n   \"exact\":[";
  for (const Exact& entry : made.exact)
    text +=
        fmt::format("{}\n    {{\"entry\":{},\"value\":{}}}", &entry == made.exact.data() ? "" : ",",
                    Json(entry.name).dump(), exact_json(entry).dump());
  return text + "]}";
}

/// A stage agrees where every number x of it has |x - g| <= 2e-4 max(|g|, deviation) + 1e-6.
inline constexpr double tolerance = 2e-4, absolute_tolerance = 1e-6;

inline bool agrees(double x, double g, double deviation) {
  return std::abs(x - g) <= tolerance * std::max(std::abs(g), deviation) + absolute_tolerance;
}

/// Every difference between a case of the file and what was computed, a line each; empty: they
/// agree. Other weights are one difference, and the only one that is told.
inline std::vector<std::string> differences(const Json& file, const Case& made) {
  if (file.at("weights_sha256") != made.weights_sha256)
    return {made.model +
            " has other weights than docs/model_format_golden.json was made for: the file "
            "is stale, write it anew with SEMWAVE_WRITE_GOLDEN=1 build/tests/experiment_gate_tests "
            "--gtest_filter='ModelFormat.*' and commit it with the model"};
  std::vector<std::string> found;
  if (file.at("given") != made.given) found.push_back(made.name + ": was given something else");
  const Json &stages = file.at("stages"), &exact = file.at("exact");
  if (stages.size() != made.stages.size() || exact.size() != made.exact.size()) {
    found.push_back(fmt::format("{}: {} stages and {} entries in the file, {} and {} computed",
                                made.name, stages.size(), exact.size(), made.stages.size(),
                                made.exact.size()));
    return found;
  }
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Json& g = stages[s];
    const Stage& x = made.stages[s];
    const std::string place = made.name + ": " + x.name;
    if (g.at("stage") != x.name || g.at("shape") != Json(x.shape)) {
      found.push_back(place + " " + Json(x.shape).dump() + " stands where the file has " +
                      g.at("stage").dump() + " " + g.at("shape").dump());
      continue;
    }
    const double deviation = g.at("deviation");
    const auto compare = [&](const std::string& what, double computed, double in_file) {
      if (agrees(computed, in_file, deviation)) return;
      found.push_back(
          fmt::format("{}: {} is {:.9g}, the file has {:.9g}", place, what, computed, in_file));
    };
    compare("mean", x.mean, g.at("mean"));
    compare("deviation", x.deviation, deviation);
    const auto compare_all = [&](const std::string& what, const std::vector<double>& computed) {
      if (g.at(what).size() != computed.size())
        found.push_back(place + ": another count of numbers");
      for (std::size_t i = 0; i < std::min(g.at(what).size(), computed.size()); ++i)
        compare(fmt::format("{}[{}]", what, i), computed[i], g.at(what)[i]);
    };
    compare_all("first", x.first);
    compare_all("last", x.last);
  }
  for (std::size_t e = 0; e < exact.size(); ++e) {
    const Json computed = exact_json(made.exact[e]);
    if (exact[e].at("entry") != made.exact[e].name || exact[e].at("value") != computed)
      found.push_back(made.name + ": " + made.exact[e].name + " is " + computed.dump() +
                      ", the file has " + exact[e].dump());
  }
  return found;
}

}  // namespace semwave::golden
