#include "experiment/objective/objective_term.h"

namespace semwave {

ObjectiveTermRegistry& objective_terms() {
  static ObjectiveTermRegistry registry("a term of what training minimises");
  return registry;
}

}  // namespace semwave
