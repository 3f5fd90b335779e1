// Layout of blocks: names, checks, sizes, and the list that senders choose from.
#include "phy/transport/modulation_coding.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/code/convolutional_code.h"
#include "phy/code/polar/polar_code.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr Crc no_crc{0, 0};
constexpr std::int64_t longest_digested_block = 100'000;  // bits
constexpr int shortest_ldpc = 648;
constexpr std::array<int, 3> ldpc_lengths = {1944, 1296, 648};
constexpr std::int64_t largest_convolutional = 1024;  // message and CRC of a code block
// Mother codes up to 1024, whose reliabilities are those of 38.212.
constexpr std::int64_t longest_polar = 1024, longest_repeated_polar = 2048;

struct LdpcRateValue {
  LdpcRate rate;
  double value;
  const char* name;
};
constexpr std::array<LdpcRateValue, 4> ldpc_rates = {{{LdpcRate::half, 1.0 / 2, "1/2"},
                                                      {LdpcRate::two_thirds, 2.0 / 3, "2/3"},
                                                      {LdpcRate::three_quarters, 3.0 / 4, "3/4"},
                                                      {LdpcRate::five_sixths, 5.0 / 6, "5/6"}}};

const LdpcRateValue* ldpc_rate(double rate) {
  for (const LdpcRateValue& known : ldpc_rates)
    if (std::abs(known.value - rate) < 1e-3) return &known;  // 0.667 is meant to be 2/3
  return nullptr;
}

std::shared_ptr<const LdpcCode> ldpc_code(int length, double rate) {
  static const auto codes = [] {
    std::array<std::array<std::shared_ptr<const LdpcCode>, ldpc_rates.size()>, ldpc_lengths.size()>
        all;
    for (std::size_t n = 0; n < ldpc_lengths.size(); ++n)
      for (std::size_t r = 0; r < ldpc_rates.size(); ++r)
        all[n][r] = LdpcCode::ieee_80211n(ldpc_lengths[n], ldpc_rates[r].rate);
    return all;
  }();
  const auto n = static_cast<std::size_t>(
      std::find(ldpc_lengths.begin(), ldpc_lengths.end(), length) - ldpc_lengths.begin());
  return codes[n][static_cast<std::size_t>(ldpc_rate(rate) - ldpc_rates.data())];
}

std::string rate_name(double rate) {
  if (const LdpcRateValue* known = ldpc_rate(rate)) return known->name;
  const double inverse = 1 / rate;
  return std::abs(inverse - std::round(inverse)) < 1e-6 ? fmt::format("1/{:.0f}", inverse)
                                                        : fmt::format("{:.3g}", rate);
}

/// Most information bits, CRC apart, that one code block carries.
std::int64_t largest_block(const BlockLayout& layout) {
  switch (layout.coding.code) {
    case ChannelCode::convolutional:
      return largest_convolutional - layout.crc.bits;
    case ChannelCode::ldpc:
      return layout.ldpc->information() - layout.crc.bits;
    case ChannelCode::polar: {
      // Below 1/8 the mother codes of 38.212 repeat.
      const double longest =
          static_cast<double>(layout.coding.rate < 0.125 ? longest_repeated_polar : longest_polar);
      return static_cast<std::int64_t>(longest * layout.coding.rate + 1e-9) - layout.crc.bits;
    }
    case ChannelCode::none:
    case ChannelCode::automatic:
      return transport_largest_bits;
  }
  return 0;
}

BlockLayout lay_settled(std::int64_t bits, const ModulationCoding& coding) {
  BlockLayout layout{.coding = coding, .ldpc = nullptr, .bits = bits};
  if (coding.code == ChannelCode::ldpc)
    layout.ldpc = coding.file ? coding.file : ldpc_code(coding.length, coding.rate);
  layout.crc = coding.code == ChannelCode::polar ? crc_11 : coding.check ? crc_16 : no_crc;
  if (bits == 0) return layout;
  const std::int64_t largest = largest_block(layout);
  layout.blocks = static_cast<int>((bits + largest - 1) / largest);
  const std::int64_t longer = bits % layout.blocks;
  layout.coded_bits = longer * layout.coded_bits_of(bits / layout.blocks + 1) +
                      (layout.blocks - longer) * layout.coded_bits_of(bits / layout.blocks);
  const std::int64_t width = bits_per_symbol(coding.modulation);
  layout.uses = (layout.coded_bits + width - 1) / width;
  return layout;
}

}  // namespace

std::string_view channel_code_name(ChannelCode code) {
  static constexpr std::array<std::string_view, 5> names = {"auto", "none", "convolutional", "ldpc",
                                                            "polar"};
  return names[static_cast<std::size_t>(code)];
}

std::string ModulationCoding::name() const {
  std::string made = modulation_name(modulation);
  if (code == ChannelCode::none) return made + " uncoded";
  if (file) return made + " " + file->name();
  made += " " + rate_name(code == ChannelCode::convolutional ? 0.5 : rate);
  if (code != ChannelCode::automatic) made += fmt::format(" {}", channel_code_name(code));
  if (code == ChannelCode::ldpc && length != 0) made += fmt::format(" {}", length);
  return made;
}

