// What `--set` does to the text of a scenario, before it is read.
#pragma once

#include <string>
#include <vector>

#include "experiment/scenario/scenario.h"

namespace semwave {

/// Adds an override. A whole sweep is given key by key, so that it keeps the order it is written
/// in.
void add_override(Overrides& overrides, const std::string& pointer, const OrderedJson& value);

/// As read_scenario of a file, from what would stand in it; `file` is what messages call it. Paths
/// are relative to the working directory.
Scenario read_written(const OrderedJson& written, const std::string& file,
                      const Overrides& overrides, Mistakes& mistakes);

/// Whether this text of a scenario has a sweep that can be read.
bool sweeps(const Json& value);

/// The file's text with its overrides, every default filled in; `order` holds the swept pointers as
/// they were written. read_scenario says what an override does.
Json overridden(Json value, const std::string& path, const Overrides& overrides,
                std::vector<std::string>& order, Mistakes& mistakes);

}  // namespace semwave
