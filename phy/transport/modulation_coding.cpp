// Layout of blocks: names, checks, sizes, and the list that senders choose from.
#include "phy/transport/modulation_coding.h"

#include <cassert>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr std::int64_t longest_digested_block = 100'000;  // bits

std::vector<ModulationCoding> mixed_codings() {
  std::vector<ModulationCoding> all;
  const auto polar = [&](Modulation modulation, std::initializer_list<double> rates) {
    for (const double rate : rates)
      all.push_back({.code = polar_code(rate), .modulation = modulation});
  };
  const auto ldpc = [&](Modulation modulation, std::initializer_list<double> rates) {
    for (const double rate : rates)
      all.push_back({.code = ldpc_code(rate), .modulation = modulation});
  };
  polar(Modulation::qpsk, {0.0625,  0.078, 0.0865, 0.097,   0.12, 0.135,   0.15,   0.167, 0.185,
                           0.207,   0.23,  0.255,  0.28,    0.31, 0.34,    0.375,  0.41,  0.455,
                           1.0 / 2, 0.575, 0.62,   2.0 / 3, 0.71, 3.0 / 4, 5.0 / 6});
  polar(Modulation::qam16,
        {0.45, 1.0 / 2, 0.555, 0.61, 2.0 / 3, 0.71, 3.0 / 4, 0.79, 5.0 / 6, 0.87});
  polar(Modulation::qam64, {0.59, 0.615, 2.0 / 3, 0.71, 3.0 / 4, 0.79, 5.0 / 6, 0.875, 0.91, 0.94});
  polar(Modulation::qam256, {2.0 / 3, 0.71, 0.72, 3.0 / 4, 0.79, 5.0 / 6});
  ldpc(Modulation::qpsk, {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6});
  ldpc(Modulation::qam16, {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6});
  ldpc(Modulation::qam64, {2.0 / 3, 3.0 / 4, 5.0 / 6});
  ldpc(Modulation::qam256, {3.0 / 4, 5.0 / 6});
  assert(all.size() <= std::size_t{1} << modulation_coding_bits);
  return all;
}

/// Rates in parts of 1024, each list rising in the bits a use carries.
struct NrRates {
  Modulation modulation;
  std::vector<double> rates;
};

std::vector<ModulationCoding> nr_codings(std::initializer_list<NrRates> table) {
  std::vector<ModulationCoding> all;
  for (const NrRates& of_modulation : table)
    for (const double rate : of_modulation.rates)
      all.push_back({.code = nr_ldpc_code(rate / 1024), .modulation = of_modulation.modulation});
  return all;
}

/// TS 38.214, table 5.1.3.1-1.
std::vector<ModulationCoding> nr_64qam_codings() {
  return nr_codings(
      {{Modulation::qpsk, {120, 157, 193, 251, 308, 379, 449, 526, 602, 679}},
       {Modulation::qam16, {340, 378, 434, 490, 553, 616, 658}},
       {Modulation::qam64, {438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948}}});
}

/// TS 38.214, table 5.1.3.1-2.
std::vector<ModulationCoding> nr_256qam_codings() {
  return nr_codings({{Modulation::qpsk, {120, 193, 308, 449, 602}},
                     {Modulation::qam16, {378, 434, 490, 553, 616, 658}},
                     {Modulation::qam64, {466, 517, 567, 616, 666, 719, 772, 822, 873}},
                     {Modulation::qam256, {682.5, 711, 754, 797, 841, 885, 916.5, 948}}});
}

}  // namespace

std::string ModulationCoding::name() const {
  return modulation_name(modulation) + " " + code->name();
}

std::string BlockLayout::name() const {
  return modulation_name(modulation) + " " + code->name();
}

void check_modulation_coding(const ModulationCoding& coding) {
  const ChannelCode& code = coding.code->settled(1, coding.check);
  if (code.largest_message() <= block_crc(code, coding.check).bits)
    throw PartError("/code", code.name() + " carries no more than the CRC of a code block");
}

std::int64_t BlockLayout::payload_uses() const {
  const std::int64_t width = bits_per_symbol(modulation);
  return (bits + width - 1) / width;
}

BlockLayout lay_blocks(std::int64_t bits, const ModulationCoding& coding) {
  assert(bits >= 0 && bits <= transport_largest_bits);
  const ChannelCode& code = coding.code->settled(bits, coding.check);
  BlockLayout layout{.code = &code,
                     .modulation = coding.modulation,
                     .crc = block_crc(code, coding.check),
                     .bits = bits};
  if (bits == 0) return layout;
  if (coding.check) layout.whole = code.whole_crc();
  const std::int64_t largest = code.largest_message() - layout.crc.bits, carried = layout.carried();
  layout.blocks = static_cast<int>((carried + largest - 1) / largest);
  const std::int64_t longer = carried % layout.blocks, each = carried / layout.blocks;
  if (longer > 0) layout.coded_bits = longer * layout.coded_bits_of(each + 1);
  layout.coded_bits += (layout.blocks - longer) * layout.coded_bits_of(each);
  const std::int64_t width = bits_per_symbol(coding.modulation);
  layout.uses = (layout.coded_bits + width - 1) / width;
  return layout;
}

std::int64_t transport_uses(std::int64_t bits, const ModulationCoding& coding) {
  return lay_blocks(bits, coding).uses;
}

std::int64_t bits_within(std::int64_t uses, const ModulationCoding& coding) {
  const std::int64_t width = bits_per_symbol(coding.modulation),
                     most = std::min(transport_largest_bits, uses * width);
  std::int64_t low = 0, high = most + 1;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (transport_uses(middle, coding) <= uses ? low : high) = middle;
  }
  return low;
}

const std::vector<ModulationCoding>& modulation_codings(CodingList list) {
  static const std::array<std::vector<ModulationCoding>, coding_list_names.size()> lists = {
      mixed_codings(), nr_64qam_codings(), nr_256qam_codings()};
  return lists[static_cast<std::size_t>(list)];
}

std::string modulation_codings_sha256(CodingList list) {
  Json table = Json::array();
  for (const ModulationCoding& coding : modulation_codings(list)) {
    Json blocks = Json::array();
    for (std::int64_t bits = 1; bits <= longest_digested_block; bits += (bits + 1) / 2) {
      const BlockLayout layout = lay_blocks(bits, coding);
      blocks.push_back({layout.name(), layout.blocks, layout.coded_bits, layout.uses});
    }
    Json row{coding.name()};
    if (const std::optional<LossRows> rows = coding.code->loss_rows()) row.push_back(rows->rate);
    row.push_back(coding.check);
    row.push_back(blocks);
    table.push_back(row);
  }
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
