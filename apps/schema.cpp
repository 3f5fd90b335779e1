// semwave schema: JSON Schema of a scenario for editors, or the same as a page to read.
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "core/config/json.h"
#include "experiment/scenario/scenario.h"
#include "experiment/scenario/scenario_page.h"

namespace semwave {

Command add_schema(CLI::App& program) {
  CLI::App* command = program.add_subcommand("schema", "JSON Schema of a scenario, for editors");
  auto page = std::make_shared<bool>(false);
  command->add_flag("--markdown", *page,
                    "every key as a page to read (docs/scenario.md is made so)");
  command->footer("Example: semwave schema > scenario.schema.json");
  return [page] {
    const Fields fields = scenario_fields();
    fmt::print("{}\n", *page ? scenario_page(fields) : json_schema(fields).dump(2));
    return 0;
  };
}

}  // namespace semwave
