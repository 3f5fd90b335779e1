// Data sets by name, their common parts, and Fashion-MNIST (Xiao, Rasul and Vollgraf 2017).
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "core/data/class_names.h"
#include "core/data/dataset_files.h"

namespace semwave {
namespace {

std::string path_join(const std::string& folder, const std::string& name) {
  return name.empty() ? folder : (std::filesystem::path(folder) / name).string();
}

bool is_file(const std::string& path) {
  std::error_code ignored;  // what cannot be looked at is not there
  return std::filesystem::exists(path, ignored) && !std::filesystem::is_directory(path, ignored);
}

/// `file` as it is, else with .gz.
std::string plain_or_gzip(const std::string& folder, const std::string& file) {
  const std::string plain = path_join(folder, file);
  return is_file(plain) ? plain : plain + ".gz";
}

}  // namespace

std::string place_of(const DatasetRequest& request) {
  return request.place.empty() ? "dataset '" + request.name + "'" : request.place;
}

std::string split_name(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::validation:
      return "validation";
    case Split::test:
      return "test";
    case Split::all_train:
      return "all_train";
  }
  return "";
}

std::vector<std::string> data_roots(const DatasetRequest& request) {
  if (!request.path.empty()) return {request.path};
  std::vector<std::string> roots;
  if (const char* data = std::getenv("SEMWAVE_DATA"); data && *data) roots.emplace_back(data);
  roots.emplace_back("/usr/share/datasets");
  return roots;
}

std::string find_data(const DatasetRequest& request, const std::vector<std::string>& subfolders,
                      const std::string& file, const std::string& remedy) {
  std::string looked;
  for (const std::string& root : data_roots(request))
    for (const std::string& subfolder : subfolders) {
      std::string folder = path_join(root, subfolder);
      if (is_file(plain_or_gzip(folder, file))) return folder;
      looked += (looked.empty() ? "" : ", ") + folder;
    }
  throw Error(place_of(request), "no " + file + " in " + looked + "; " + remedy);
}

ImageRange range_of(const DatasetRequest& request, int available) {
  ImageRange range{0, available};
  if (request.split == Split::train || request.split == Split::validation) {
    if (available <= validation_images)
      throw Error(place_of(request), "has " + std::to_string(available) +
                                         " training images, but validation takes the last " +
                                         std::to_string(validation_images) +
                                         " of them; use the split all_train");
    (request.split == Split::train ? range.end : range.begin) = available - validation_images;
  }
  if (request.count < 0)
    throw Error(place_of(request),
                "count must be at least 0, found " + std::to_string(request.count));
  if (request.count > range.size())
    throw Error(place_of(request), "count " + std::to_string(request.count) + " is more than the " +
                                       std::to_string(range.size()) + " images of the split " +
                                       split_name(request.split));
  if (request.count > 0) range.end = range.begin + request.count;
  return range;
}

Dataset load_fashion_mnist(const DatasetRequest& request) {
  const std::string stem = request.split == Split::test ? "t10k" : "train";
  const std::string images_file = stem + "-images-idx3-ubyte",
                    labels_file = stem + "-labels-idx1-ubyte";
  const std::string remedy =
      "install the Debian package dataset-fashion-mnist (apt-get install dataset-fashion-mnist), "
      "or get " +
      images_file + ".gz and " + labels_file +
      ".gz from github.com/zalandoresearch/fashion-mnist and name their folder in source.path or "
      "$SEMWAVE_DATA";
  const std::string folder =
      find_data(request, {"", "fashion-mnist", "FashionMNIST/raw"}, images_file, remedy);
  const std::string images_path = plain_or_gzip(folder, images_file),
                    labels_path = plain_or_gzip(folder, labels_file);
  if (!is_file(labels_path))
    throw Error(place_of(request),
                "no " + labels_file + " in " + folder + ", where its images are; " + remedy);

  const IdxArray labels = read_idx(labels_path);
  const IdxArray images = read_idx(images_path);
  if (images.shape.size() != 3 || images.shape[1] != 28 || images.shape[2] != 28)
    throw Error(images_path, "does not hold images of 28 x 28");
  if (labels.shape.size() != 1 || labels.shape[0] != images.shape[0])
    throw Error(labels_path, "does not hold one label for each of the " +
                                 std::to_string(images.shape[0]) + " images");

  Dataset data;
  data.height = data.width = 28;
  data.channels = 1;
  data.class_names = fashion_mnist_classes();
  const ImageRange range = range_of(request, static_cast<int>(images.shape[0]));
  data.pixels.assign(images.values.begin() + range.begin * data.values(),
                     images.values.begin() + range.end * data.values());
  data.labels.assign(labels.values.begin() + range.begin, labels.values.begin() + range.end);
  for (int i = 0; i < data.count(); ++i)
    if (data.labels[static_cast<std::size_t>(i)] >= 10)
      throw Error(labels_path, "label " + std::to_string(data.labels[static_cast<std::size_t>(i)]) +
                                   " of image " + std::to_string(range.begin + i) +
                                   " is not one of 0 to 9");
  return data;
}

