// semwave validate: what is wrong with a scenario, before anything runs.
#include "experiment/run/validate.h"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/text.h"

namespace semwave {
namespace {

int validate(const RunOptions& options) {
  const Validation found = semwave::validate([&](Mistakes& mistakes) {
    return read_scenario(options.scenario, options.overrides(), mistakes);
  });
  for (const Error& mistake : found.mistakes)
    fmt::print(stderr, "semwave: {}\n", printable(mistake.what()));
  if (found.more)
    fmt::print(stderr, "semwave: these are the first {} mistakes\n", found.mistakes.size());
  if (!found.mistakes.empty()) return 2;
  for (const std::string& warning : found.warnings) fmt::print(stderr, "semwave: {}\n", warning);
  fmt::print("{}: valid, {}{}\n", printable(options.scenario),
             counted(static_cast<std::int64_t>(found.points), "point"),
             found.trains ? ", trains" : "");
  return 0;
}

}  // namespace

Command add_validate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "validate",
      "say all that is wrong with a scenario, with file, key and the nearest known name");
  auto options = std::make_shared<RunOptions>();
  command->add_option("scenario", options->scenario, "scenario file")
      ->required()
      ->type_name("SCENARIO");
  command
      ->add_option("--set", options->set,
                   "change one key first, such as /channel/snr_db=5; may be repeated")
      ->type_name("/KEY=VALUE")
      ->allow_extra_args(false);
  command->footer("Example: semwave validate scenarios/quickstart.json");
  return [options] { return validate(*options); };
}

}  // namespace semwave
