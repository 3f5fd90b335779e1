// Pictures in class folders: {train,test}/<class>/*.png|jpg|jpeg, or <class>/ alone; or without
// classes, in one folder.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "core/base/error.h"
#include "core/data/dataset_files.h"
#include "core/data/picture.h"

namespace semwave {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t size_limit = std::uint64_t{8} << 30;  // of all pixels together

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

/// Names in a folder, sorted by their bytes (the same everywhere, whatever the locale), hidden ones
/// left out.
std::vector<std::string> sorted_names(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".")) continue;
      if (folders ? entry.is_directory() : is_picture(entry.path()) && !entry.is_directory())
        names.push_back(name);
    }
  } catch (const fs::filesystem_error& mistake) {
    throw Error(folder.string(), "cannot read: " + mistake.code().message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

struct Layout {
  fs::path folder;                   // whose sub-folders are the classes
  std::vector<std::string> classes;  // sorted
  bool whole = false;                // no train/test: everything is the split asked for
  bool plain = false;                // pictures stand in the folder itself: one class
};

Layout find_layout(const DatasetRequest& request) {
  const std::string needed =
      "expected {train,test}/<class>/*.png|jpg|jpeg, <class>/ alone, or pictures alone";
  if (request.path.empty() && !std::getenv("SEMWAVE_DATA"))
    throw Error(place_of(request),
                "the dataset 'folder' needs source.path or $SEMWAVE_DATA; " + needed);
  const fs::path root = data_roots(request).front();
  if (!is_folder(root))
    throw Error(place_of(request), "there is no folder " + root.string() + "; " + needed);

  Layout layout;
  const fs::path train = root / "train", test = root / "test";
  layout.whole = !is_folder(train) && !is_folder(test);
  layout.folder = layout.whole ? root : request.split == Split::test ? test : train;
  if (!is_folder(layout.folder))
    throw Error(place_of(request), "there is no folder " + layout.folder.string() +
                                       " for the split " + split_name(request.split));
  layout.classes = sorted_names(layout.folder, true);
  if (layout.classes.empty() && !sorted_names(layout.folder, false).empty()) {
    layout.classes = {"pictures"};
    layout.plain = true;
    return layout;
  }
  if (!layout.whole && request.split == Split::test && is_folder(train)) {
    // Labels are those of training: a class without a test picture must not shift the others.
    const std::vector<std::string> trained = sorted_names(train, true);
    for (const std::string& name : layout.classes)
      if (!std::binary_search(trained.begin(), trained.end(), name))
        throw Error((test / name).string(), "is a class that " + train.string() + " does not have");
    layout.classes = trained;
  }
  if (layout.classes.empty())
    throw Error(layout.folder.string(), "has no class folders; " + needed);
  return layout;
}

struct Entry {
  std::string path;
  std::int32_t label;
};

/// The files of the split: the first of each class, then the second of each, and so on.
std::vector<Entry> list_files(const DatasetRequest& request, const Layout& layout) {
  std::vector<std::vector<std::string>> classes;
  std::size_t longest = 0;
  for (const std::string& name : layout.classes) {
    const fs::path folder = layout.plain ? layout.folder : layout.folder / name;
    std::vector<std::string>& files = classes.emplace_back();
    if (is_folder(folder)) files = sorted_names(folder, false);
    const auto kept = static_cast<std::ptrdiff_t>(files.size() - files.size() / 10);
    if (!layout.whole && request.split == Split::train)
      files.erase(files.begin() + kept, files.end());
    if (!layout.whole && request.split == Split::validation)
      files.erase(files.begin(), files.begin() + kept);
    for (std::string& file : files) file = (folder / file).string();
    longest = std::max(longest, files.size());
  }
  std::vector<Entry> entries;
  for (std::size_t turn = 0; turn < longest; ++turn)
    for (std::size_t label = 0; label < classes.size(); ++label)
      if (turn < classes[label].size())
        entries.push_back({std::move(classes[label][turn]), static_cast<std::int32_t>(label)});
  return entries;
}

}  // namespace

std::vector<std::string> image_folder_classes(const DatasetRequest& request) {
  return find_layout(request).classes;
}

namespace {

/// Pictures of any size, one after another; their channels are those of the first.
Dataset load_any_size(const DatasetRequest& request, const Layout& layout,
                      const std::vector<Entry>& entries) {
  Dataset data;
  data.class_names = layout.classes;
  const auto channels_text = [](int channels) {
    return channels == 1 ? std::string("grey") : "of " + std::to_string(channels) + " channels";
  };
  for (const Entry& entry : entries) {
    const Picture picture = read_picture(entry.path);
    if (data.labels.empty()) data.channels = picture.channels;
    if (picture.channels != data.channels)
      throw Error(entry.path, "is " + channels_text(picture.channels) + ", " +
                                  entries.front().path + " is " + channels_text(data.channels) +
                                  "; all pictures must be alike");
    if (data.pixels.size() + picture.pixels.size() > size_limit)
      throw Error(place_of(request),
                  "the pictures up to " + entry.path + " are more than 8 GiB together");
    data.add(picture.height, picture.width, picture.pixels, entry.label);
  }
  return data;
}

}  // namespace

Dataset load_image_folder(const DatasetRequest& request) {
  const Layout layout = find_layout(request);
  std::vector<Entry> entries = list_files(request, layout);
  if (entries.empty())
    throw Error(place_of(request), "no png, jpg or jpeg files for the split " +
                                       split_name(request.split) + " in the class folders of " +
                                       layout.folder.string());
  if (request.count < 0)
    throw Error(place_of(request),
                "count must be at least 0, found " + std::to_string(request.count));
  const auto count = static_cast<std::size_t>(request.count);
  if (count > entries.size())
    throw Error(place_of(request), "count " + std::to_string(count) + " is more than the " +
                                       std::to_string(entries.size()) + " images of the split " +
                                       split_name(request.split));
  if (count > 0) entries.resize(count);

  if (request.any_size) return load_any_size(request, layout, entries);
  Dataset data;
  data.class_names = layout.classes;
  WantedPicture first;
  for (const Entry& entry : entries) {
    const Picture picture =
        data.labels.empty() ? read_picture(entry.path) : read_picture(entry.path, first);
    if (data.labels.empty()) {
      data.height = picture.height, data.width = picture.width, data.channels = picture.channels;
      const std::string size = size_text(data.height, data.width, data.channels);
      first = {data.height, data.width, data.channels,
               entry.path + " is " + size + "; all pictures must have one size"};
      if (static_cast<std::uint64_t>(data.values()) * entries.size() > size_limit ||
          entries.size() > std::numeric_limits<std::int32_t>::max())
        throw Error(place_of(request), std::to_string(entries.size()) + " pictures of " + size +
                                           " are more than 8 GiB");
      data.pixels.reserve(static_cast<std::size_t>(data.values()) * entries.size());
      data.labels.reserve(entries.size());
    }
    data.pixels.insert(data.pixels.end(), picture.pixels.begin(), picture.pixels.end());
    data.labels.push_back(entry.label);
  }
  return data;
}

}  // namespace semwave
