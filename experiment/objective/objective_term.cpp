#include "experiment/objective/objective_term.h"

#include "experiment/objective/distillation.h"

namespace semwave {

ObjectiveTermRegistry& objective_terms() {
  static ObjectiveTermRegistry registry = [] {
    ObjectiveTermRegistry made("a term of what training minimises");
    add_distillation(made);
    return made;
  }();
  return registry;
}

}  // namespace semwave
