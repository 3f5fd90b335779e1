#include "python/bindings/bindings.h"
namespace semwave::python {
void add_channel(pybind11::module_&) {}
void add_link(pybind11::module_&) {}
void add_model(pybind11::module_&) {}
}
