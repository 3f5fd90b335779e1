#include "python/bindings/convert.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/error.h"

namespace semwave::python {
namespace {

std::string type_name(const py::handle& value) {
  return py::str(py::type::handle_of(value).attr("__name__"));
}

std::string dimensions_text(int dimensions) {
  return std::to_string(dimensions) + (dimensions == 1 ? " dimension" : " dimensions");
}

/// The first number that is NaN or infinite, -1: none. `exponent`: the bits that are all set there.
template <class Bits>
std::int64_t first_bad(const py::array& values, Bits exponent) {
  const auto* const bits = static_cast<const Bits*>(values.data());
  const auto count = static_cast<std::size_t>(values.nbytes()) / sizeof(Bits);
  Bits any = 0;  // without a branch, so that many are looked at together
  for (std::size_t i = 0; i < count; ++i) any |= (bits[i] & exponent) == exponent;
  for (std::size_t i = 0; any != 0 && i < count; ++i)
    if ((bits[i] & exponent) == exponent) return static_cast<std::int64_t>(i);
  return -1;
}

}  // namespace

OrderedJson to_json(const py::handle& value, const std::string& place) {
  if (value.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::int_>(value)) {
    const auto number = py::reinterpret_borrow<py::object>(value);
    if (number < py::int_(0)) return value.cast<std::int64_t>();
    return value.cast<std::uint64_t>();
  }
  if (py::isinstance<py::float_>(value)) {
    const auto number = value.cast<double>();
    if (!std::isfinite(number)) throw Error(place, "is no finite number");
    return number;
  }
  if (py::isinstance<py::dict>(value)) {
    OrderedJson made = OrderedJson::object();
    for (const auto& [key, element] : py::reinterpret_borrow<py::dict>(value)) {
      if (!py::isinstance<py::str>(key))
        throw Error(place, "has a key that is no string but " + type_name(key));
      const auto name = key.cast<std::string>();
      made[name] = to_json(element, (Place{"", place} / name).pointer);
    }
    return made;
  }
  if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) {
    OrderedJson made = OrderedJson::array();
    for (const auto& element : value)
      made.push_back(to_json(element, place + "/" + std::to_string(made.size())));
    return made;
  }
  if (py::hasattr(value, "__fspath__")) return to_json(value.attr("__fspath__")(), place);
  if (py::hasattr(value, "tolist")) return to_json(value.attr("tolist")(), place);  // of NumPy
  throw Error(place, "is of the type " + type_name(value) + ", which JSON does not have");
}

py::object to_python(const OrderedJson& value) {
  switch (value.type()) {
    case OrderedJson::value_t::boolean:
      return py::bool_(value.get<bool>());
    case OrderedJson::value_t::number_integer:
      return py::int_(value.get<std::int64_t>());
    case OrderedJson::value_t::number_unsigned:
      return py::int_(value.get<std::uint64_t>());
    case OrderedJson::value_t::number_float:
      return py::float_(value.get<double>());
    case OrderedJson::value_t::string:
      return py::str(value.get_ref<const std::string&>());
    case OrderedJson::value_t::array: {
      py::list made;
      for (const OrderedJson& element : value) made.append(to_python(element));
      return made;
    }
    case OrderedJson::value_t::object: {
      py::dict made;
      for (const auto& [key, element] : value.items()) made[py::str(key)] = to_python(element);
      return made;
    }
    default:
      return py::none();
  }
}

py::array array_argument(const py::handle& value, const std::string& name, const char* dtype,
                         int dimensions) {
  if (!py::isinstance<py::array>(value))
    throw Error(name,
                "must be a NumPy array of " + std::string(dtype) + ", found " + type_name(value));
  auto array = py::reinterpret_borrow<py::array>(value);
  const std::string found = py::str(array.dtype());
  if (found != dtype)
    throw Error(name, "must be of the type " + std::string(dtype) + ", found " + found +
                          "; convert it with .astype(numpy." + dtype + ")");
  if (dimensions >= 0 && array.ndim() != dimensions)
    throw Error(name, "must have " + dimensions_text(dimensions) + ", found " +
                          std::to_string(array.ndim()));
  if ((array.flags() & py::array::c_style) == 0)
    throw Error(name, "is not contiguous; numpy.ascontiguousarray makes it so");
  if ((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0)
    throw Error(name, "does not lie where its numbers may lie in memory; .copy() does");
  return array;
}

py::array writable_argument(const py::handle& value, const std::string& name, const char* dtype,
                            int dimensions) {
  py::array array = array_argument(value, name, dtype, dimensions);
  if (!array.writeable()) throw Error(name, "cannot be written to");
  return array;
}

void check_finite(const py::array& values, const std::string& name) {
  const bool is_double = values.dtype().kind() == 'f' && values.itemsize() == 8;
  const bool is_complex = values.dtype().kind() == 'c';
  const std::int64_t bad = is_double ? first_bad<std::uint64_t>(values, 0x7FF0'0000'0000'0000)
                                     : first_bad<std::uint32_t>(values, 0x7F80'0000);
  if (bad >= 0)
    throw Error(name, "number " + std::to_string(is_complex ? bad / 2 : bad) +
                          " (counted through the array) is NaN or infinite");
}

PooledVector<std::uint32_t> ids_argument(const py::handle& value, const std::string& name) {
  py::array array;
  try {
    array = py::module_::import("numpy").attr("asarray")(value);
  } catch (const py::error_already_set&) {
    throw Error(name, "must be a list of whole numbers");
  }
  const char kind = array.dtype().kind();
  if (array.ndim() != 1 || (kind != 'i' && kind != 'u' && array.size() > 0))
    throw Error(name, "must be whole numbers in one dimension");
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> numbers(array);
  PooledVector<std::uint32_t> made(static_cast<std::size_t>(numbers.size()));
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::int64_t number = numbers.data()[i];
    if (number < 0 || number > most)
      throw Error(name, "must be from 0 to 4294967295, number " + std::to_string(i) + " is not");
    made[i] = static_cast<std::uint32_t>(number);
  }
  return made;
}

PooledVector<double> numbers_argument(const py::handle& value, const std::string& name,
                                      std::size_t count) {
  py::array_t<double, py::array::c_style | py::array::forcecast> array;
  try {
    array = py::module_::import("numpy").attr("asarray")(value, "float64");
  } catch (const py::error_already_set&) {
    throw Error(name, "must be a number, or one each");
  }
  if (array.ndim() > 1 || (array.ndim() == 1 && static_cast<std::size_t>(array.size()) != count))
    throw Error(name, "must be a number, or " + std::to_string(count) + " numbers");
  check_finite(array, name);
  const double* const numbers = array.data();
  if (array.ndim() == 0) return PooledVector<double>(count, *numbers);
  return {numbers, numbers + count};
}

Tensor borrowed(float* numbers, const Shape& shape) {
  const auto bytes = static_cast<std::size_t>(shape.size()) * sizeof(float);
  return {std::make_shared<Buffer>(Buffer{numbers, bytes, DeviceKind::cpu}), shape};
}

}  // namespace semwave::python
