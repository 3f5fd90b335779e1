// Data sets: which files are taken, how they are split, in which order.
#include "core/data/dataset.h"
#include "core/data/dataset_kinds.h"

#include <gtest/gtest.h>

#include <array>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "tests/core/data/jpeg_bytes.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

namespace fs = std::filesystem;

/// Sets or clears $SEMWAVE_DATA for one test.
class DataVariable {
 public:
  explicit DataVariable(const char* value) {
    if (const char* old = std::getenv("SEMWAVE_DATA")) old_ = old, had_ = true;
    if (value)
      ::setenv("SEMWAVE_DATA", value, 1);
    else
      ::unsetenv("SEMWAVE_DATA");
  }
  ~DataVariable() {
    if (had_)
      ::setenv("SEMWAVE_DATA", old_.c_str(), 1);
    else
      ::unsetenv("SEMWAVE_DATA");
  }

 private:
  std::string old_;
  bool had_ = false;
};

void write(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& values) {
  std::string bytes{0, 0, 8, static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  return bytes + values;
}

/// `count` images of which image i has every pixel i % 251 and the label i % 10.
void write_fashion(const std::string& folder, const std::string& stem, std::uint32_t count) {
  std::string pixels, labels;
  for (std::uint32_t i = 0; i < count; ++i) {
    pixels += std::string(28 * 28, static_cast<char>(i % 251));
    labels += static_cast<char>(i % 10);
  }
  write(folder + "/" + stem + "-images-idx3-ubyte", idx_bytes({count, 28, 28}, pixels));
  write(folder + "/" + stem + "-labels-idx1-ubyte", idx_bytes({count}, labels));
}

DatasetRequest request(const std::string& name, Split split, const std::string& path,
                       int count = 0) {
  return {.name = name, .split = split, .path = path, .count = count, .place = "x.json: /source"};
}

TEST(FashionMnist, ValidationIsTheEndOfTrain) {
  const std::string folder = fresh_folder("data");
  write_fashion(folder, "train", 5007);
  const Dataset train = load_dataset(request("fashion-mnist", Split::train, folder));
  const Dataset validation = load_dataset(request("fashion-mnist", Split::validation, folder));
  const Dataset all = load_dataset(request("fashion-mnist", Split::all_train, folder));
  EXPECT_EQ(train.count(), 7);
  EXPECT_EQ(validation.count(), 5000);
  EXPECT_EQ(all.count(), 5007);
  EXPECT_EQ(train.labels[6], 6);
  EXPECT_EQ(validation.image(0)[0], 7);
  EXPECT_EQ(validation.image(4999)[783], 5006 % 251);
  std::vector<std::uint8_t> joined = train.pixels;
  joined.insert(joined.end(), validation.pixels.begin(), validation.pixels.end());
  EXPECT_EQ(joined, all.pixels);
}

TEST(FashionMnist, DescribesItselfAndItsContents) {
  const std::string folder = fresh_folder("data");
  write_fashion(folder + "/fashion-mnist", "t10k", 12);
  const Dataset data = load_dataset(request("fashion-mnist", Split::test, folder, 11));
  EXPECT_EQ(data.name, "fashion-mnist");
  EXPECT_EQ(data.count(), 11);
  EXPECT_EQ(data.values(), 784);
  EXPECT_EQ(data.classes, 10);
  EXPECT_EQ(data.class_names.at(9), "Ankle boot");
  std::string hashed(reinterpret_cast<const char*>(data.labels.data()), data.labels.size() * 4);
  hashed.append(data.pixels.begin(), data.pixels.end());
  EXPECT_EQ(data.sha256, sha256(hashed.data(), hashed.size()));
  EXPECT_NE(data.sha256, load_dataset(request("fashion-mnist", Split::test, folder, 10)).sha256);
  std::vector<float> values(2 * 784);
  to_float(data, std::array{5, 3}, values.data());
  EXPECT_EQ(values[0], 5 / 255.0f);
  EXPECT_EQ(values[784 + 783], 3 / 255.0f);
}

TEST(FashionMnist, TheVariableIsLookedAtBeforeTheSystem) {
  const std::string folder = fresh_folder("data");
  write_fashion(folder, "t10k", 3);
  const DataVariable variable(folder.c_str());
  EXPECT_EQ(load_dataset(request("fashion-mnist", Split::test, "")).count(), 3);
}

TEST(FashionMnist, TheDebianPackageLoads) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const DataVariable variable(nullptr);
  const Dataset test = load_dataset(request("fashion-mnist", Split::test, ""));
  EXPECT_EQ(test.count(), 10000);
  EXPECT_EQ(std::vector<std::int32_t>(test.labels.begin(), test.labels.begin() + 5),
            (std::vector<std::int32_t>{9, 2, 1, 1, 6}));
  std::vector<int> per_class(10, 0);
  for (const std::int32_t label : test.labels) ++per_class[static_cast<std::size_t>(label)];
  EXPECT_EQ(per_class, std::vector<int>(10, 1000));
  EXPECT_EQ(load_dataset(request("fashion-mnist", Split::train, "", 100)).count(), 100);
}

