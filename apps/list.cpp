// semwave list: what a scenario may name, a line each, from the registries themselves.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/config/json.h"
#include "core/data/codec/image_codec.h"
#include "core/data/dataset_kinds.h"
#include "experiment/scenario/scenario.h"
#include "phy/code/channel_code.h"
#include "phy/modulation/modulation.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/router/router.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/gate/gate.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;  // name, summary

std::vector<std::pair<std::string, Lines>> everything() {
  Lines sets;
  for (const DatasetKind& kind : datasets().all()) sets.emplace_back(kind.name, kind.summary);
  return {{"gates", gates().list()},         {"exits", exits().list()},
          {"routers", routers().list()},     {"policies", policies().list()},
          {"channels", channels().list()},   {"equalisers", equalisers().list()},
          {"codes", channel_codes().list()}, {"modulations", modulations().list()},
          {"codecs", image_codecs().list()}, {"datasets", sets},
          {"metrics", metrics().list()},     {"pairs", pairs().list()}};
}

int list(const std::string& what, bool json) {
  const auto all = everything();
  std::vector<std::string> known;
  known.reserve(all.size());
  for (const auto& [name, lines] : all) known.push_back(name);
  if (!what.empty() && std::find(known.begin(), known.end(), what) == known.end()) {
    const std::string near = nearest(what, known);
    throw Error("semwave list", "nothing is called '" + what + "'" +
                                    (near.empty() ? "" : "; did you mean '" + near + "'?") +
                                    fmt::format(" known: {}", fmt::join(known, ", ")));
  }
  std::size_t width = 0;
  for (const auto& [name, lines] : all)
    for (const auto& [entry, summary] : lines) width = std::max(width, entry.size());
  for (const auto& [name, lines] : all) {
    if (!what.empty() && name != what) continue;
    if (what.empty() && !json) fmt::print("# {}\n", name);
    for (const auto& [entry, summary] : lines) {
      if (json)
        fmt::print(
            "{}\n",
            nlohmann::ordered_json{{"what", name}, {"name", entry}, {"summary", summary}}.dump());
      else
        fmt::print("{:{}}  {}\n", entry, width, summary);
    }
  }
  return 0;
}

}  // namespace

Command add_list(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "list", "what a scenario may name: gates, exits, routers, policies, channels, ...");
  auto what = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  command
      ->add_option("what", *what,
                   "gates, exits, routers, policies, channels, equalisers, codes, modulations, "
                   "codecs, datasets or "
                   "metrics; default: all")
      ->type_name("WHAT");
  command->add_flag("--json", *json, "one JSON object a line");
  command->footer("Example: semwave list gates");
  return [what, json] { return list(*what, *json); };
}

}  // namespace semwave
