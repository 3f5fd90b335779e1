// The grid of a scenario: the values of each swept key, their product, and every point checked as a
// scenario of its own.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/base/error.h"
#include "core/config/mistakes.h"
#include "experiment/scenario/scenario.h"

namespace semwave {
namespace {

constexpr std::size_t largest_grid = 100000;  // points; each is checked before the first one runs

/// 0.1 + 2 x 0.1 is meant as 0.3: twelve digits tell all sensible grids apart and leave no rounding
/// in labels and hashes.
Json tidy(double value) {
  if (value == std::floor(value) && std::abs(value) < 0x1p53)
    return static_cast<std::int64_t>(value);
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.12g", value);
  return std::strtod(digits, nullptr);
}

/// What an Error says behind its place.
std::string said_of(const Error& mistake) {
  return mistake.what() + mistake.place().size() + 2;
}

void refuse_what_makes_no_point(const std::string& pointer, const Place& place) {
  for (const std::string key : {"/sweep", "/version", "/name", "/output", "/train", "/$schema"})
    if (pointer == key || is_below(pointer, key))
      throw Error(place.str(), key + " cannot be swept: it does not change what a point measures");
  if (pointer.empty()) throw Error(place.str(), "expected a JSON pointer such as /channel/snr_db");
}

/// Of two swept pointers each must change something of its own: else rows would say what was not
/// run.
void refuse_what_another_sets(const Scenario& scenario, const std::string& pointer) {
  const auto place = [&](const std::string& key) { return (scenario.place("/sweep") / key).str(); };
  for (const auto& [other, values] : scenario.sweep)
    if (is_below(pointer, other))
      throw Error(place(pointer), "lies within " + other + ", which is swept too: each value of " +
                                      other +
                                      " would set it anew; write it into those values instead");
  if (pointer == "/channel/snr_db" && eb_n0_rules(scenario.resolved))
    throw Error(place(pointer),
                "would change nothing: /link/eb_n0_db stands in its place; sweep that");
}

std::size_t grid_size(const Scenario& scenario, Mistakes& mistakes) {
  std::size_t count = 1;
  for (const auto& swept : scenario.sweep) {
    mistakes.attempt([&] {
      refuse_what_makes_no_point(swept.first, scenario.place("/sweep") / swept.first);
      refuse_what_another_sets(scenario, swept.first);
    });
    count *= swept.second.size();
    if (count <= largest_grid) continue;
    const std::string most = std::to_string(largest_grid);
    mistakes.add(Error(scenario.place("/sweep").str(), "makes more than " + most + " points"));
    break;
  }
  return count;
}

}  // namespace

bool eb_n0_rules(const Json& resolved) {
  const auto has = [](const Json& link) { return link.is_object() && link.contains("eb_n0_db"); };
  const Json& sweep = resolved["sweep"];
  if (sweep.contains("/link"))  // it replaces what is written
    return std::any_of(sweep["/link"].begin(), sweep["/link"].end(), has);
  return sweep.contains("/link/eb_n0_db") || (resolved.contains("link") && has(resolved["link"]));
}

std::vector<Json> sweep_values(const Json& entry, const Place& place) {
  if (entry.is_array()) {
    if (entry.empty()) throw Error(place.str(), "expected at least one value");
    return entry.get<std::vector<Json>>();
  }
  const double from = entry.at("from"), to = entry.at("to"), step = entry.at("step");
  if (step == 0) throw Error((place / "step").str(), "must not be 0");
  if ((to - from) * step < 0)
    throw Error((place / "step").str(),
                "must be " + std::string(to < from ? "negative" : "positive") + " to lead from " +
                    canonical(from) + " to " + canonical(to) + ": write " + canonical(-step));
  const double steps = std::floor((to - from) / step + 1e-9);
  if (steps >= static_cast<double>(largest_grid))
    throw Error(place.str(), "makes more than " + std::to_string(largest_grid) + " values");
  std::vector<Json> values;
  for (int i = 0; i <= static_cast<int>(steps); ++i) values.push_back(tidy(from + i * step));
  return values;
}

std::vector<Point> expand(const Scenario& scenario) {
  Mistakes first;
  return expand(scenario, first);
}

std::vector<Point> expand(const Scenario& scenario, Mistakes& mistakes) {
  const std::size_t count = grid_size(scenario, mistakes);
  std::vector<Point> points;
  if (mistakes.any()) return points;
  points.reserve(count);
  Json base = scenario.resolved;
  base["sweep"] = Json::object();
  std::set<std::string> told;  // without the point: a value that is wrong is so at many points

  for (std::size_t index = 0; index < count && !mistakes.full(); ++index) {
    Point point{.swept = Json::object(), .scenario = {}};
    try {
      Json value = base;
      std::size_t rest = index, stride = count;
      for (const auto& [pointer, values] : scenario.sweep) {
        stride /= values.size();
        const Json& chosen = values[rest / stride];
        rest %= stride;
        point.swept[pointer] = chosen;
        set_pointer(value, pointer, chosen, (scenario.place("/sweep") / pointer).str());
      }
      point.scenario = parse_scenario(value, scenario.file);
    } catch (const Error& mistake) {
      if (!told.insert(mistake.what()).second) continue;
      const std::string at = " (at the swept point " + point.swept.dump() + ")";
      const bool of_the_sweep =
          scenario.sweep.empty() || is_below(mistake.place(), scenario.place("/sweep").str());
      mistakes.add(of_the_sweep ? mistake : Error(mistake.place(), said_of(mistake) + at));
    }
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace semwave
