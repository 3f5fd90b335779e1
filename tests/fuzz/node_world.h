// A receiver's scenarios for the fuzzers, one of each pair, with what an honest transmitter of each
// says and what a journal keeps of it: inputs are edits of these, since no input finds a checksum
// or an image by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/tensor/backend.h"
#include "node/receiver/hearing.h"
#include "node/receiver/intake.h"
#include "node/transmitter/sending.h"
#include "tests/fuzz/require.h"

namespace semwave::fuzz {

struct World {
  std::unique_ptr<Station> station;
  Digest data{};
  std::vector<BurstMessage> bursts;
  std::vector<Record> records;

  Hello hello(std::uint8_t id) const {
    Hello made;
    made.node[0] = id;
    made.scenario = station->scenario_digest();
    made.model = station->model_digest();
    made.data = data;
    return made;
  }
};

inline ThreadPool& pool() {
  static ThreadPool one(1);
  return one;
}

inline std::vector<World> make_worlds() {
  static const std::unique_ptr<Backend> backend = make_cpu_backend();
  const Json architecture{
      {"image", {8, 8, 1}},
      {"classes", 2},
      {"dim", 16},
      {"heads", 2},
      {"tokeniser", {{{"channels", 16}, {"kernel", 3}, {"stride", 2}, {"padding", 1}}}},
      {"transmitter", {{"blocks", 1}, {"hidden", 16}}},
      {"receiver", {{"blocks", 1}, {"hidden", 16}, {"experts", 2}}},
      {"max_symbols_per_token", 4},
      {"condition_dim", 8}};
  const Json policy{{"kind", "fixed"}, {"keep", 0.5}, {"depth", 1}, {"symbols_per_token", 4}};
  const Json semantic{{"gate", "learned"}, {"policy", policy}};
  const Json digital{{"gate", "learned"},
                     {"policy", policy},
                     {"link", {{"kind", "digital"}, {"bits_per_value", 3}}}};
  const Json separation{{"kind", "separation"}, {"codec", "jpeg"}, {"budget", 3000}};
  Json bound = separation;
  bound["transport"] = "capacity";
  const Json label{{"kind", "label"}};
  const Json fading{{"kind", "rayleigh"}, {"snr_db", 12}}, still{{"kind", "awgn"}, {"snr_db", 15}},
      lossy{{"kind", "erasure"}, {"loss", 0.2}};

  Dataset data{.name = "squares", .height = 8, .width = 8, .channels = 1};
  data.sha256 = std::string(64, 'a');
  std::vector<std::int32_t> indices;
  for (std::int32_t i = 0; i < 4; ++i) {
    for (int p = 0; p < 64; ++p)
      data.pixels.push_back(static_cast<std::uint8_t>(40 * i + 3 * (p % 8)));
    data.labels.push_back(i % 2);
    indices.push_back(i);
  }
  std::vector<World> made;
  for (const auto& [transmitter, channel] : {std::pair{semantic, fading},
                                             {semantic, lossy},
                                             {digital, still},
                                             {separation, still},
                                             {bound, still},
                                             {label, still}}) {
    Json json{{"version", 1},
              {"source", {{"dataset", "folder"}, {"path", "nowhere"}, {"count", 4}}},
              {"model", {{"architecture", architecture}}},
              {"transmitter", transmitter},
              {"channel", channel},
              {"metrics", {"accuracy"}},
              {"output", {{"records", true}}}};
    if (transmitter != label) json["metrics"].push_back("psnr");
    World world;
    world.station = std::make_unique<Station>(parse_scenario(json, "fuzz.json"), *backend);
    world.data = digest_of(data.sha256);
    const std::vector<std::uint32_t> ids(indices.begin(), indices.end());
    std::vector<Incoming> images;
    for (Outgoing& one : Sending(*world.station, 0, data, {}).send(pool(), indices, ids)) {
      require(world.station->fault_of(one.burst, world.data).empty(),
              "what an honest transmitter says is taken");
      world.bursts.push_back(one.burst);
      images.push_back({.burst = std::move(one.burst), .node = {}, .data = world.data});
    }
    Hearing(*world.station, 1).hear(pool(), images);
    for (const Incoming& image : images) world.records.push_back(image.record);
    made.push_back(std::move(world));
  }
  return made;
}

inline const World& world(std::uint8_t which) {
  static const std::vector<World> all = make_worlds();
  return all[which % all.size()];
}

/// An input, read from its front; zeros behind its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t bytes)
      : rest_(reinterpret_cast<const char*>(data), bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::size_t word() { return byte() | std::size_t{byte()} << 8; }
  std::string_view bytes(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  /// Up to three bytes of it changed.
  void edit(std::string& body) {
    for (int edits = byte() % 4; edits > 0 && !body.empty(); --edits) {
      const std::size_t at = word() % body.size();
      body[at] = static_cast<char>(byte());
    }
  }

 private:
  std::string_view rest_;
};

/// Rows that can be written are made of what was believed.
inline void check_rows(Intake& intake, const ServerSummary& summary) {
  intake.finish();
  std::int64_t images = 0;
  for (const OrderedJson& row : summary.rows) {
    images += row["images"].get<std::int64_t>();
    require(!row.dump().empty(), "a row can be written");
  }
  require(images <= summary.images, "no more images in rows than were recorded");
}

}  // namespace semwave::fuzz