void check_modulation_coding(const ModulationCoding& coding) {
  if (coding.file) {
    if (coding.code != ChannelCode::ldpc) throw Error("@/code", "a file names an LDPC code");
    if (coding.file->information() <= (coding.check ? crc_16.bits : 0))
      throw Error("@/code", coding.file->name() + " carries no more than the CRC of a code block");
    return;
  }
  const auto rates = [&] {
    throw Error("@/rate",
                fmt::format("802.11n has the rates 1/2, 2/3, 3/4 and 5/6, found {}", coding.rate));
  };
  switch (coding.code) {
    case ChannelCode::none:
      return;
    case ChannelCode::convolutional:
      if (coding.rate != 0.5)
        throw Error("@/rate",
                    fmt::format("the convolutional code has rate 0.5, found {}", coding.rate));
      return;
    case ChannelCode::ldpc:
      if (!ldpc_rate(coding.rate)) rates();
      if (coding.length != 0 &&
          std::find(ldpc_lengths.begin(), ldpc_lengths.end(), coding.length) == ldpc_lengths.end())
        throw Error(
            "@/length",
            fmt::format("802.11n has codes of 648, 1296 and 1944 bits, found {}", coding.length));
      return;
    case ChannelCode::automatic:
    case ChannelCode::polar:
      if (!(coding.rate >= 1.0 / 64 && coding.rate <= 0.95))
        throw Error("@/rate",
                    fmt::format("a polar code has a rate between 1/64 and 0.95 here, found {}",
                                coding.rate));
      return;
  }
}

std::int64_t BlockLayout::payload_uses() const {
  const std::int64_t width = bits_per_symbol(coding.modulation);
  return (bits + width - 1) / width;
}

std::int64_t BlockLayout::coded_bits_of(std::int64_t information_bits) const {
  const std::int64_t checked = information_bits + crc.bits;
  switch (coding.code) {
    case ChannelCode::none:
    case ChannelCode::automatic:
      return checked;
    case ChannelCode::convolutional:
      return static_cast<std::int64_t>(coded_length(static_cast<std::size_t>(checked)));
    case ChannelCode::ldpc:
      return checked + ldpc->length() - ldpc->information();
    case ChannelCode::polar:
      return static_cast<std::int64_t>(
          std::ceil(static_cast<double>(checked) / coding.rate - 1e-9));
  }
  return 0;
}

BlockLayout lay_blocks(std::int64_t bits, const ModulationCoding& coding) {
  assert(bits >= 0 && bits <= transport_largest_bits);
  ModulationCoding settled = coding;
  if (settled.code == ChannelCode::automatic) {
    const bool fills = static_cast<double>(bits + crc_16.bits) >= shortest_ldpc * coding.rate;
    settled.code = fills && ldpc_rate(coding.rate) ? ChannelCode::ldpc : ChannelCode::polar;
  }
  if (settled.code != ChannelCode::ldpc || settled.file || settled.length != 0)
    return lay_settled(bits, settled);
  BlockLayout best;
  for (const int length : ldpc_lengths) {  // longest first: it wins a tie
    settled.length = length;
    BlockLayout layout = lay_settled(bits, settled);
    if (length == ldpc_lengths.front() || layout.coded_bits < best.coded_bits)
      best = std::move(layout);
  }
  return best;
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

const std::vector<ModulationCoding>& modulation_codings() {
  static const std::vector<ModulationCoding> list = [] {
    std::vector<ModulationCoding> all;
    const auto add = [&](ChannelCode code, Modulation modulation,
                         std::initializer_list<double> rates) {
      for (const double rate : rates)
        all.push_back({.code = code, .rate = rate, .modulation = modulation});
    };
    add(ChannelCode::polar, Modulation::qpsk,
        {0.0625,  0.078, 0.0865, 0.097,   0.12, 0.135,   0.15,   0.167, 0.185,
         0.207,   0.23,  0.255,  0.28,    0.31, 0.34,    0.375,  0.41,  0.455,
         1.0 / 2, 0.575, 0.62,   2.0 / 3, 0.71, 3.0 / 4, 5.0 / 6});
    add(ChannelCode::polar, Modulation::qam16,
        {0.45, 1.0 / 2, 0.555, 0.61, 2.0 / 3, 0.71, 3.0 / 4, 0.79, 5.0 / 6, 0.87});
    add(ChannelCode::polar, Modulation::qam64,
        {0.59, 0.615, 2.0 / 3, 0.71, 3.0 / 4, 0.79, 5.0 / 6, 0.875, 0.91, 0.94});
    add(ChannelCode::polar, Modulation::qam256, {2.0 / 3, 0.71, 0.72, 3.0 / 4, 0.79, 5.0 / 6});
    add(ChannelCode::ldpc, Modulation::qpsk, {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6});
    add(ChannelCode::ldpc, Modulation::qam16, {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6});
    add(ChannelCode::ldpc, Modulation::qam64, {2.0 / 3, 3.0 / 4, 5.0 / 6});
    add(ChannelCode::ldpc, Modulation::qam256, {3.0 / 4, 5.0 / 6});
    assert(all.size() <= std::size_t{1} << modulation_coding_bits);
    return all;
  }();
  return list;
}

std::string modulation_codings_sha256() {
  Json table = Json::array();
  for (const ModulationCoding& coding : modulation_codings()) {
    Json blocks = Json::array();
    for (std::int64_t bits = 1; bits <= longest_digested_block; bits += (bits + 1) / 2) {
      const BlockLayout layout = lay_blocks(bits, coding);
      blocks.push_back({layout.coding.name(), layout.blocks, layout.coded_bits, layout.uses});
    }
    table.push_back({coding.name(), coding.rate, coding.check, blocks});
  }
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
