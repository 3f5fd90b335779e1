// Real images with labels. Everything read from a file is checked before it is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace semwave {

/// The images of one split in memory, 8 bits a value, in the order of their files. Those of a
/// folder take turns: the first of each class, then the second of each, so that the first `count`
/// hold every class alike. An image's id is its place here. Immutable once loaded.
struct Dataset {
  /// Where images differ in size: that of one, and where it begins in `pixels`.
  struct Place {
    int height = 0, width = 0;
    std::int64_t begin = 0;
  };

  std::string name;
  int height = 0, width = 0, channels = 0;  // of every image; 0 x 0 where they differ in size
  int classes = 0;
  std::vector<std::string> class_names;
  std::vector<std::uint8_t> pixels;  // [count, height, width, channels], one after another
  std::vector<Place> places;         // [count] where images differ in size, else empty
  std::vector<std::int32_t> labels;  // [count]
  std::string sha256;                // of labels and pixels as read

  int count() const { return static_cast<int>(labels.size()); }
  std::int64_t values() const { return std::int64_t{height} * width * channels; }
  bool one_size() const { return places.empty(); }
  int height_of(int i) const { return one_size() ? height : place(i).height; }
  int width_of(int i) const { return one_size() ? width : place(i).width; }
  std::int64_t values(int i) const { return std::int64_t{height_of(i)} * width_of(i) * channels; }
  const std::uint8_t* image(int i) const {
    return pixels.data() + (one_size() ? i * values() : place(i).begin);
  }
  /// Values of an image, the mean over the first `images` of them where they differ.
  double mean_values(std::int64_t images) const;
  /// Adds one image at the end.
  void add(int image_height, int image_width, std::span<const std::uint8_t> image,
           std::int32_t label);
  /// The first `images` alone.
  void keep_first(int images);

 private:
  const Place& place(int i) const { return places[static_cast<std::size_t>(i)]; }
};

/// Images i.. as floats in [0, 1], one after another ([images, height, width, channels] where they
/// have one size), written to `out`.
void to_float(const Dataset& data, std::span<const std::int32_t> indices, float* out);

/// Where a patch of `patch` pixels begins along a side of `side` pixels, as likely everywhere.
struct PatchCorner {
  int top = 0, left = 0;
};
/// A random patch of an image of one of the data set; drawn by (seed, image_id, epoch) alone.
PatchCorner patch_corner(int height, int width, int patch_height, int patch_width,
                         std::uint64_t seed, std::uint32_t image_id, std::uint32_t epoch);
/// That patch as floats in [0, 1], [patch_height, patch_width, channels].
void patch_to_float(const Dataset& data, int image, PatchCorner corner, int patch_height,
                    int patch_width, float* out);

/// Random flip (left-right) and shift by up to `shift` pixels (zeros come in) of one float image;
/// draws keyed by (seed, image, epoch).
void augment(float* image, int height, int width, int channels, bool flip, int shift,
             std::uint64_t seed, std::uint32_t image_id, std::uint32_t epoch);

enum class Split : std::uint8_t {
  train,
  validation,
  test,
  all_train
};  // validation is split off train: last 5,000 (folders: last tenth of each class); all_train:
    // both

struct DatasetRequest {
  std::string name{};  // one of datasets(): "fashion-mnist", "cifar-10", "folder", ...
  Split split = Split::test;
  std::string
      path{};     // empty: $SEMWAVE_DATA, then the system's datasets folder (/usr/share/datasets)
  int count = 0;  // first images of the split; 0: all; more than there are is an Error
  std::string place{};    // of the request, for messages
  bool any_size = false;  // images may differ in size; otherwise that is an Error
};

/// A folder holds {train,test}/<class>/*.png|jpg|jpeg, or <class>/ alone, which then is whatever
/// split is asked for; classes are the sub-folder names in sorted order (of train, where it is
/// there). Pictures without class folders are one class, "pictures". All have one size, unless
/// any_size is asked for. Throws Error naming the package or file to get where
/// data is missing, and the file where it is corrupt.
Dataset load_dataset(const DatasetRequest& request);

// Readers by themselves, for tests and fuzzers.
struct IdxArray {
  std::vector<std::uint32_t> shape;
  std::vector<std::uint8_t> values;
};
/// IDX (Y. LeCun's format, unsigned bytes, rank 1 to 4), plain or gzip; at most 512 MiB.
IdxArray read_idx(const std::string& path);
struct Picture {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};  // [height, width, channels], channels 1 or 3
/// PNG or JPEG by content; at most 8192 a side and 256 MiB, cost bounded (core/data/picture.h).
/// Palettes become RGB, 16 bits become 8, transparency is laid over black. What the decoder would
/// fill in for missing or broken data is an Error instead.
Picture read_picture(const std::string& path);
Picture parse_picture(const void* data, std::size_t bytes, const std::string& place);
/// 8 bits a channel; written whole (core/base/file.h).
void write_png(const std::string& path, const Picture& picture);

}  // namespace semwave
