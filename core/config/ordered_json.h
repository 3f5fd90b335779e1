// The reader of core/config/json.h for what keeps its keys in the order they were written: rows of
// results, sweeps.
#pragma once

#include <string>
#include <string_view>

#include "core/config/json.h"

namespace semwave {

using OrderedJson = nlohmann::ordered_json;

/// The same limits and the same words as parse_json().
OrderedJson parse_ordered_json(std::string_view text, const std::string& file);

}  // namespace semwave
