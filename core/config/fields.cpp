// Checking a value against its description, filling in defaults: one pass, each mistake is
// reported at its place.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/base/error.h"
#include "core/config/json.h"
#include "core/config/mistakes.h"

namespace semwave {
namespace {

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// "a number", "an object": what is there, in the words of the messages.
std::string type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "an object";
    default:
      return "a number";
  }
}

/// A short rendering for messages: the value where it is short, else its type.
std::string found(const Json& value) {
  if (value.is_structured()) return type_of(value);
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60                         ? type_of(value)
         : value.is_string() || value.is_number() ? type_of(value) + " (" + text + ")"
                                                  : text;
}

std::string choose_from(const std::string& name, const std::vector<std::string>& known) {
  if (known.empty()) return "none is known here";
  const std::string near = nearest(name, known);
  return (near.empty() ? "" : "did you mean '" + near + "'? ") + "known: " + join(known);
}

std::string quoted(const std::string& name) {
  return "'" + (name.size() > 80 ? name.substr(0, 80) + "..." : name) + "'";
}

std::string bounds(const Field& field) {
  const std::string low = canonical(field.minimum), high = canonical(field.maximum);
  if (std::isfinite(field.minimum) && std::isfinite(field.maximum))
    return field.minimum == field.maximum ? low : "between " + low + " and " + high;
  if (std::isfinite(field.minimum)) return "at least " + low;
  return std::isfinite(field.maximum) ? "at most " + high : "";
}

std::vector<std::string> kind_names(const Field& field) {
  std::vector<std::string> names;
  for (const auto& [name, fields] : field.kinds) names.push_back(name);
  return names;
}

std::string describe(const Field& field);

/// "a number", "one of a, b": one form by itself, without its alternatives.
std::string describe_form(const Field& field) {
  const std::string range = bounds(field);
  switch (field.type) {
    case FieldType::number:
      return range.empty() ? "a number" : "a number " + range;
    case FieldType::integer:
      return range.empty() ? "an integer" : "an integer " + range;
    case FieldType::boolean:
      return "a boolean";
    case FieldType::string:
      return "a string";
    case FieldType::choice:
      return "one of " + join(field.choices);
    case FieldType::variant:
      return "a name or {\"kind\": NAME, ...} with NAME one of " + join(kind_names(field));
    case FieldType::list:
      return "a list" +
             (field.element ? " (each element " + describe(*field.element) + ")" : std::string());
    case FieldType::map:
      return "an object of names" +
             (field.element ? " (each value " + describe(*field.element) + ")" : std::string());
    case FieldType::any:
      return "any value";
    case FieldType::object:
      break;
  }
  std::vector<std::string> keys;
  if (field.object)
    for (const Field& part : field.object->fields)
      if (!part.fallback && !part.optional) keys.push_back("\"" + part.name + "\": ...");
  return keys.empty() ? "an object" : "an object {" + join(keys) + "}";
}

std::string describe(const Field& field) {
  std::string text = describe_form(field);
  for (const Field& other : field.alternatives) text += ", or " + describe(other);
  return text;
}

/// Whether this form takes values of that JSON type at all.
bool takes(const Field& field, const Json& value) {
  switch (field.type) {
    case FieldType::number:
    case FieldType::integer:
      return value.is_number();
    case FieldType::boolean:
      return value.is_boolean();
    case FieldType::string:
    case FieldType::choice:
      return value.is_string();
    case FieldType::object:
    case FieldType::map:
      return value.is_object();
    case FieldType::variant:
      return value.is_string() || value.is_object();
    case FieldType::list:
      return value.is_array();
    case FieldType::any:
      return true;
  }
  return false;
}

Json resolve_fields(const Json& value, const Fields& fields, const Place& place,
                    const std::string& kind, Mistakes& mistakes);
Json resolve_any(const Json& value, const Field& field, const Place& place, Mistakes& mistakes);

/// Elements of lists and values of maps: `element`, or else the sub-fields `object`, or else
/// anything.
Json resolve_element(const Json& value, const Field& field, const Place& place,
                     Mistakes& mistakes) {
  if (field.element) return resolve_any(value, *field.element, place, mistakes);
  if (!field.object) return value;
  if (!value.is_object()) throw Error(place.str(), "expected an object, found " + found(value));
  return resolve_fields(value, *field.object, place, "", mistakes);
}

