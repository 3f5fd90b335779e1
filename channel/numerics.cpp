// Digests of tables that anybody may read. Those of the others stand beside their tables.
#include "channel/numerics.h"

#include <cmath>

#include "channel/modulation_coding.h"
#include "channel/multipath.h"
#include "core/json.h"
#include "core/sha256.h"

namespace semwave {
namespace {

constexpr std::int64_t longest_block = 100'000;
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

std::string modulation_codings_sha256() {
  Json table = Json::array();
  for (const ModulationCoding& coding : modulation_codings()) {
    Json blocks = Json::array();
    for (std::int64_t bits = 1; bits <= longest_block; bits += (bits + 1) / 2) {
      const BlockLayout layout = lay_blocks(bits, coding);
      blocks.push_back({layout.coding.name(), layout.blocks, layout.coded_bits, layout.uses});
    }
    table.push_back({coding.name(), coding.rate, coding.check, blocks});
  }
  return sum_of(table);
}

}  // namespace semwave
