#include "phy/code/code_rate.h"

#include <cmath>

#include <fmt/core.h>

namespace semwave {

const CodeFraction* code_fraction(double rate) {
  for (const CodeFraction& known : code_fractions)
    if (std::abs(known.value - rate) < same_rate) return &known;
  return nullptr;
}

std::string rate_name(double rate) {
  if (const CodeFraction* known = code_fraction(rate)) return known->name;
  const double inverse = 1 / rate;
  return std::abs(inverse - std::round(inverse)) < 1e-6 ? fmt::format("1/{:.0f}", inverse)
                                                        : fmt::format("{:.3g}", rate);
}

Field rate_field(std::string summary) {
  Field fraction{.type = FieldType::choice, .summary = "as a fraction"};
  for (const CodeFraction& known : code_fractions) fraction.choices.emplace_back(known.name);
  return {.name = "rate",
          .type = FieldType::number,
          .summary = std::move(summary),
          .fallback = Json(0.5),
          .minimum = 1.0 / 64,
          .maximum = 1,
          .alternatives = {fraction}};
}

double read_rate(const Json& rate) {
  if (rate.is_number()) return rate.get<double>();
  for (const CodeFraction& known : code_fractions)
    if (rate == known.name) return known.value;
  return code_fractions.front().value;  // the field lets no other name through
}

}  // namespace semwave