TEST(Dataset, WhatIsMissingIsNamedWithTheRemedy) {
  const std::string folder = fresh_folder("empty");
  const std::string fashion =
      error_of([&] { load_dataset(request("fashion-mnist", Split::test, folder)); });
  EXPECT_TRUE(fashion.starts_with("x.json: /source: no t10k-images-idx3-ubyte in " + folder + ", "))
      << fashion;
  expect_contains(fashion, "apt-get install dataset-fashion-mnist");
  EXPECT_EQ(fashion.find("/usr/share/datasets"),
            std::string::npos);  // a path that is given is the only place
  const DataVariable variable(folder.c_str());
  const std::string cifar = error_of([&] { load_dataset(request("cifar-10", Split::train, "")); });
  expect_contains(cifar, "no data_batch_1.bin in " + folder);
  expect_contains(cifar, "/usr/share/datasets/cifar-10");
  expect_contains(cifar, "cifar-10-binary.tar.gz");
  EXPECT_EQ(error_of([&] { load_dataset(request("fashion_mnist", Split::test, "")); }),
            "x.json: /source: unknown dataset 'fashion_mnist'; did you mean 'fashion-mnist'? "
            "known: fashion-mnist, cifar-10, folder");
}

TEST(Dataset, NamesAreListedAndEachIsKnown) {
  const std::string folder = fresh_folder("empty");
  ASSERT_EQ(datasets().all().size(), 3u);
  for (const DatasetKind& kind : datasets().all()) {
    EXPECT_FALSE(kind.summary.empty());
    const std::string message =
        error_of([&] { load_dataset(request(kind.name, Split::test, folder)); });
    EXPECT_EQ(message.find("unknown dataset"), std::string::npos) << message;
  }
}

TEST(Dataset, MoreImagesThanThereAreAreRefused) {
  const std::string folder = fresh_folder("data");
  write_fashion(folder, "t10k", 3);
  write_fashion(folder, "train", 10);
  EXPECT_EQ(load_dataset(request("fashion-mnist", Split::test, folder, 3)).count(), 3);
  expect_contains(error_of([&] { load_dataset(request("fashion-mnist", Split::test, folder, 4)); }),
                  "count 4 is more than the 3 images of the split test");
  expect_contains(
      error_of([&] { load_dataset(request("fashion-mnist", Split::test, folder, -1)); }),
      "at least 0");
  expect_contains(error_of([&] { load_dataset(request("fashion-mnist", Split::train, folder)); }),
                  "has 10 training images, but validation takes the last 5000");
}

/// Record i: label i % 10, red i, green i + 1 and blue i + 2 everywhere but the first pixel of the
/// second row, which is 200, 201, 202.
std::string cifar_records(int first, int count) {
  std::string bytes;
  for (int i = first; i < first + count; ++i) {
    bytes += static_cast<char>(i % 10);
    for (int channel = 0; channel < 3; ++channel) {
      std::string plane(1024, static_cast<char>((i + channel) % 200));
      plane[32] = static_cast<char>(200 + channel);
      bytes += plane;
    }
  }
  return bytes;
}

