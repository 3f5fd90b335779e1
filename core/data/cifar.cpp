// CIFAR-10, binary version (Krizhevsky 2009): records of one label byte and 32 x 32 planes of red,
// green, blue. Where that is not there, pictures {train,test}/<class>/ of the same images, as
// several copies of the set come; re-encoded ones (JPEG) are other images by their sum, fine for a
// class, not for rebuilding quality.
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/data/dataset_files.h"

namespace semwave {
namespace {

constexpr std::size_t side = 32, plane = side * side, record = 1 + 3 * plane;
constexpr std::size_t file_limit = std::size_t{512} << 20;

const std::vector<std::string>& classes() {
  static const std::vector<std::string> names{"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};
  return names;
}

/// The folder of pictures, empty where there is none.
std::string picture_folder(const DatasetRequest& request) {
  for (const std::string& root : data_roots(request))
    for (const char* subfolder : {"", "cifar10-jpeg", "cifar-10"}) {
      const std::filesystem::path folder =
          *subfolder ? std::filesystem::path(root) / subfolder : std::filesystem::path(root);
      std::error_code ignored;
      if (std::filesystem::is_directory(folder / "train" / classes()[0], ignored))
        return folder.string();
    }
  return "";
}

Dataset load_pictures(DatasetRequest request, const std::string& folder) {
  request.path = folder;
  Dataset data = load_image_folder(request);
  if (data.class_names != classes())
    throw Error(folder, "does not hold the ten classes of CIFAR-10");
  if (data.height != 32 || data.width != 32 || data.channels != 3)
    throw Error(folder, "does not hold colour pictures of 32 x 32");
  return data;
}

}  // namespace

const std::vector<std::string>& cifar10_classes() {
  return classes();
}

Dataset load_cifar10(const DatasetRequest& request) {
  std::vector<std::string> files;
  if (request.split == Split::test) {
    files = {"test_batch.bin"};
  } else {
    for (int batch = 1; batch <= 5; ++batch)
      files.push_back("data_batch_" + std::to_string(batch) + ".bin");
  }
  const std::string remedy =
      "get the binary version, cifar-10-binary.tar.gz, from www.cs.toronto.edu/~kriz/cifar.html, "
      "unpack it and name its folder in source.path or $SEMWAVE_DATA";
  std::string folder;
  try {
    folder = find_data(request,
                       {"", "cifar-10-batches-bin", "cifar-10", "cifar-10/cifar-10-batches-bin"},
                       files[0], remedy);
  } catch (const Error&) {
    const std::string pictures = picture_folder(request);
    if (pictures.empty()) throw;
    return load_pictures(request, pictures);
  }

  std::string bytes;
  std::vector<std::size_t> starts;  // first record of each file, for messages
  for (const std::string& name : files) {
    const std::string path = (std::filesystem::path(folder) / name).string();
    const std::string part = read_file_whole(path, file_limit);
    if (part.empty() || part.size() % record != 0)
      throw Error(path, "has " + std::to_string(part.size()) + " bytes, expected records of " +
                            std::to_string(record) + ": truncated, or not the binary version");
    starts.push_back(bytes.size() / record);
    bytes += part;
  }

  Dataset data;
  data.height = data.width = static_cast<int>(side);
  data.channels = 3;
  data.class_names = classes();
  const ImageRange range = range_of(request, static_cast<int>(bytes.size() / record));
  data.labels.reserve(static_cast<std::size_t>(range.size()));
  data.pixels.resize(static_cast<std::size_t>(range.size()) * 3 * plane);
  std::uint8_t* out = data.pixels.data();
  for (auto i = static_cast<std::size_t>(range.begin); i < static_cast<std::size_t>(range.end);
       ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data()) + i * record;
    if (*at > 9) {
      std::size_t file = files.size() - 1;
      while (starts[file] > i) --file;
      throw Error((std::filesystem::path(folder) / files[file]).string(),
                  "label " + std::to_string(*at) + " of record " +
                      std::to_string(i - starts[file]) + " is not one of 0 to 9");
    }
    data.labels.push_back(*at++);
    for (std::size_t pixel = 0; pixel < plane; ++pixel)
      for (std::size_t channel = 0; channel < 3; ++channel) *out++ = at[channel * plane + pixel];
  }
  return data;
}

}  // namespace semwave
