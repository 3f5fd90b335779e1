// What the classes of a data set are called.
#pragma once

#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace semwave {

/// By label, without reading an image: the set's own, or the class folders of `folder`. Empty where
/// these are not on this machine, or the set is unknown.
std::vector<std::string> class_names(const DatasetRequest& request);

}  // namespace semwave
