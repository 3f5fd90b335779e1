// Digests of tables that anybody may read. Those of the others stand beside their tables.
#include "channel/numerics.h"

#include <cmath>

#include "channel/fading/multipath.h"
#include "core/base/sha256.h"
#include "core/config/json.h"

namespace semwave {
namespace {

constexpr double power_digits = 1e12;  // powers come from pow(), whose last bit is the machine's

std::string sum_of(const Json& table) {
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace

std::string tap_profiles_sha256() {
  Json table = Json::array();
  for (const TapProfile& profile : tap_profiles())
    for (const Tap& tap : profile.taps)
      table.push_back({profile.name, tap.delay_ns, std::round(power_digits * tap.power)});
  return sum_of(table);
}

}  // namespace semwave
