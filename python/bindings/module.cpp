// The module semwave._semwave, and how the library's Error becomes semwave.Error.
#include <pybind11/pybind11.h>

#include "core/base/error.h"
#include "python/bindings/bindings.h"

namespace py = pybind11;

namespace {

PyObject* error_type = nullptr;

void raise(const semwave::Error& mistake) {
  const std::string what = mistake.what();
  const py::object made = py::reinterpret_borrow<py::object>(error_type)(what);
  made.attr("place") = mistake.place();
  made.attr("message") = what.substr(std::min(what.size(), mistake.place().size() + 2));
  PyErr_SetObject(error_type, made.ptr());
}

}  // namespace

PYBIND11_MODULE(_semwave, module) {
  module.doc() = "The library of semwave. Import semwave instead.";
  module.attr("__version__") = SEMWAVE_VERSION;
  error_type = PyErr_NewExceptionWithDoc(
      "semwave.Error",
      "A mistake in what was asked for: a scenario, a file, an argument. `place` says where it is "
      "(\"x.json: /channel/snr_db\", or the argument's name), `message` what is wrong.",
      PyExc_ValueError, nullptr);
  module.attr("Error") = py::reinterpret_borrow<py::object>(error_type);
  // NOLINTNEXTLINE(performance-unnecessary-value-param): what pybind11 calls
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const semwave::Error& mistake) {
      raise(mistake);
    }
  });
  semwave::python::add_scenarios(module);
  semwave::python::add_channel(module);
  semwave::python::add_link(module);
  semwave::python::add_model(module);
}
