// Data sets by the names a scenario gives. How to add one: docs/extending/dataset.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace semwave {

struct DatasetKind {
  std::string name, summary;

  /// The images of a split with their labels; `load_dataset` adds name, number of classes and
  /// SHA-256. `pixels` holds count x height x width x channels bytes, each label names one of
  /// `class_names`. Throws Error that says where data was looked for, or which file is corrupt.
  std::function<Dataset(const DatasetRequest&)> load;

  /// Names by label, without reading an image; empty where they are not known without.
  std::function<std::vector<std::string>(const DatasetRequest&)> class_names;
};

/// fashion-mnist, cifar-10, folder, and what a program added before it read a scenario.
class DatasetKinds {
 public:
  void add(DatasetKind kind) { all_.push_back(std::move(kind)); }
  /// Null where there is none of the name.
  const DatasetKind* find(const std::string& name) const;
  const std::vector<DatasetKind>& all() const { return all_; }
  std::vector<std::string> names() const;

 private:
  std::vector<DatasetKind> all_;
};
DatasetKinds& datasets();

/// For loaders: first of root/subfolder that holds `file` or `file`.gz, where the roots are
/// source.path, else $SEMWAVE_DATA and the system's datasets folder. Throws Error that lists what
/// was looked for and ends with `remedy`.
std::string find_data(const DatasetRequest& request, const std::vector<std::string>& subfolders,
                      const std::string& file, const std::string& remedy);

/// For loaders: the images [begin, end) of the `available` of a file that make the split, cut to
/// `count`. Validation takes the last `validation_images` of the training images.
struct ImageRange {
  int begin = 0, end = 0;
  int size() const { return end - begin; }
};
inline constexpr int validation_images = 5000;
ImageRange range_of(const DatasetRequest& request, int available);

}  // namespace semwave
