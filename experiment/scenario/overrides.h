// What `--set` does to the text of a scenario, before it is read.
#pragma once

#include <string>
#include <vector>

#include "experiment/scenario/scenario.h"

namespace semwave {

/// Whether this text of a scenario has a sweep that can be read.
bool sweeps(const Json& value);

/// The file's text with its overrides, every default filled in; `order` holds the swept pointers as
/// they were written. read_scenario says what an override does.
Json overridden(Json value, const std::string& path, const Overrides& overrides,
                std::vector<std::string>& order, Mistakes& mistakes);

}  // namespace semwave
