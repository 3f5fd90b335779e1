// Values between Python and the library. A value that cannot be taken is an Error that names the
// argument, which Python sees as semwave.Error.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "core/base/pooled_vector.h"
#include "core/config/ordered_json.h"
#include "core/tensor/backend.h"

namespace semwave::python {

namespace py = pybind11;

/// dict, list, tuple, str, bool, int, float, None, paths and NumPy's scalars. `place` is a JSON
/// pointer below the argument, for messages.
OrderedJson to_json(const py::handle& value, const std::string& place);
py::object to_python(const OrderedJson& value);

/// The array itself, nothing copied: of NumPy's type `dtype` ("complex64"), so many dimensions
/// (-1: any), C-contiguous. Throws Error where it is anything else.
py::array array_argument(const py::handle& value, const std::string& name, const char* dtype,
                         int dimensions);
/// The same to write to.
py::array writable_argument(const py::handle& value, const std::string& name, const char* dtype,
                            int dimensions);
/// Throws Error naming the first number that is none or infinite.
void check_finite(const py::array& values, const std::string& name);
/// Whole numbers from 0 to 2^32 - 1, in one dimension.
PooledVector<std::uint32_t> ids_argument(const py::handle& value, const std::string& name);
/// A list or an array of numbers, one each of `count`, or one number for all of them.
PooledVector<double> numbers_argument(const py::handle& value, const std::string& name,
                                      std::size_t count);

/// The numbers of a NumPy array of float32 as a tensor of the processor, nothing copied; the array
/// must outlive it.
Tensor borrowed(float* numbers, const Shape& shape);

/// Hands a vector over to NumPy, nothing copied.
template <class Number, class Vector>
py::array_t<Number> given(Vector&& numbers, std::vector<py::ssize_t> shape) {
  auto* const kept = new std::remove_reference_t<Vector>(std::forward<Vector>(numbers));
  const py::capsule owner(
      kept, [](void* vector) { delete static_cast<std::remove_reference_t<Vector>*>(vector); });
  return py::array_t<Number>(std::move(shape), reinterpret_cast<const Number*>(kept->data()),
                             owner);
}

/// The numbers of a tensor of the processor as float32, or as complex64 where the last extent is 2
/// and stands for I and Q: the tensor's own memory, kept as long as the array lives.
template <class Number>
py::array_t<Number> given(const Tensor& tensor, std::vector<py::ssize_t> shape) {
  auto* const kept = new Tensor(tensor);
  const py::capsule owner(kept, [](void* t) { delete static_cast<Tensor*>(t); });
  return py::array_t<Number>(std::move(shape), reinterpret_cast<const Number*>(kept->data()),
                             owner);
}

}  // namespace semwave::python
