#include "core/config/field_builders.h"

#include <utility>

namespace semwave::fields {

Field number(std::string name, double fallback, double minimum, double maximum,
             std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::number,
          .summary = std::move(summary),
          .fallback = Json(fallback),
          .minimum = minimum,
          .maximum = maximum};
}

Field integer(std::string name, int fallback, double minimum, double maximum, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::integer,
          .summary = std::move(summary),
          .fallback = Json(fallback),
          .minimum = minimum,
          .maximum = maximum};
}

Field boolean(std::string name, bool fallback, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::boolean,
          .summary = std::move(summary),
          .fallback = Json(fallback)};
}

Field choice(std::string name, std::string fallback, std::vector<std::string> choices,
             std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::choice,
          .summary = std::move(summary),
          .fallback = Json(std::move(fallback)),
          .choices = std::move(choices)};
}

Field object(std::string name, std::vector<Field> members, std::string summary) {
  auto inner = shared({.summary = summary, .fields = std::move(members)});
  return {.name = std::move(name),
          .type = FieldType::object,
          .summary = std::move(summary),
          .fallback = Json::object(),
          .object = std::move(inner)};
}

Field probability(std::string name, double fallback, std::string summary) {
  return number(std::move(name), fallback, 0, 1, std::move(summary));
}

std::shared_ptr<const Fields> shared(Fields fields) {
  return std::make_shared<const Fields>(std::move(fields));
}

std::vector<Field> joined(std::vector<Field> first, const std::vector<Field>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace semwave::fields