Json resolve_number(const Json& value, const Field& field, const Place& place) {
  const double number = value.get<double>();
  if (!std::isfinite(number)) throw Error(place.str(), "must be a finite number");
  Json checked = value;
  if (field.type == FieldType::integer && !value.is_number_integer()) {
    // 1e4 is an integer to whoever writes it.
    if (number != std::floor(number) || std::abs(number) > 0x1p53)
      throw Error(place.str(), "expected an integer, found " + canonical(value));
    checked = static_cast<std::int64_t>(number);
  }
  if (number < field.minimum || number > field.maximum)
    throw Error(place.str(), "must be " + bounds(field) + ", found " + canonical(value));
  return checked;
}

Json resolve_variant(const Json& value, const Field& field, const Place& place,
                     Mistakes& mistakes) {
  const bool spelt_out = value.is_object();
  const bool unsaid = spelt_out && !value.contains("kind");
  if (unsaid && field.usual_kind.empty())
    throw Error(place.str(),
                "the required key 'kind' is missing; known: " + join(kind_names(field)));
  const Json usual(field.usual_kind);
  const Json& kind = unsaid ? usual : spelt_out ? value["kind"] : value;
  const Place where = spelt_out ? place / "kind" : place;
  if (!kind.is_string())
    throw Error(where.str(),
                "expected a name, found " + found(kind) + "; known: " + join(kind_names(field)));
  const auto& name = kind.get_ref<const std::string&>();
  for (const auto& [known, fields] : field.kinds)
    if (known == name)
      return resolve_fields(spelt_out ? value : Json{{"kind", name}}, *fields, place, name,
                            mistakes);
  throw Error(where.str(),
              "unknown name " + quoted(name) + "; " + choose_from(name, kind_names(field)));
}

Json resolve_list(const Json& value, const Field& field, const Place& place, Mistakes& mistakes) {
  const auto length = static_cast<double>(value.size());
  if (length < field.minimum || length > field.maximum)
    throw Error(place.str(),
                "must have " + bounds(field) + " elements, found " + std::to_string(value.size()));
  Json checked = Json::array();
  for (std::size_t i = 0; i < value.size(); ++i)
    mistakes.attempt([&] {
      const Place where = place / std::to_string(i);
      checked.push_back(resolve_element(value[i], field, where, mistakes));
    });
  return checked;
}

Json resolve_map(const Json& value, const Field& field, const Place& place, Mistakes& mistakes) {
  Json checked = Json::object();
  for (const auto& item : value.items())
    mistakes.attempt([&] {
      const Place where = place / item.key();
      checked[item.key()] = resolve_element(item.value(), field, where, mistakes);
    });
  return checked;
}

/// `value` against this form alone.
Json resolve_form(const Json& value, const Field& field, const Place& place, Mistakes& mistakes) {
  if (!takes(field, value))
    throw Error(place.str(), "expected " + describe(field) + ", found " + found(value));
  switch (field.type) {
    case FieldType::number:
    case FieldType::integer:
      return resolve_number(value, field, place);
    case FieldType::choice: {
      const auto& name = value.get_ref<const std::string&>();
      if (std::find(field.choices.begin(), field.choices.end(), name) == field.choices.end())
        throw Error(place.str(),
                    "unknown name " + quoted(name) + "; " + choose_from(name, field.choices));
      return value;
    }
    case FieldType::object:
      return field.object ? resolve_fields(value, *field.object, place, "", mistakes) : value;
    case FieldType::variant:
      return resolve_variant(value, field, place, mistakes);
    case FieldType::list:
      return resolve_list(value, field, place, mistakes);
    case FieldType::map:
      return resolve_map(value, field, place, mistakes);
    default:
      return value;
  }
}

/// All forms, flattened, in the order they are tried.
void collect_forms(const Field& field, std::vector<const Field*>& forms) {
  forms.push_back(&field);
  for (const Field& other : field.alternatives) collect_forms(other, forms);
}

