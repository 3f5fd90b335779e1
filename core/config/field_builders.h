// Fields in one line: fields::number("loss", 0.1, 0, 1, "share of tokens lost").
#pragma once

#include <string>
#include <vector>

#include "core/config/json.h"

namespace semwave::fields {

Field number(std::string name, double fallback, double minimum, double maximum,
             std::string summary);
/// Between 0 and 1.
Field probability(std::string name, double fallback, std::string summary);
Field integer(std::string name, int fallback, double minimum, double maximum, std::string summary);
Field boolean(std::string name, bool fallback, std::string summary);
Field choice(std::string name, std::string fallback, std::vector<std::string> choices,
             std::string summary);
/// All of whose members have defaults.
Field object(std::string name, std::vector<Field> members, std::string summary);

std::shared_ptr<const Fields> shared(Fields fields);
std::vector<Field> joined(std::vector<Field> first, const std::vector<Field>& second);

}  // namespace semwave::fields
