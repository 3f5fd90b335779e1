// The files that a scenario names, and the scenario as a file of its own.
#include <array>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/tensor/checkpoint.h"
#include "experiment/scenario/scenario.h"

namespace semwave {
namespace {

/// Keys in the order of the documentation; a Json object has them by name.
OrderedJson in_order(const Json& value, const Field& field);
OrderedJson in_order(const Json& value, const Fields& fields) {
  OrderedJson made = OrderedJson::object();
  if (value.contains("kind")) made["kind"] = value["kind"];
  for (const Field& field : fields.fields)
    if (value.contains(field.name)) made[field.name] = in_order(value[field.name], field);
  for (const auto& [key, element] : value.items())
    if (!made.contains(key)) made[key] = OrderedJson(element);
  return made;
}

OrderedJson in_order(const Json& value, const Field& field) {
  if (value.is_object() && field.type == FieldType::object && field.object)
    return in_order(value, *field.object);
  if (value.is_object() && field.type == FieldType::variant)
    for (const auto& [name, fields] : field.kinds)
      if (value["kind"] == name) return in_order(value, *fields);
  return OrderedJson(value);
}

}  // namespace

bool is_split(const std::string& name) {
  return name == "train" || name == "validation" || name == "test" || name == "all_train";
}

std::string utf8_path(std::string path) {
  if (!is_utf8(path))
    throw Error(path,
                "is a path with bytes that are no UTF-8, which no result can name: rename it");
  return path;
}

void visit_paths(Json& resolved,
                 const std::function<void(const std::string&, std::string&)>& visit) {
  // Of a chain of channels only the first may be a trace.
  static constexpr std::array<const char*, 11> pointers{"/model",
                                                        "/source/path",
                                                        "/source/validation",
                                                        "/transmitter/policy/file",
                                                        "/channel/file",
                                                        "/channel/of/0/file",
                                                        "/train/initial",
                                                        "/link/file",
                                                        "/link/code/file",
                                                        "/transmitter/link/coding/file",
                                                        "/transmitter/link/coding/code/file"};
  const auto visit_at = [&](Json& value, const std::string& below, const std::string& pointer) {
    const Json::json_pointer at(below);
    if (!value.contains(at) || !value[at].is_string()) return;
    auto& path = value[at].get_ref<std::string&>();
    if (!path.empty() && !(pointer == "/source/validation" && is_split(path))) visit(pointer, path);
  };
  if (!resolved.is_object()) return;
  for (const std::string pointer : pointers) visit_at(resolved, pointer, pointer);
  if (!resolved.contains("sweep") || !resolved["sweep"].is_object()) return;
  for (auto& [swept, values] : resolved["sweep"].items()) {
    if (!values.is_array()) continue;
    for (const std::string pointer : pointers)
      if (pointer == swept || pointer.starts_with(swept + "/"))
        for (Json& value : values) visit_at(value, pointer.substr(swept.size()), pointer);
  }
}

Architecture checkpoint_architecture(const Checkpoint& checkpoint, const std::string& path) {
  const auto found = checkpoint.metadata.find("semwave.architecture");
  if (found == checkpoint.metadata.end())
    throw Error(path,
                "has no semwave.architecture in its metadata: it is no checkpoint of semwave");
  const Place place{path + " (semwave.architecture)", ""};
  return Architecture::from_json(
      resolve(parse_json(found->second, place.file), Architecture::fields(), place), place);
}

std::string path_from(const std::string& folder, const std::string& path) {
  return utf8_path(std::filesystem::absolute(path)
                       .lexically_normal()
                       .lexically_proximate(std::filesystem::absolute(folder).lexically_normal())
                       .string());
}

Json swept_value(const std::string& pointer, const Json& value,
                 const std::function<std::string(const std::string&)>& change) {
  Json all{{"sweep", {{pointer, Json::array({value})}}}};
  visit_paths(all, [&](const std::string&, std::string& path) { path = change(path); });
  return all["sweep"][pointer][0];
}

std::string scenario_text(const Scenario& scenario, const std::string& folder) {
  Json moved = scenario.resolved;
  visit_paths(moved,
              [&](const std::string&, std::string& path) { path = path_from(folder, path); });
  OrderedJson text = in_order(moved, scenario_fields());
  OrderedJson sweep = OrderedJson::object();
  for (const auto& [pointer, values] : scenario.sweep)
    sweep[pointer] = OrderedJson(moved["sweep"][pointer]);
  text["sweep"] = sweep;
  return text.dump(2) + "\n";
}

}  // namespace semwave