TEST(Cifar10, PlanesBecomePixelsAndBatchesFollowEachOther) {
  const std::string folder = fresh_folder("data");
  for (int batch = 0; batch < 5; ++batch)
    write(folder + "/cifar-10-batches-bin/data_batch_" + std::to_string(batch + 1) + ".bin",
          cifar_records(1002 * batch, 1002));
  write(folder + "/cifar-10-batches-bin/test_batch.bin", cifar_records(3, 4));
  const Dataset train = load_dataset(request("cifar-10", Split::train, folder));
  EXPECT_EQ(train.count(), 10);
  EXPECT_EQ(train.class_names.at(9), "truck");
  EXPECT_EQ(std::vector<std::uint8_t>(train.image(7), train.image(7) + 3),
            (std::vector<std::uint8_t>{7, 8, 9}));
  EXPECT_EQ(std::vector<std::uint8_t>(train.image(7) + 96, train.image(7) + 99),
            (std::vector<std::uint8_t>{200, 201, 202}));
  const Dataset validation = load_dataset(request("cifar-10", Split::validation, folder, 3000));
  EXPECT_EQ(validation.image(0)[0], 10);
  EXPECT_EQ(validation.labels[2500], 0);
  EXPECT_EQ(validation.image(2500)[0], 2510 % 200);
  const Dataset test =
      load_dataset(request("cifar-10", Split::test, folder + "/cifar-10-batches-bin"));
  EXPECT_EQ(test.labels, (std::vector<std::int32_t>{3, 4, 5, 6}));
}

/// A 2 x 3 picture of one value, so that it is known again.
void write_value(const std::string& path, int value, int height = 2, int channels = 1) {
  fs::create_directories(fs::path(path).parent_path());
  const auto size = static_cast<std::size_t>(height) * 3 * static_cast<std::size_t>(channels);
  write_png(path, {height, 3, channels,
                   std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(value))});
}

std::vector<int> first_values(const Dataset& data) {
  std::vector<int> values;
  for (int i = 0; i < data.count(); ++i) values.push_back(data.image(i)[0]);
  return values;
}

TEST(ImageFolder, ValidationIsTheLastTenthOfEachClassAndClassesTakeTurns) {
  const std::string root = fresh_folder("data");
  for (int i = 0; i < 20; ++i)
    write_value(root + "/train/zebra/" + std::to_string(100 + i) + ".png", 100 + i);
  for (int i = 0; i < 11; ++i)
    write_value(root + "/train/ant/" + std::to_string(10 + i) + ".PNG", 10 + i);
  write_value(root + "/train/ant/.hidden.png", 77);
  write(root + "/train/ant/notes.txt", "no picture");
  write(root + "/train/readme", "no class");
  write_value(root + "/test/zebra/a.png", 200);

  const Dataset validation = load_dataset(request("folder", Split::validation, root));
  EXPECT_EQ(first_values(validation), (std::vector<int>{20, 118, 119}));
  EXPECT_EQ(validation.labels, (std::vector<std::int32_t>{0, 1, 1}));
  EXPECT_EQ(validation.class_names, (std::vector<std::string>{"ant", "zebra"}));
  const Dataset train = load_dataset(request("folder", Split::train, root));
  EXPECT_EQ(train.count(), 28);
  EXPECT_EQ(first_values(load_dataset(request("folder", Split::train, root, 5))),
            (std::vector<int>{10, 100, 11, 101, 12}));
  std::set<int> seen;
  for (const int value : first_values(train)) seen.insert(value);
  for (const int value : first_values(validation)) EXPECT_TRUE(seen.insert(value).second) << value;
  EXPECT_EQ(load_dataset(request("folder", Split::all_train, root)).count(), 31);
  const Dataset test = load_dataset(request("folder", Split::test, root));
  EXPECT_EQ(test.labels, std::vector<std::int32_t>{
                             1});  // the class number of training, though `ant` has no test picture
  EXPECT_EQ(test.classes, 2);
}

