// The digest of what a sender may choose from. Those of the tables stand beside them.
#include "phy/numerics.h"

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/transport/modulation_coding.h"

namespace semwave {
namespace {

constexpr std::int64_t longest_block = 100'000;

}  // namespace

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
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
