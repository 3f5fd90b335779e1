// All that is wrong with a scenario, before anything runs; images aside.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/config/mistakes.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

struct Validation {
  std::vector<Error> mistakes;  // none: the scenario is valid
  bool more = false;            // these are the first mistakes, and there may be others
  std::vector<std::string> warnings;
  std::size_t points = 0;
  bool trains = false;
};

/// `read` reads the scenario and reports to the mistakes it is given.
Validation validate(const std::function<Scenario(Mistakes&)>& read);

}  // namespace semwave
