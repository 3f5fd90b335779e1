#include "node/wire/statement.h"

#include <map>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "experiment/numerics.h"
#include "experiment/results/results.h"

namespace semwave {
namespace {

constexpr std::size_t most_shown = 5;

/// Printable and short enough for a frame; two that differ still do.
std::string shortened(const std::string& text) {
  std::string shown = printable(text);
  if (shown.size() <= longest_stated) return shown;

  const std::string ending = "... sha256 " + sha256(text.data(), text.size()).substr(0, 8);
  std::size_t end = longest_stated - ending.size();
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0u) == 0x80u) --end;
  return shown.substr(0, end) + ending;
}

using Lines = std::map<std::string, std::string>;

/// A list is one value: its elements have no names.
void add(Lines& lines, const std::string& key, const Json& value) {
  if (!value.is_object() || value.empty()) {
    lines[shortened(key)] = shortened(canonical(value));
    return;
  }
  for (const auto& [name, element] : value.items())
    add(lines, key + (name.starts_with('/') ? "" : "/") + name, element);  // of a sweep: pointers
}

}  // namespace

Statement statement_of(const Scenario& scenario, const std::vector<Point>& points) {
  Lines lines;
  add(lines, "", without_places(scenario.resolved));
  if (scenario.sweep.size() > 1) {
    std::string order;
    for (const auto& [pointer, values] : scenario.sweep)
      order += (order.empty() ? "" : ", ") + pointer;
    lines["/sweep"] = shortened(order);
  }
  for (const Point& point : points)
    for (const Component& component : components_used(point.scenario, DeviceKind::cpu))
      lines[shortened("part " + component.name)] = shortened(component.version);

  Statement made;
  for (const auto& [key, value] : lines) made.lines.push_back({key, value});
  return made;
}

std::string differences(const Statement& here, const Statement& there) {
  // Behind its last key one that is not whole says nothing.
  const auto beyond = [](const Statement& statement, const std::string& key) {
    return !statement.whole && (statement.lines.empty() || key > statement.lines.back().key);
  };
  std::map<std::string, std::pair<std::string, std::string>> both;  // there, here
  for (const Statement::Line& line : there.lines)
    if (!beyond(here, line.key)) both[line.key] = {line.value, "nothing"};
  for (const Statement::Line& line : here.lines) {
    if (beyond(there, line.key)) continue;
    both.try_emplace(line.key, "nothing", "").first->second.second = line.value;
  }
  std::string text;
  std::size_t found = 0;
  for (const auto& [key, values] : both) {
    if (values.first == values.second || ++found > most_shown) continue;
    text += (text.empty() ? "" : "; ") + key + ": " + values.first + " there, " + values.second +
            " here";
  }
  if (found > most_shown) text += "; and " + std::to_string(found - most_shown) + " more";
  return text;
}

}  // namespace semwave
