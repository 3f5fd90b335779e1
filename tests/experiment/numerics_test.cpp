// What a point is known by beside scenario, model and images: that every part of the code and
// every table is in it, and that no point knows of one it does not use.
#include "experiment/numerics.h"
#include "core/base/sha256.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "channel/numerics.h"
#include "core/tensor/checkpoint.h"
#include "experiment/link/link_run.h"
#include "experiment/run/run.h"
#include "phy/numerics.h"
#include "phy/transport/modulation_coding.h"
#include "phy/transport/transport_loss.h"
#include "receiver/numerics.h"
#include "tests/experiment/kinds_of_points.h"
#include "tests/experiment/tiny_world.h"
#include "transmitter/numerics.h"

namespace semwave {
namespace {

using Names = std::set<std::string>;
using Indices = std::vector<std::size_t>;

Names used(const std::vector<std::pair<std::string, Json>>& changes,
           DeviceKind device = DeviceKind::cpu) {
  Json value = scenario_json();
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  Names names;
  for (const Component& component : components_used(parse_scenario(value, "x.json"), device)) {
    EXPECT_FALSE(component.version.empty()) << component.name;
    EXPECT_TRUE(names.insert(component.name).second) << component.name << " is there twice";
  }
  return names;
}

Names used_by_link(const Json& link, const Json& channel = {{"kind", "awgn"}, {"snr_db", 3}}) {
  Names names;
  const Scenario scenario =
      parse_scenario({{"version", 1}, {"link", link}, {"channel", channel}}, "link.json");
  for (const Component& component : link_components_used(scenario, DeviceKind::cpu))
    names.insert(component.name);
  return names;
}

void expect_uses(const std::string& what, const Names& names, const Names& these,
                 const Names& not_those) {
  for (const std::string& name : these)
    EXPECT_TRUE(names.contains(name)) << what << " uses " << name;
  for (const std::string& name : not_those)
    EXPECT_FALSE(names.contains(name)) << what << " does not use " << name;
}

TEST(Numerics, APointUsesWhatItRunsAndNothingElse) {
  const Names transport{"polar code",         "polar tables",   "ldpc code",
                        "ldpc tables",        "predicted loss", "table of predicted losses",
                        "modulation codings", "blocks of bits"};
  const Names header{"header codec", "header tables", "convolutional code", "constellations",
                     "crc"};
  const auto both = [](Names a, const Names& b) {
    a.insert(b.begin(), b.end());
    return a;
  };
  std::map<std::string, Names> of;
  for (const auto& [name, transmitter] : transmitters())
    of[name] = used({{"/transmitter", transmitter}});

  expect_uses(
      "semantic", of["semantic"],
      both(header, {"network", "network kernels, cpu", "semantic header"}),
      both(transport, {"jpeg", "classifier", "fading", "digital link", "network kernels, cuda"}));
  expect_uses("a chosen coding", of["digital, coding chosen"],
              both(both(header, transport), {"digital link"}), {"jpeg", "classifier"});
  const Names nr{"nr ldpc code", "nr ldpc tables", "nr ldpc margins", "ldpc code"};
  for (const Json& transmitter :
       {semantic(digital({{"kind", "auto"}, {"codings", "nr-64qam"}})),
        Json{{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 400}, {"codings", "nr-256qam"}}})
    expect_uses("a coding of 5G NR", used({{"/transmitter", transmitter}}),
                both(both(header, nr), {"modulation codings", "predicted loss"}),
                {"polar code", "polar tables", "ldpc tables"});
  expect_uses("an agreed coding", of["digital, polar code"],
              {"polar code", "polar tables", "blocks of bits", "digital link"},
              {"ldpc code", "ldpc tables", "predicted loss", "table of predicted losses",
               "modulation codings"});
  expect_uses("jpeg", of["separation, jpeg"],
              both(both(header, transport), {"jpeg", "classifier", "network"}),
              {"heic", "webp", "semantic header", "gates"});
  expect_uses("heic", of["separation, heic"], both(transport, {"heic"}), {"jpeg", "webp"});
  expect_uses("a bound", of["separation, webp at capacity"], {"webp", "capacity", "classifier"},
              both(header, transport));
  expect_uses("label", of["label"], both(header, {"classifier", "label header"}),
              both(transport, {"jpeg", "capacity"}));

  expect_uses("pictures without a network",
              used({{"/transmitter", separation("jpeg")},
                    {"/model", {{"image", {8, 8, 1}}}},
                    {"/metrics", {"psnr"}}}),
              {"jpeg", "metric psnr_db"},
              {"classifier", "network", "network kernels, cpu", "metric ssim"});
  const Json uncounted{{"links", 2}, {"slots", 3}};
  expect_uses("a timeline without metrics",
              used({{"/timeline", uncounted}, {"/metrics", Json::array()}}),
              {"timeline", "network"}, {"network kernels, cpu"});
  expect_uses("rayleigh", used({{"/channel", "rayleigh"}}), {"fading"},
              {"antennas", "ofdm", "tap profiles", "trace"});
  expect_uses("tdl", used({{"/channel", "tdl"}}), {"fading", "ofdm", "tap profiles"}, {"antennas"});
  expect_uses("cuda", used({}, DeviceKind::cuda),
              {"network kernels, cuda", "channel kernels, cuda"},
              {"network kernels, cpu", "channel kernels, cpu"});

  const Names images{"network",      "images",        "evaluation",
                     "header codec", "header tables", "modulation codings"};
  expect_uses("polar bits", used_by_link({{"code", "polar"}}),
              {"polar code", "crc", "link laboratory"},
              both(images, {"ldpc code", "convolutional code"}));
  expect_uses("ldpc bits", used_by_link({{"code", "ldpc"}}), {"ldpc code", "ldpc tables"},
              both(images, {"polar code", "crc"}));
  expect_uses("uncoded bits", used_by_link({{"code", "none"}}),
              {"blocks of bits", "constellations"},
              both(images, {"polar code", "ldpc code", "crc", "convolutional code"}));
  expect_uses("bch bits", used_by_link({{"code", {{"kind", "bch"}, {"n", 15}, {"t", 2}}}}),
              {"bch code", "blocks of bits"}, both(images, {"polar code", "ldpc code", "crc"}));
  expect_uses("bits of either code", used_by_link({{"code", "auto"}}), {"polar code", "ldpc code"},
              images);
  // A row over AWGN says beside its frame errors what a sender expects.
  const Json fades{{"kind", "rayleigh"}, {"snr_db", 3}};
  expect_uses("bits over AWGN", used_by_link({{"code", "polar"}}), {"table of predicted losses"},
              {});
  expect_uses("bits over fades", used_by_link({{"code", "polar"}}, fades), {},
              {"table of predicted losses"});
}

// The parts themselves.

std::vector<const CodePart*> all_parts() {
  std::vector<const CodePart*> all;
  const auto add = [&](const auto& parts) {
    all.insert(all.end(), std::begin(parts), std::end(parts));
  };
  add(part::of_core);
  add(part::of_phy);
  add(part::of_channel);
  add(part::of_transmitter);
  add(part::of_receiver);
  add(part::of_experiment);
  return all;
}

/// Files that decide no number: words, files, speed, training.
Names no_number() {
  return {
      "channel/numerics",
      "core/base/error",
      "core/base/file",
      "core/base/input_file",
      "core/base/pooled_vector",
      "core/base/sha256",
      "core/base/stopwatch",
      "core/base/sync",
      "core/base/text",
      "core/base/thread_pool",
      "core/config/field_builders",
      "core/config/fields",
      "core/config/json",
      "core/config/json_reader",
      "core/config/mistakes",
      "core/config/ordered_json",
      "core/config/registry",
      "core/config/schema",
      "core/data/augment",
      "core/data/class_names",
      "core/numerics",
      "core/tensor/backend",
      "core/tensor/optimiser",
      "core/tensor/profiling_backend",
      "core/tensor/tape",
      "core/tensor/tensor",
      "experiment/metric/metric",
      "experiment/metric/registry",
      "experiment/numerics",
      "experiment/objective/distillation",
      "experiment/objective/objective_term",
      "experiment/planning/budget",
      "experiment/planning/calibrate",
      "experiment/planning/make_plan_table",
      "experiment/results/bjontegaard",
      "experiment/results/compare",
      "experiment/results/compare_folders",
      "experiment/results/curves",
      "experiment/results/point_lines",
      "experiment/results/recorded_folder",
      "experiment/results/result_folder",
      "experiment/results/text_table",
      "experiment/run/device",
      "experiment/run/outside_training",
      "experiment/run/run",
      "experiment/run/validate",
      "experiment/scenario/known_names",
      "experiment/scenario/scenario_page",
      "experiment/train/objective",
      "experiment/train/trainer",
      "experiment/train/training_folder",
      "experiment/train/training_step",
      "phy/header/serialise",
      "phy/numerics",
      "receiver/numerics",
      "transmitter/numerics",
  };
}

Names words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST(Numerics, EveryFileThatMayDecideANumberBelongsToAPart) {
  const std::filesystem::path root = SEMWAVE_SOURCE_DIR;
  Names named = no_number(), there;
  // A metric is a part by itself, with a version of its own.
  for (const auto& [name, summary] : metrics().list()) named.insert("experiment/metric/" + name);
  for (const CodePart* part : all_parts())
    for (const std::string& file : words_of(part->files)) named.insert(file);
  for (const char* room : {"core", "phy", "channel", "transmitter", "receiver", "experiment"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / room)) {
      const std::string ending = entry.path().extension().string();
      if (ending != ".h" && ending != ".cpp" && ending != ".cu" && ending != ".inc") continue;
      const std::filesystem::path below = std::filesystem::relative(entry.path(), root);
      const std::string file = (below.parent_path() / below.stem()).string(),
                        folder = below.parent_path().string() + "/";
      EXPECT_TRUE(named.contains(file) || named.contains(folder))
          << below.string() << " belongs to no part of its room's numerics.h";
      there.insert({file, folder});
    }
  for (const std::string& file : named)
    EXPECT_TRUE(there.contains(file)) << file << " is named and not there";
}

TEST(Numerics, EveryPartIsUsedBySomePoint) {
  const std::string trace = fresh_folder("numerics_trace") + "/t.csv";
  tiny::write_text(trace, "slot,re,im\n0,1,0\n1,0,1\n");
  Names found;
  const auto take = [&](const Names& names) { found.insert(names.begin(), names.end()); };
  for (const auto& [name, transmitter] : transmitters())
    take(used({{"/transmitter", transmitter}}));
  for (const Json& channel : {Json("rayleigh"), Json("mimo"), Json("tdl"), Json("erasure"),
                              Json{{"kind", "trace"}, {"file", trace}}})
    take(used({{"/channel", channel}}));
  take(used({{"/timeline", {{"links", 2}, {"slots", 3}}}}));
  take(used({{"/model", {{"image", {16, 16, 1}}}},
             {"/transmitter", separation("jpeg")},
             {"/metrics", {"psnr", "ssim"}}}));
  take(used({{"/transmitter", "deepjscc"},
             {"/model/architecture/deepjscc", Json::object()},
             {"/model/architecture/image", {16, 16, 3}},
             {"/metrics", {"psnr"}}}));
  take(used({}, DeviceKind::cuda));
  for (const auto& [name, summary] : channel_codes().list()) take(used_by_link({{"code", name}}));
  Names names;
  for (const CodePart* part : all_parts()) {
    EXPECT_TRUE(names.insert(part->name).second) << part->name << " is the name of two parts";
    EXPECT_TRUE(found.contains(part->name)) << "no point knows of " << part->name;
  }
}

TEST(Numerics, AnyOtherVersionIsAnotherPoint) {
  const Scenario scenario = parse_scenario(scenario_json(), "x.json");
  const std::vector<Component> now = components_used(scenario, DeviceKind::cpu);
  const auto known_by = [&](const std::vector<Component>& components) {
    return point_sha256(scenario, "m", "d", DeviceKind::cpu, components);
  };
  EXPECT_EQ(point_sha256(scenario, "m", "d", DeviceKind::cpu), known_by(now));
  std::set<std::string> sums{known_by(now)};
  for (std::size_t i = 0; i < now.size(); ++i) {
    std::vector<Component> other = now;
    other[i].version += "'";
    EXPECT_TRUE(sums.insert(known_by(other)).second) << now[i].name;
  }
}

// The tables.

/// Numbers of a C++ initialiser in their order; comments count for nothing.
std::vector<double> numbers_between(const std::string& text, const std::string& from,
                                    const std::string& to) {
  const std::size_t begin = text.find(from) + from.size();
  const std::string part = std::regex_replace(text.substr(begin, text.find(to, begin) - begin),
                                              std::regex("//[^\n]*|ChannelCode::"), "");
  static const std::regex number(R"(-?\b\d+(\.\d+)?(e-?\d+)?)");
  std::vector<double> found;
  for (std::sregex_iterator at(part.begin(), part.end(), number), end; at != end; ++at)
    found.push_back(std::stod(at->str()));
  return found;
}

std::string sum_of(const Json& table) {
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

TEST(Numerics, TheSumOfPredictedLossesIsOverEveryValueOfTheirTable) {
  const std::string text =
      tiny::read_text(std::string(SEMWAVE_SOURCE_DIR) + "/phy/transport/transport_loss_table.inc");
  const std::string header =
      tiny::read_text(std::string(SEMWAVE_SOURCE_DIR) + "/phy/transport/transport_loss.h");
  const std::vector<double> losses = numbers_between(header, "loss_table_losses = {", "}");
  const auto sum_in = [&](const std::string& table) {
    static const std::regex row(R"(\{ChannelCode::(\w+), (.*?), \{(.*?)\}\})");
    Json rows = Json::array();
    for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at) {
      Json made{at->str(1)};
      for (const double value : numbers_between(at->str(2) + ";", "", ";")) made.push_back(value);
      made.push_back(numbers_between(at->str(3) + ";", "", ";"));
      rows.push_back(made);
    }
    EXPECT_GT(rows.size(), 100u);
    return sum_of({losses, rows});
  };
  EXPECT_EQ(transport_loss_table_sha256(), sum_in(text))
      << "a value of the file is not in the sum, or was not compiled";
  for (const std::string& end :
       {std::string("}},\n"), std::string(", {")}) {  // a threshold, a length
    std::string changed = text;
    char& digit = changed[changed.find(end, changed.size() / 2) - 1];
    digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
    EXPECT_NE(sum_in(changed), sum_in(text));
  }
}

TEST(Numerics, TheSumOfHeaderTablesIsOverEveryValueOfTheirTable) {
  const std::string text =
      tiny::read_text(std::string(SEMWAVE_SOURCE_DIR) + "/phy/header/header_loss_table.inc");
  const std::vector<double> values = numbers_between(text, "loss_table = {{", ";"),
                            lengths = numbers_between(text, "loss_table_lengths = {", "}");
  const double step = numbers_between(text, "loss_table_step_db = ", ";").at(0);
  const std::size_t columns = static_cast<std::size_t>(
                        numbers_between(text, "loss_table_columns = ", ";").at(0)),
                    rows = lengths.size(), formats = 4;
  ASSERT_EQ(values.size(), formats * (1 + rows * columns));
  Json table = Json::array();
  for (std::size_t f = 0; f < formats; ++f) {
    auto value = values.begin() + static_cast<std::ptrdiff_t>(f * (1 + rows * columns));
    Json of_format{*value++, Json::array()};
    for (std::size_t r = 0; r < rows; ++r, value += static_cast<std::ptrdiff_t>(columns))
      of_format[1].push_back(
          std::vector<double>(value, value + static_cast<std::ptrdiff_t>(columns)));
    table.push_back(of_format);
  }
  const Json of_formats{{4, 1}, {2, 1}, {2, 2.4}, {2, 8}};  // bits a symbol, repetition
  EXPECT_EQ(header_tables_sha256(), sum_of({of_formats, step, lengths, table}));
}

}  // namespace
}  // namespace semwave