const std::vector<std::string>& fashion_mnist_classes() {
  static const std::vector<std::string> names{"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                              "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot"};
  return names;
}

DatasetKinds& datasets() {
  static DatasetKinds kinds = [] {
    DatasetKinds made;
    made.add(
        {.name = "fashion-mnist",
         .summary = "Fashion-MNIST: 60,000 + 10,000 grey images of clothes, 28 x 28, 10 classes",
         .load = load_fashion_mnist,
         .class_names = [](const DatasetRequest&) { return fashion_mnist_classes(); }});
    made.add({.name = "cifar-10",
              .summary = "CIFAR-10: 50,000 + 10,000 colour images, 32 x 32, 10 classes (binary "
                         "version, or pictures in class folders)",
              .load = load_cifar10,
              .class_names = [](const DatasetRequest&) { return cifar10_classes(); }});
    made.add({.name = "folder",
              .summary = "PNG or JPEG pictures in {train,test}/<class>/, or in one folder; of one "
                         "size, but for pairs that take any",
              .load = load_image_folder,
              .class_names = image_folder_classes});
    return made;
  }();
  return kinds;
}

const DatasetKind* DatasetKinds::find(const std::string& name) const {
  for (const DatasetKind& kind : all_)
    if (kind.name == name) return &kind;
  return nullptr;
}

std::vector<std::string> DatasetKinds::names() const {
  std::vector<std::string> made;
  for (const DatasetKind& kind : all_) made.push_back(kind.name);
  return made;
}

std::vector<std::string> class_names(const DatasetRequest& request) {
  const DatasetKind* kind = datasets().find(request.name);
  if (kind == nullptr || !kind->class_names) return {};
  try {
    return kind->class_names(request);
  } catch (const Error&) {  // who wants the images is told what is wrong
    return {};
  }
}

namespace {

/// What a loader of somebody else's promised: images of one size, labels that have a name.
void check_loaded(const DatasetRequest& request, const Dataset& data) {
  const auto wrong = [&](const std::string& what) {
    throw Error(place_of(request), "the data set '" + request.name + "' " + what);
  };
  if (data.labels.empty()) wrong("holds no image");
  std::int64_t values = 0;
  for (int i = 0; i < data.count() && !data.one_size(); ++i) {
    const Dataset::Place& place = data.places[static_cast<std::size_t>(i)];
    if (place.height < 1 || place.width < 1 || place.begin != values)
      wrong("holds images without a size");
    values += data.values(i);
  }
  if (!data.one_size()) {
    if (!request.any_size) wrong("holds images that differ in size");
    if (data.places.size() != data.labels.size() || data.channels < 1 ||
        static_cast<std::int64_t>(data.pixels.size()) != values)
      wrong("holds images whose values are not there");
  } else if (data.height < 1 || data.width < 1 || data.channels < 1) {
    wrong("holds images without a size");
  } else if (data.pixels.size() != data.labels.size() * static_cast<std::size_t>(data.values()))
    wrong("holds " + std::to_string(data.pixels.size()) + " values, which are not " +
          std::to_string(data.labels.size()) + " images of " + std::to_string(data.values()));
  for (const std::int32_t label : data.labels)
    if (label < 0 || label >= static_cast<std::int32_t>(data.class_names.size()))
      wrong("has the label " + std::to_string(label) + ", which no class has");
}

}  // namespace

Dataset load_dataset(const DatasetRequest& request) {
  const DatasetKind* kind = datasets().find(request.name);
  if (kind == nullptr) {
    const std::vector<std::string> known = datasets().names();
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
    const std::string near = nearest(request.name, known);
    throw Error(place_of(request), "unknown dataset '" + request.name + "'; " +
                                       (near.empty() ? "" : "did you mean '" + near + "'? ") +
                                       "known: " + all);
  }
  Dataset data = kind->load(request);
  check_loaded(request, data);
  data.name = request.name;
  data.classes = static_cast<int>(data.class_names.size());
  Sha256 sum;
  sum.add(data.labels.data(), data.labels.size() * sizeof(std::int32_t));
  for (const Dataset::Place& place : data.places) {
    const std::array<std::int32_t, 2> size{place.height, place.width};
    sum.add(size.data(), sizeof size);
  }
  sum.add(data.pixels.data(), data.pixels.size());
  data.sha256 = sum.hex();
  return data;
}

void to_float(const Dataset& data, std::span<const std::int32_t> indices, float* out) {
  for (const std::int32_t index : indices) {
    assert(index >= 0 && index < data.count());
    const std::int64_t values = data.values(index);
    const std::uint8_t* image = data.image(index);
    for (std::int64_t v = 0; v < values; ++v) *out++ = static_cast<float>(image[v]) / 255.0f;
  }
}

void Dataset::add(int image_height, int image_width, std::span<const std::uint8_t> image,
                  std::int32_t label) {
  if (labels.empty()) {
    height = image_height;
    width = image_width;
  } else if (one_size() && (image_height != height || image_width != width)) {
    for (int i = 0; i < count(); ++i) places.push_back({height, width, i * values()});
    height = width = 0;
  }
  if (!one_size())
    places.push_back({image_height, image_width, static_cast<std::int64_t>(pixels.size())});
  pixels.insert(pixels.end(), image.begin(), image.end());
  labels.push_back(label);
}

double Dataset::mean_values(std::int64_t images) const {
  if (one_size()) return static_cast<double>(values());
  const auto last = std::clamp<std::int64_t>(images, 1, count());
  double sum = 0;
  for (int i = 0; i < last; ++i) sum += static_cast<double>(values(i));
  return sum / static_cast<double>(last);
}

void Dataset::keep_first(int images) {
  const auto kept = static_cast<std::size_t>(images);
  if (kept >= labels.size()) return;
  pixels.resize(one_size() ? kept * static_cast<std::size_t>(values())
                           : static_cast<std::size_t>(places[kept].begin));
  labels.resize(kept);
  if (!one_size()) places.resize(kept);
}

}  // namespace semwave
