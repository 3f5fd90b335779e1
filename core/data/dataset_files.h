// What the data sets' loaders share: where files are looked for, which part of them a split is.
// Internal to core/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/data/dataset_kinds.h"

namespace semwave {

Dataset load_fashion_mnist(const DatasetRequest& request);
Dataset load_cifar10(const DatasetRequest& request);
Dataset load_image_folder(const DatasetRequest& request);

const std::vector<std::string>& fashion_mnist_classes();
const std::vector<std::string>& cifar10_classes();
/// Throws Error where there are none.
std::vector<std::string> image_folder_classes(const DatasetRequest& request);

/// Where messages about the request itself say the mistake is.
std::string place_of(const DatasetRequest& request);
std::string split_name(Split split);

/// Folders to look in: `path` alone where it is given, else $SEMWAVE_DATA and the system's datasets
/// folder.
std::vector<std::string> data_roots(const DatasetRequest& request);

}  // namespace semwave
