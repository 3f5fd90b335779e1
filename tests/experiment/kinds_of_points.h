// Every kind of point, as scenarios.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config/json.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {

inline Json semantic(const Json& link = "analogue") {
  return {{"kind", "semantic"},
          {"gate", "learned"},
          {"policy", {{"kind", "fixed"}, {"keep", 0.5}, {"depth", 2}, {"symbols_per_token", 4}}},
          {"link", link}};
}

inline Json separation(const std::string& codec, const std::string& transport = "coded") {
  return {{"kind", "separation"}, {"codec", codec}, {"budget", 400}, {"transport", transport}};
}

inline Json digital(const Json& coding) {
  return {{"kind", "digital"}, {"coding", coding}};
}

inline const std::vector<std::pair<std::string, Json>>& transmitters() {
  static const std::vector<std::pair<std::string, Json>> all{
      {"semantic", semantic()},
      {"digital, coding chosen", semantic(digital("auto"))},
      {"digital, polar code", semantic(digital({{"kind", "fixed"}, {"code", "polar"}}))},
      {"separation, jpeg", separation("jpeg")},
      {"separation, heic", separation("heic")},
      {"separation, webp at capacity", separation("webp", "capacity")},
      {"label", "label"},
  };
  return all;
}

inline Json scenario_json(const std::string& pictures = "pictures") {
  Json made = tiny::scenario(pictures);
  made["model"]["architecture"]["image_head"] = false;
  made["channel"] = {{"kind", "awgn"}, {"snr_db", 10}};
  made["metrics"] = {"accuracy"};
  return made;
}

}  // namespace semwave
