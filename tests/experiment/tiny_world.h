// A world small enough to run in milliseconds: two classes of 8 x 8 pictures in a folder, and a
// network for them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/config/json.h"
#include "core/data/dataset.h"
#include "core/random/random.h"
#include "tests/core/scratch.h"

namespace semwave::tiny {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// root/{train,test}/{dark,light}/000.png ..., each class `train` and `test` pictures.
inline void write_pictures(const std::string& root, int train, int test) {
  std::uint32_t id = 0;
  for (const auto& [split, count] : {std::pair{"train", train}, std::pair{"test", test}})
    for (int label = 0; label < 2; ++label) {
      const std::string folder = root + "/" + split + "/" + (label == 0 ? "dark" : "light");
      std::filesystem::create_directories(folder);
      for (int i = 0; i < count; ++i, ++id) {
        Picture picture{8, 8, 1, {}};
        for (std::uint32_t p = 0; p < 64; ++p)
          picture.pixels.push_back(static_cast<std::uint8_t>(
              (label == 0 ? 30 : 130) + 100 * uniform(philox(5, Purpose::data_bits, id, 0, p)[0])));
        write_png(folder + "/" + std::to_string(1000 + i) + ".png", picture);
      }
    }
}

inline Json architecture() {
  return {{"image", {8, 8, 1}},
          {"classes", 2},
          {"dim", 16},
          {"heads", 2},
          {"tokeniser", {{{"channels", 16}, {"kernel", 3}, {"stride", 2}, {"padding", 1}}}},
          {"transmitter", {{"blocks", 2}, {"hidden", 16}}},
          {"receiver", {{"blocks", 1}, {"hidden", 16}, {"experts", 2}}},
          {"max_symbols_per_token", 8},
          {"condition_dim", 8}};
}

/// A scenario over the pictures at `pictures`, its model fresh.
inline Json scenario(const std::string& pictures) {
  return {
      {"version", 1},
      {"source", {{"dataset", "folder"}, {"path", pictures}}},
      {"model", {{"architecture", architecture()}}},
      {"transmitter",
       {{"gate", "learned"},
        {"policy", {{"kind", "fixed"}, {"keep", 0.5}, {"depth", 2}, {"symbols_per_token", 4}}}}},
      {"channel", {{"kind", "rayleigh"}, {"snr_db", 5}}},
      {"metrics", {"accuracy", "psnr"}}};
}

/// Rows without what may differ between two runs: times.
inline std::vector<std::string> rows_without_times(const std::string& path) {
  std::vector<std::string> rows;
  for (const std::string& line : lines_of(path)) {
    auto row = nlohmann::ordered_json::parse(line);
    row.erase("seconds");
    row.erase("images_per_second");
    rows.push_back(row.dump());
  }
  return rows;
}

}  // namespace semwave::tiny
