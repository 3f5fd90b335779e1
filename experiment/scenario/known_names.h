// What a scenario may name, from the registries themselves: `semwave list`.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace semwave {

struct KnownNames {
  std::string what;                                        // "gates"
  std::vector<std::pair<std::string, std::string>> names;  // name, summary
};

/// Every registry, in the order of `semwave list`.
std::vector<KnownNames> known_names();
/// Those of one registry; every one where `what` is empty. Throws Error with the nearest name where
/// nothing is called so.
std::vector<KnownNames> known_names(const std::string& what);

}  // namespace semwave
