// Small colour pictures of different sizes in folders, and networks for them: of convolutions, and
// of tokens in windows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/random/random.h"
#include "experiment/scenario/scenario.h"
#include "tests/core/scratch.h"

namespace semwave::pictures {

struct Size {
  int height, width;
};

/// Smooth colours with a little noise.
inline Picture picture(std::uint32_t id, Size size, int channels = 3) {
  Picture made{size.height, size.width, channels, {}};
  const RandomWords words = philox(11, Purpose::data_bits, id, 0, 0);
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x)
      for (int c = 0; c < channels; ++c) {
        const double place = uniform(words[static_cast<std::size_t>(c)]) * y / size.height +
                             uniform(words[3]) * x / size.width;
        const double noise = uniform(philox(12, Purpose::data_bits, id, 0,
                                            static_cast<std::uint32_t>((y * 512 + x) * 4 + c))[0]);
        made.pixels.push_back(static_cast<std::uint8_t>(20 + 100 * place + 10 * noise));
      }
  return made;
}

/// folder/000.png ..., of these sizes.
inline void write(const std::string& folder, const std::vector<Size>& sizes, int channels = 3,
                  std::uint32_t first = 0) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < sizes.size(); ++i)
    write_png(folder + "/" + std::to_string(1000 + i) + ".png",
              picture(first + static_cast<std::uint32_t>(i), sizes[i], channels));
}

/// Ratio 1/12 by two convolutions of stride 2 and one of stride 1: eight channels at each place.
inline Json scenario_json(const std::string& path) {
  return {{"version", 1},
          {"seed", 4},
          {"source", {{"dataset", "folder"}, {"path", path}, {"split", "test"}}},
          {"model",
           {{"architecture",
             {{"image", {16, 12, 3}},
              {"classes", 2},
              {"deepjscc",
               {{"channels", {8, 8}},
                {"strides", {2, 2, 1}},
                {"kernel", 3},
                {"ratio", 8.0 / 96},
                {"snr_attention", true}}}}}}},
          {"transmitter", "deepjscc"},
          {"channel", {{"kind", "awgn"}, {"snr_db", 10}}},
          {"metrics", {"psnr"}}};
}

/// A token stands for 4 x 4 pixels; windows of 2 x 2 tokens; 4 complex symbols a token are a ratio
/// of 1/12 without the header.
inline Json tokens_json(const std::string& path) {
  Json made = scenario_json(path);
  made["model"]["architecture"] = {
      {"image", {16, 12, 3}},
      {"classes", 2},
      {"dim", 16},
      {"heads", 2},
      {"window", 2},
      {"tokeniser",
       {{{"channels", 8}, {"kernel", 5}, {"stride", 2}, {"padding", 2}},
        {{"channels", 16}, {"kernel", 3}, {"stride", 2}, {"padding", 1}}}},
      {"transmitter", {{"blocks", 2}, {"hidden", 24}}},
      {"receiver", {{"blocks", 2}, {"hidden", 24}, {"experts", 2}}},
      {"max_symbols_per_token", 20},
      {"condition_dim", 8}};
  made["transmitter"] = {
      {"kind", "semantic"},
      {"gate", {{"kind", "random"}}},
      {"policy", {{"kind", "fixed"}, {"keep", 1}, {"depth", 2}, {"symbols_per_token", 4}}}};
  made["receiver"] = {{"kind", "semantic"}, {"router", {{"kind", "top_k"}, {"k", 2}}}};
  return made;
}

inline Scenario scenario(const std::string& path,
                         const std::vector<std::pair<std::string, Json>>& changes = {}) {
  Json value = scenario_json(path);
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  return parse_scenario(value, "pictures.json");
}

}  // namespace semwave::pictures
