#include "experiment/scenario/overrides.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/config/mistakes.h"

namespace semwave {
namespace {

bool has_at(const Json& value, const std::string& pointer) {
  try {
    return value.contains(Json::json_pointer(pointer));
  } catch (const Json::exception&) {  // no pointer at all: whoever reads it says so
    return false;
  }
}

bool is_of_sweep(const std::string& pointer) {
  return pointer == "/sweep" || is_below(pointer, "/sweep");
}

/// A value asked for on the command line holds: what the file sweeps there is swept no more.
void end_sweeps(Json& value, const Overrides& overrides) {
  if (!sweeps(value)) return;
  for (const auto& [pointer, replacement] : overrides) {
    std::vector<std::string> ended;
    for (const auto& [swept, values] : value["sweep"].items())
      if (swept == pointer ||
          (is_below(swept, pointer) && has_at(replacement, swept.substr(pointer.size()))))
        ended.push_back(swept);
    for (const std::string& swept : ended) value["sweep"].erase(swept);
  }
}

/// The overrides of the sweep itself; `order` follows.
void set_sweep(Json& value, const Overrides& overrides, std::vector<std::string>& order) {
  for (const auto& [pointer, replacement] : overrides) {
    if (!is_of_sweep(pointer) || !value.is_object()) continue;
    if (pointer == "/sweep")
      order.clear();
    else if (!value.contains("sweep"))
      value["sweep"] = Json::object();
    set_pointer(value, pointer, replacement, "--set");
    const std::string swept = Json::json_pointer(pointer).back();
    if (pointer != "/sweep" && std::find(order.begin(), order.end(), swept) == order.end())
      order.push_back(swept);
  }
  for (const auto& [pointer, replacement] : overrides)
    if (sweeps(value) && value["sweep"].contains(pointer))
      throw Error("--set " + pointer, "is swept by --set /sweep: give one of the two");
}

/// The swept pointer above this one; none: empty.
std::string swept_above(const Json& value, const std::string& pointer) {
  if (sweeps(value))
    for (const auto& [swept, values] : value["sweep"].items())
      if (is_below(pointer, swept)) return swept;
  return "";
}

/// Sets `pointer` in each value of the sweep above it that has such a key, by itself or by
/// default.
void set_in_sweep(Json& filled, const std::string& pointer, const Json& replacement,
                  const Place& place) {
  const std::string option = "--set " + pointer, swept = swept_above(filled, pointer);
  const Fields fields = scenario_fields();
  Json base = filled;
  base["sweep"] = Json::object();
  bool anywhere = false;
  Json none = Json::array();  // a range holds numbers, and those no keys
  for (Json& value : filled["sweep"][swept].is_array() ? filled["sweep"][swept] : none) {
    Json whole = base;
    set_pointer(whole, swept, value, (place / "sweep" / swept).str());
    whole = resolve(whole, fields, place);
    const bool known = has_at(whole, pointer);
    try {
      set_pointer(whole, pointer, replacement, option);
      (void)resolve(whole, fields, place);
    } catch (const Error&) {
      if (known) throw;  // the key is there, and this is no value for it
      continue;
    }
    anywhere = true;
    try {
      Json changed = value.is_string() ? Json{{"kind", value}} : value;
      set_pointer(changed, pointer.substr(swept.size()), replacement, option);
      value = std::move(changed);
    } catch (const Error&) {  // what is above the key was left to defaults
      value = whole[Json::json_pointer(swept)];
    }
  }
  if (!anywhere)
    throw Error(option,
                "changes nothing: " + swept + " is swept, and no value of it has such a key");
}

}  // namespace

void add_override(Overrides& overrides, const std::string& pointer, const OrderedJson& value) {
  if (pointer != "/sweep" || !value.is_object()) {
    overrides.emplace_back(pointer, Json(value));
    return;
  }
  overrides.emplace_back(pointer, Json::object());
  for (const auto& [swept, values] : value.items())
    overrides.emplace_back((Place{} / "sweep" / swept).pointer, Json(values));
}

bool sweeps(const Json& value) {
  return value.is_object() && value.contains("sweep") && value["sweep"].is_object();
}

Json overridden(Json value, const std::string& path, const Overrides& overrides,
                std::vector<std::string>& order, Mistakes& mistakes) {
  end_sweeps(value, overrides);
  mistakes.attempt([&] { set_sweep(value, overrides, order); });
  const auto is_of_base = [&](const std::string& pointer) {
    return !is_of_sweep(pointer) && swept_above(value, pointer).empty();
  };
  // An override may supply what the file leaves out (its parent then has to stand in the file),
  // and it may reach into an object that only defaults or a short form make. So it is set twice:
  // before the defaults and after them.
  for (const auto& [pointer, replacement] : overrides) {
    if (!is_of_base(pointer)) continue;
    try {
      Json changed = value;
      set_pointer(changed, pointer, replacement, "--set");
      value = std::move(changed);
    } catch (const Error&) {
      // The parent may come with the defaults; the second round says so where it does not.
    }
  }
  Json filled = resolve(value, scenario_fields(), Place{path, ""}, mistakes);
  if (mistakes.any()) return filled;
  for (const auto& override : overrides)
    mistakes.attempt([&] {
      const auto& [pointer, replacement] = override;
      if (is_of_base(pointer))
        set_pointer(filled, pointer, replacement, "--set");
      else if (!is_of_sweep(pointer))
        set_in_sweep(filled, pointer, replacement, Place{path, ""});
      if (pointer == "/channel/snr_db" && eb_n0_rules(filled))
        throw Error("--set " + pointer,
                    "changes nothing: /link/eb_n0_db stands in its place; set that");
    });
  return filled;
}

}  // namespace semwave
