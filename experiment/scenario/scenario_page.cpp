#include "experiment/scenario/scenario_page.h"

#include <cmath>

namespace semwave {
namespace {

std::string range(const Field& field) {
  const bool low = std::isfinite(field.minimum), high = std::isfinite(field.maximum);
  if (low && high)
    return field.minimum == field.maximum
               ? " " + canonical(field.minimum)
               : " " + canonical(field.minimum) + " to " + canonical(field.maximum);
  if (low) return " from " + canonical(field.minimum);
  return high ? " up to " + canonical(field.maximum) : "";
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

/// What a key may hold, in a few words.
std::string form(const Field& field) {
  std::string text;
  switch (field.type) {
    case FieldType::number:
      text = "number" + range(field);
      break;
    case FieldType::integer:
      text = "integer" + range(field);
      break;
    case FieldType::boolean:
      text = "true or false";
      break;
    case FieldType::string:
      text = "string";
      break;
    case FieldType::choice:
      text = join(field.choices);
      break;
    case FieldType::list:
      text = field.element ? "list of: " + form(*field.element) : "list";
      break;
    case FieldType::map:
      text = field.element ? "object, each value: " + form(*field.element) : "object";
      break;
    case FieldType::any:
      text = "any value";
      break;
    case FieldType::variant: {
      std::vector<std::string> names;
      for (const auto& [name, fields] : field.kinds) names.push_back(name);
      text = "kind " + join(names);
      if (!field.usual_kind.empty()) text += ", default `" + field.usual_kind + "`";
      break;
    }
    case FieldType::object: {
      text = "object";
      std::string keys;
      if (field.name.empty() && field.object)
        for (const Field& part : field.object->fields)
          keys.append(keys.empty() ? "\"" : ", \"")
              .append(part.name)
              .append("\": ")
              .append(form(part));
      if (!keys.empty()) text = "{" + keys + "}";
    }
  }
  for (const Field& other : field.alternatives) text += "; or " + form(other);
  return text;
}

std::string fallback(const Field& field) {
  if (!field.fallback) return field.optional ? "optional" : "**required**";
  return "`" + field.fallback->dump() + "`";
}

/// Text inside a table cell.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

void write_object(const std::string& pointer, const std::string& kind, const Fields& fields,
                  std::string& page);

/// Sections of the objects and kinds below a field.
void write_below(const std::string& pointer, const Field& field, std::string& page) {
  if (field.type == FieldType::object && field.object && !field.object->fields.empty())
    write_object(pointer, "", *field.object, page);
  for (const auto& [name, fields] : field.kinds) write_object(pointer, name, *fields, page);
  if (field.element && field.type == FieldType::list && field.element->object)
    write_object(pointer + "/0", "", *field.element->object, page);
  for (const Field& other : field.alternatives)
    if (!other.name.empty() || pointer == "/model") write_below(pointer, other, page);
}

void write_object(const std::string& pointer, const std::string& kind, const Fields& fields,
                  std::string& page) {
  std::string section = "\n## `" + (pointer.empty() ? "/" : pointer) + "`" +
                        (kind.empty() ? "" : ", kind `" + kind + "`") + "\n\n";
  if (!fields.summary.empty()) section += fields.summary + "\n\n";
  if (fields.fields.empty())
    section += "No keys besides `kind`.\n";
  else
    section += "| key | holds | default | |\n|---|---|---|---|\n";
  for (const Field& field : fields.fields)
    section += "| `" + field.name + "` | " + cell(form(field)) + " | " + cell(fallback(field)) +
               " | " + cell(field.summary) + " |\n";
  if (page.find(section + "\n") == std::string::npos)
    page += section;  // what several kinds of channel share stands once
  for (const Field& field : fields.fields) write_below(pointer + "/" + field.name, field, page);
}

}  // namespace

std::string scenario_page(const Fields& fields) {
  std::string page =
      "# Every key of a scenario\n\nMade by `semwave schema --markdown`. `semwave schema` writes "
      "the same as JSON Schema for editors. JSON without comments; a key that is\n"
      "not here is refused with the nearest one that is. Where a `kind` is asked for, a plain "
      "string is short for `{\"kind\": string}`.\n"
      "Relative paths are relative to the scenario file; those of `--set` to the folder the "
      "program is started in. A key that `--set` gives is swept no more;\n"
      "one within a swept key is set in every swept value that has it. What several kinds share "
      "stands once, under the first.\n";
  write_object("", "", fields, page);
  page.pop_back();  // the line's end comes from whoever prints the page
  return page;
}

}  // namespace semwave
