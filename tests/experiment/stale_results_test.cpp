// Planted changes of a version, a table, a model: exactly the points that use it are run again.
#include <gtest/gtest.h>

#include <functional>

#include "channel/numerics.h"
#include "core/tensor/checkpoint.h"
#include "experiment/link/link_run.h"
#include "experiment/numerics.h"
#include "experiment/run/run.h"
#include "phy/numerics.h"
#include "receiver/numerics.h"
#include "tests/experiment/kinds_of_points.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

using Indices = std::vector<std::size_t>;

/// As the program has it, one version changed.
template <class Usual>
auto with_changed(Usual usual, const std::string& name) {
  return [=](const Scenario& scenario, DeviceKind device) {
    std::vector<Component> components = usual(scenario, device);
    for (Component& component : components)
      if (component.name == name) component.version += ", changed";
    return components;
  };
}

std::string listed(const Indices& points, const std::function<std::string(std::size_t)>& name) {
  std::string text;
  for (const std::size_t point : points) text += (text.empty() ? "" : "; ") + name(point);
  return text.empty() ? "no point" : text;
}

class StaleResults : public ::testing::Test {
 protected:
  /// A run into the folder; the points that it did not find there.
  Indices run(const Scenario& scenario, const std::string& folder,
              const std::string& changed = "") {
    semwave::Run again(scenario, *backend_, pool_);
    again.open(folder, {});
    Indices ran;
    RunSettings settings{
        .finished =
            [&](std::size_t point, const OrderedJson&, bool reused) {
              if (!reused) ran.push_back(point);
            },
        .failed = [](std::size_t, const Error& problem) { ADD_FAILURE() << problem.what(); },
        .components = with_changed(components_used, changed)};
    again.run(settings);
    return ran;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  ThreadPool pool_{2};
};

TEST_F(StaleResults, AChangedTableOrPartRunsExactlyThePointsThatUseItAgain) {
  const std::string folder = fresh_folder("stale");
  tiny::write_pictures(folder + "/pictures", 1, 2);
  Json value = scenario_json(folder + "/pictures");
  for (const auto& [name, transmitter] : transmitters())
    value["sweep"]["/transmitter"].push_back(transmitter);
  const Scenario scenario = parse_scenario(value, "x.json");
  const auto name = [](std::size_t point) { return transmitters()[point].first; };
  const Indices all{0, 1, 2, 3, 4, 5, 6}, chosen{1, 3, 4};
  const std::string out = folder + "/out";
  EXPECT_EQ(run(scenario, out), all);
  EXPECT_EQ(run(scenario, out), Indices{});

  const std::vector<std::pair<std::string, Indices>> planted{
      {"table of predicted losses", chosen},
      {"modulation codings", chosen},
      {"header tables", {0, 1, 2, 3, 4, 6}},
      {part::polar_code.name, {1, 2, 3, 4}},
      {part::ldpc_code.name, chosen},
      {part::digital_link.name, {1, 2}},
      {part::semantic_receiver.name, {0, 1, 2}},
      {part::classifier.name, {3, 4, 5, 6}},
      {part::heic.name, {4}},
      {part::fading.name, {}},
      {part::network_kernels_cuda.name, {}},
      {part::random_draws.name, all}};
  for (const auto& [changed, affected] : planted) {
    const Indices ran = run(scenario, out, changed);
    EXPECT_EQ(ran, affected) << "after a change of: " << changed;
    EXPECT_EQ(run(scenario, out, changed), Indices{}) << "what was run again is kept: " << changed;
    RecordProperty(changed, "-> " + listed(ran, name));
  }
  EXPECT_EQ(run(scenario, out), Indices{})
      << "the rows of before are still there, behind the others";
}

TEST_F(StaleResults, AChangedPartRunsTheBitsThatUseItAgain) {
  const std::string folder = fresh_folder("stale_link");
  const std::vector<std::string> codes{"ldpc", "polar", "convolutional", "none"};
  const Scenario scenario = parse_scenario({{"version", 1},
                                            {"link", {{"block_bits", 100}}},
                                            {"channel", {{"kind", "awgn"}, {"snr_db", 2}}},
                                            {"stop", {{"max_frames", 64}}},
                                            {"sweep", {{"/link/code", codes}}}},
                                           "link.json");
  const auto run_bits = [&](const std::string& changed) {
    LinkRun again(scenario, *backend_, pool_);
    again.open(folder + "/out", {});
    Indices ran;
    LinkRunSettings settings{.finished =
                                 [&](std::size_t point, const OrderedJson&, bool reused) {
                                   if (!reused) ran.push_back(point);
                                 },
                             .components = with_changed(link_components_used, changed)};
    again.run(settings);
    return ran;
  };
  EXPECT_EQ(run_bits(""), (Indices{0, 1, 2, 3}));
  const std::vector<std::pair<std::string, Indices>> planted{
      {part::polar_code.name, {1}},
      {part::ldpc_code.name, {0}},
      {part::convolutional_code.name, {2}},
      {part::blocks.name, {0, 1, 2, 3}},
      {"table of predicted losses", {0, 1, 2, 3}},
      {part::header_codec.name, {}}};
  for (const auto& [changed, affected] : planted) {
    const Indices ran = run_bits(changed);
    EXPECT_EQ(ran, affected) << "after a change of: " << changed;
    RecordProperty(changed,
                   "-> " + listed(ran, [&](std::size_t point) { return codes[point] + " bits"; }));
  }
  EXPECT_EQ(run_bits(""), Indices{});
}

TEST_F(StaleResults, AChangedModelRunsItsOwnPointsAgain) {
  const std::string folder = fresh_folder("stale_model");
  tiny::write_pictures(folder + "/pictures", 1, 2);
  const auto train = [&](const std::string& name, int seed) {
    Json value = scenario_json(folder + "/pictures");
    value["seed"] = seed;
    write_checkpoint(folder + "/" + name,
                     to_checkpoint(make_model(parse_scenario(value, "x.json"), *backend_)));
  };
  train("a.safetensors", 1);
  train("b.safetensors", 2);
  Json value = scenario_json(folder + "/pictures");
  value["model"] = folder + "/a.safetensors";
  value["sweep"] = {{"/channel/snr_db", {0, 10}},
                    {"/model", {folder + "/a.safetensors", folder + "/b.safetensors"}}};
  const Scenario scenario = parse_scenario(value, "x.json", {"/model", "/channel/snr_db"});
  const std::string out = folder + "/out";
  EXPECT_EQ(run(scenario, out), (Indices{0, 1, 2, 3}));
  train("b.safetensors", 3);
  EXPECT_EQ(run(scenario, out), (Indices{2, 3}));
  EXPECT_EQ(run(scenario, out), Indices{});
}

}  // namespace
}  // namespace semwave
