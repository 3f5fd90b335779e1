// JSON Schema (draft 2020-12) of a description, for editors.
#include <cmath>

#include "core/config/json.h"

namespace semwave {
namespace {

Json schema_of(const Field& field);

Json schema_of(const Fields& fields, const std::string& kind, bool usual = false) {
  Json schema{
      {"type", "object"}, {"properties", Json::object()}, {"additionalProperties", fields.open}};
  if (!fields.summary.empty()) schema["description"] = fields.summary;
  Json required = Json::array();
  if (!kind.empty()) {
    schema["properties"]["kind"] = {{"const", kind}};
    if (!usual) required.push_back("kind");
  }
  for (const Field& field : fields.fields) {
    schema["properties"][field.name] = schema_of(field);
    if (!field.fallback && !field.optional) required.push_back(field.name);
  }
  if (!required.empty()) schema["required"] = required;
  return schema;
}

bool needs_nothing(const Fields& fields) {
  for (const Field& field : fields.fields)
    if (!field.fallback && !field.optional) return false;
  return true;
}

Json schema_of_element(const Field& field) {
  if (field.element) return schema_of(*field.element);
  return field.object ? schema_of(*field.object, "") : Json(true);
}

void set_bounds(Json& schema, const Field& field, const char* low, const char* high) {
  const auto number = [](double bound) { return Json::parse(canonical(bound)); };  // 0, not 0.0
  if (std::isfinite(field.minimum)) schema[low] = number(field.minimum);
  if (std::isfinite(field.maximum)) schema[high] = number(field.maximum);
}

/// Without alternatives, summary and default.
Json schema_of_form(const Field& field) {
  Json schema = Json::object();
  switch (field.type) {
    case FieldType::number:
    case FieldType::integer:
      schema["type"] = field.type == FieldType::number ? "number" : "integer";
      set_bounds(schema, field, "minimum", "maximum");
      break;
    case FieldType::boolean:
      schema["type"] = "boolean";
      break;
    case FieldType::string:
      schema["type"] = "string";
      break;
    case FieldType::choice:
      schema["enum"] = field.choices;
      break;
    case FieldType::object:
      if (field.object) return schema_of(*field.object, "");
      schema["type"] = "object";
      break;
    case FieldType::variant: {
      Json names = Json::array(), forms = Json::array();
      for (const auto& [name, fields] : field.kinds)
        if (needs_nothing(*fields)) names.push_back(name);
      if (!names.empty()) forms.push_back({{"enum", names}});
      for (const auto& [name, fields] : field.kinds)
        forms.push_back(schema_of(*fields, name, name == field.usual_kind));
      schema["anyOf"] = forms;
      break;
    }
    case FieldType::list:
      schema["type"] = "array";
      schema["items"] = schema_of_element(field);
      set_bounds(schema, field, "minItems", "maxItems");
      break;
    case FieldType::map:
      schema["type"] = "object";
      schema["additionalProperties"] = schema_of_element(field);
      break;
    case FieldType::any:
      break;
  }
  return schema;
}

Json schema_of(const Field& field) {
  Json schema = schema_of_form(field);
  const bool null_allowed =
      field.fallback && field.fallback->is_null() && field.type != FieldType::any;
  if (!field.alternatives.empty() || null_allowed) {
    Json forms = Json::array({schema});
    for (const Field& other : field.alternatives) forms.push_back(schema_of(other));
    if (null_allowed) forms.push_back({{"type", "null"}});
    schema = Json{{"anyOf", forms}};
  }
  if (!field.summary.empty()) schema["description"] = field.summary;
  if (field.fallback) schema["default"] = *field.fallback;
  return schema;
}

}  // namespace

Json json_schema(const Fields& fields) {
  Json schema = schema_of(fields, "");
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  return schema;
}

}  // namespace semwave
