// What each file of this folder adds to the module semwave._semwave. The classes and functions that
// a user sees are documented in python/semwave/; what is here checks what comes in, lets other
// Python threads run during long work, and calls the library.
#pragma once

#include <pybind11/pybind11.h>

namespace semwave::python {

void add_scenarios(pybind11::module_& module);  // run, train, validate, list, budget, compare, load
void add_channel(pybind11::module_& module);
void add_link(pybind11::module_& module);
void add_model(pybind11::module_& module);

}  // namespace semwave::python
