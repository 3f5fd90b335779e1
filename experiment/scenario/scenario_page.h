// The description of fields as a page to read (Markdown): docs/scenario.md is `semwave schema
// --markdown`.
#pragma once

#include <string>

#include "core/config/json.h"

namespace semwave {

std::string scenario_page(const Fields& fields);

}  // namespace semwave
