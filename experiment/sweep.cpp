// The grid of a scenario: the values of each swept key, their product, and every point checked as a scenario of its own.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "experiment/scenario.h"

namespace semwave {
namespace {

constexpr std::size_t largest_grid = 100000;  // points; each is checked before the first one runs

/// 0.1 + 2 x 0.1 is meant as 0.3: twelve digits tell all sensible grids apart and leave no rounding in labels and hashes.
Json tidy(double value) {
  if (value == std::floor(value) && std::abs(value) < 0x1p53) return static_cast<std::int64_t>(value);
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.12g", value);
  return std::strtod(digits, nullptr);
}

void refuse_what_makes_no_point(const std::string& pointer, const Place& place) {
  for (const std::string key : {"/sweep", "/version", "/name", "/output", "/train"})
    if (pointer == key || pointer.starts_with(key + "/")) throw Error(place.str(), key + " cannot be swept: it does not change what a point measures");
  if (pointer.empty()) throw Error(place.str(), "expected a JSON pointer such as /channel/snr_db");
}

}  // namespace

std::vector<Json> sweep_values(const Json& entry, const Place& place) {
  if (entry.is_array()) {
    if (entry.empty()) throw Error(place.str(), "expected at least one value");
    return entry.get<std::vector<Json>>();
  }
  const double from = entry.at("from"), to = entry.at("to"), step = entry.at("step");
  if (step == 0 || (to - from) * step < 0) throw Error((place / "step").str(), "must lead from " + canonical(from) + " to " + canonical(to) + ", found " + canonical(step));
  const double steps = std::floor((to - from) / step + 1e-9);
  if (steps >= static_cast<double>(largest_grid)) throw Error(place.str(), "makes more than " + std::to_string(largest_grid) + " values");
  std::vector<Json> values;
  for (int i = 0; i <= static_cast<int>(steps); ++i) values.push_back(tidy(from + i * step));
  return values;
}

std::vector<Point> expand(const Scenario& scenario) {
  std::size_t count = 1;
  for (const auto& [pointer, values] : scenario.sweep) {
    const Place place = scenario.place("/sweep") / pointer;
    refuse_what_makes_no_point(pointer, place);
    count *= values.size();
    if (count > largest_grid) throw Error(scenario.place("/sweep").str(), "makes more than " + std::to_string(largest_grid) + " points");
  }
  Json base = scenario.resolved;
  base["sweep"] = Json::object();
  std::vector<Point> points;
  points.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    Point point{.swept = Json::object(), .scenario = {}};
    Json value = base;
    std::size_t rest = index, stride = count;
    for (const auto& [pointer, values] : scenario.sweep) {
      stride /= values.size();
      const Json& chosen = values[rest / stride];
      rest %= stride;
      set_pointer(value, pointer, chosen, (scenario.place("/sweep") / pointer).str());
      point.swept[pointer] = chosen;
    }
    try {
      point.scenario = parse_scenario(value, scenario.file);
    } catch (const Error& mistake) {
      if (scenario.sweep.empty()) throw;
      throw Error(mistake.place(), std::string(mistake.what()).substr(mistake.place().size() + 2) + " (at the swept point " + point.swept.dump() + ")");
    }
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace semwave
