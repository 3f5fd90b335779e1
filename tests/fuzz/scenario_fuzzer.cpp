// Any text as a scenario: an Error, or a scenario whose resolved form is a scenario again. The
// strict reader is compared with the lenient one of the library below it: what it accepts must be
// accepted there, with no key lost.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/base/error.h"
#include "core/config/json.h"
#include "experiment/scenario/scenario.h"

namespace {

using semwave::Json;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

std::size_t keys_in(const Json& value) {
  std::size_t keys = value.is_object() ? value.size() : 0;
  if (value.is_structured())
    for (const Json& element : value) keys += keys_in(element);
  return keys;
}

void check_against_lenient_reader(const std::string& text, const Json& strict) {
  std::size_t keys = 0;
  int deepest = 0;
  const auto count = [&](int depth, Json::parse_event_t event, Json&) {
    keys += event == Json::parse_event_t::key;
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)
      deepest = std::max(deepest, depth + 1);
    return true;
  };
  const Json lenient = Json::parse(text, count, false);
  require(!lenient.is_discarded() && lenient == strict, "both readers read the same");
  require(keys == keys_in(strict), "no key is given twice");
  require(deepest <= 64, "nothing is nested deeper than 64");
  const std::string canonical = semwave::canonical(strict);
  require(semwave::canonical(semwave::parse_json(canonical, "canonical")) == canonical,
          "the canonical text is a fixed point");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const semwave::Fields fields = semwave::scenario_fields();
  const std::string text(reinterpret_cast<const char*>(data), bytes);
  try {
    const Json value = semwave::parse_json(text, "x.json");
    check_against_lenient_reader(text, value);
    const Json resolved = semwave::resolve(value, fields, {"x.json", ""});
    require(semwave::resolve(resolved, fields, {"resolved", ""}) == resolved,
            "what is resolved resolves to itself");
    (void)semwave::parse_scenario(value, "x.json");
  } catch (const semwave::Error&) {
  }
  return 0;
}