TEST(Folder, HoldsPicturesOfAnySizeWhereThatIsAskedFor) {
  const std::string root = fresh_folder("data");
  const auto write_sized = [&](const std::string& file, int height, int width, int value) {
    fs::create_directories(fs::path(root + "/" + file).parent_path());
    write_png(root + "/" + file,
              {height, width, 3,
               std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3),
                                         static_cast<std::uint8_t>(value))});
  };
  write_sized("b.png", 4, 6, 2);
  write_sized("a.png", 3, 5, 1);
  write_sized("c.png", 3, 5, 3);
  DatasetRequest asked = request("folder", Split::test, root);
  expect_contains(error_of([&] { load_dataset(asked); }), "all pictures must have one size");
  asked.any_size = true;
  Dataset data = load_dataset(asked);
  EXPECT_FALSE(data.one_size());
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"pictures"}));
  ASSERT_EQ(data.count(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(data.height_of(i), i == 1 ? 4 : 3);
    EXPECT_EQ(data.width_of(i), i == 1 ? 6 : 5);
    EXPECT_EQ(data.image(i)[0], i + 1);
    EXPECT_EQ(data.image(i)[data.values(i) - 1], i + 1);
  }
  EXPECT_DOUBLE_EQ(data.mean_values(2), (45 + 72) / 2.0);
  std::vector<float> floats(72 + 45);
  to_float(data, std::vector<std::int32_t>{1, 2}, floats.data());
  EXPECT_EQ(floats[71], 2 / 255.0f);
  EXPECT_EQ(floats[72], 3 / 255.0f);
  data.keep_first(2);
  EXPECT_EQ(data.pixels.size(), 45u + 72u);
  EXPECT_EQ(data.count(), 2);

  // Of one size they are as ever; with sizes swapped the sum is another.
  asked.count = 1;
  EXPECT_TRUE(load_dataset(asked).one_size());
  asked.count = 0;
  const std::string before = load_dataset(asked).sha256;
  write_sized("b.png", 6, 4, 2);
  EXPECT_NE(load_dataset(asked).sha256, before);
}

TEST(ImageFolder, ClassFoldersAloneAreTheSplitAskedFor) {
  const std::string root = fresh_folder("data");
  for (int i = 0; i < 20; ++i) write_value(root + "/a/" + std::to_string(10 + i) + ".png", i);
  const std::string bytes = jpeg_bytes({2, 3, 1, std::vector<std::uint8_t>(6, 50)});
  write(root + "/b/x.jpeg", bytes);
  for (const Split split : {Split::train, Split::validation, Split::test, Split::all_train})
    EXPECT_EQ(load_dataset(request("folder", split, root)).count(), 21);
}

TEST(ImageFolder, PicturesOfAnotherSizeAreNamed) {
  const std::string root = fresh_folder("data");
  write_value(root + "/a/1.png", 1);
  write_value(root + "/b/2.png", 1, 4);
  const std::string message = error_of([&] { load_dataset(request("folder", Split::test, root)); });
  EXPECT_EQ(message, root + "/b/2.png: is 3 x 4 with 1 channel, " + root +
                         "/a/1.png is 3 x 2 with 1 channel; all pictures must have one size");
  write_value(root + "/b/2.png", 1, 2, 3);
  expect_contains(error_of([&] { load_dataset(request("folder", Split::test, root)); }),
                  "with 3 channels");
}

TEST(ImageFolder, WhatIsMissingIsNamed) {
  const DataVariable variable(nullptr);
  expect_contains(error_of([] { load_dataset(request("folder", Split::test, "")); }),
                  "needs source.path or $SEMWAVE_DATA");
  const std::string root = fresh_folder("data");
  expect_contains(error_of([&] { load_dataset(request("folder", Split::test, root + "/no")); }),
                  "there is no folder " + root + "/no");
  expect_contains(error_of([&] { load_dataset(request("folder", Split::test, root)); }),
                  "has no class folders");
  fs::create_directories(root + "/train/a");
  expect_contains(error_of([&] { load_dataset(request("folder", Split::train, root)); }),
                  "no png, jpg or jpeg files for the split train");
  expect_contains(error_of([&] { load_dataset(request("folder", Split::test, root)); }),
                  "there is no folder " + root + "/test for the split test");
  write_value(root + "/train/a/1.png", 1);
  write_value(root + "/test/b/1.png", 1);
  expect_contains(error_of([&] { load_dataset(request("folder", Split::test, root)); }),
                  root + "/test/b: is a class that " + root + "/train does not have");
}

}  // namespace
}  // namespace semwave