/// Whether an object names a required key of the form (any key, where none is required), or a
/// variant its kind: then it is meant to be it.
bool meant(const Field& form, const Json& value) {
  if (!value.is_object()) return true;
  if (form.type == FieldType::variant) return value.contains("kind") || !form.usual_kind.empty();
  if (form.type != FieldType::object || !form.object) return true;
  const auto& parts = form.object->fields;
  const auto required = [](const Field& part) { return !part.fallback && !part.optional; };
  const bool any_required = std::any_of(parts.begin(), parts.end(), required);
  return std::any_of(parts.begin(), parts.end(), [&](const Field& part) {
    return value.contains(part.name) && (required(part) || !any_required);
  });
}

Json resolve_alternatives(const Json& value, const Field& field, const Place& place) {
  std::vector<const Field*> forms;
  collect_forms(field, forms);
  std::vector<std::string> reasons, places;
  Mistakes first;  // tells which form is meant
  for (const Field* form : forms) {
    if (!takes(*form, value)) continue;
    try {
      return resolve_form(value, *form, place, first);
    } catch (const Error& mistake) {
      if (!meant(*form, value)) continue;
      std::string reason = std::string(mistake.what()).substr(mistake.place().size() + 2);
      if (std::find(reasons.begin(), reasons.end(), reason) != reasons.end()) continue;
      places.push_back(mistake.place());
      reasons.push_back(std::move(reason));
    }
  }
  // Where one form is meant, its own mistake helps most; the forms are named in any case.
  if (reasons.size() == 1)
    throw Error(places[0], reasons[0] + "; allowed at " +
                               (place.pointer.empty() ? "the top" : place.pointer) + ": " +
                               describe(field));
  std::string text = "expected " + describe(field) + ", found " + found(value);
  if (value.is_object() && reasons.empty())
    for (const auto& [key, element] : value.items())
      text += (text.ends_with("an object") ? " with " : ", ") + quoted(key);
  throw Error(place.str(), text);
}

Json resolve_fields(const Json& value, const Fields& fields, const Place& place,
                    const std::string& kind, Mistakes& mistakes) {
  Json checked = fields.open ? value : Json::object();
  std::vector<std::string> known;
  if (!kind.empty()) {
    known.push_back("kind");
    checked["kind"] = kind;
  }
  for (const Field& field : fields.fields) known.push_back(field.name);
  if (!fields.open)
    for (const auto& [key, element] : value.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        mistakes.add(Error((place / (key.size() > 80 ? key.substr(0, 80) + "..." : key)).str(),
                           "unknown key; " + choose_from(key, known)));

  for (const Field& field : fields.fields) {
    const Place where = place / field.name;
    if (const auto given = value.find(field.name); given != value.end()) {
      mistakes.attempt([&] { checked[field.name] = resolve_any(*given, field, where, mistakes); });
    } else if (field.fallback) {
      checked[field.name] = resolve(*field.fallback, field, where);
    } else if (!field.optional) {
      const std::string what = field.summary.empty() ? "" : " (" + field.summary + ")";
      mistakes.add(Error(place.str(), "the required key '" + field.name + "' is missing" + what));
    }
  }
  return checked;
}

Json resolve_any(const Json& value, const Field& field, const Place& place, Mistakes& mistakes) {
  if (value.is_null() && field.fallback && field.fallback->is_null()) return value;
  return field.alternatives.empty() ? resolve_form(value, field, place, mistakes)
                                    : resolve_alternatives(value, field, place);
}

}  // namespace

Json resolve(const Json& value, const Field& field, const Place& place) {
  Mistakes first;
  return resolve_any(value, field, place, first);
}

Json resolve(const Json& value, const Fields& fields, const Place& place) {
  Mistakes first;
  return resolve(value, fields, place, first);
}

Json resolve(const Json& value, const Fields& fields, const Place& place, Mistakes& mistakes) {
  if (value.is_object()) return resolve_fields(value, fields, place, "", mistakes);
  mistakes.add(Error(place.str(), "expected an object, found " + found(value)));
  return value;
}

}  // namespace semwave
