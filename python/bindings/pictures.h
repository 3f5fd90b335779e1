// Pictures as NumPy arrays.
#pragma once

#include "core/data/dataset.h"
#include "python/bindings/convert.h"

namespace semwave::python {

/// uint8 [images, height, width, channels], or float32 in [0, 1], which is rounded to 8 bits.
/// Labels [images], None: not known.
Dataset dataset_argument(const py::handle& images, const py::handle& labels);

}  // namespace semwave::python
