// Rates of codes as people write them: 1/2, 2/3, 3/4 and 5/6 are fractions, others are numbers.
#pragma once

#include <array>
#include <string>

#include "core/config/json.h"

namespace semwave {

struct CodeFraction {
  double value;
  const char* name;
};
/// Those of 802.11n, rising.
inline constexpr std::array<CodeFraction, 4> code_fractions = {
    {{1.0 / 2, "1/2"}, {2.0 / 3, "2/3"}, {3.0 / 4, "3/4"}, {5.0 / 6, "5/6"}}};

/// Two rates this near are the same one: 0.667 is meant to be 2/3.
inline constexpr double same_rate = 1e-3;

/// Null where a rate is none of them.
const CodeFraction* code_fraction(double rate);

std::string rate_name(double rate);  // "2/3", "1/16", "0.71"

/// The field `rate` of a scenario, a number or one of the fractions, and what was written there.
Field rate_field(std::string summary);
double read_rate(const Json& rate);

}  // namespace semwave
