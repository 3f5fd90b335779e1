// semwave list: what a scenario may name, a line each, from the registries themselves.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "core/config/json.h"
#include "experiment/scenario/known_names.h"

namespace semwave {
namespace {

int list(const std::string& what, bool json) {
  const std::vector<KnownNames> all = known_names(), shown = known_names(what);
  std::size_t width = 0;
  for (const auto& [name, lines] : all)
    for (const auto& [entry, summary] : lines) width = std::max(width, entry.size());
  for (const auto& [name, lines] : shown) {
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
