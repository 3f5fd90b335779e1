// Blocks over the air: what is sent comes back over a clean channel for every code and
// constellation, sizes are what they are said to be, the ledger's shares add up, verdicts are
// right, a sender chooses what it should.
#include "phy/transport/transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tests/core/expect_error.h"
#include "tests/phy/code/coded_frames.h"
#include "tests/phy/transport/lost_frames.h"

namespace semwave {
namespace {

TEST(Transport, EveryCodeAndConstellationReturnsItsBitsOverACleanChannel) {
  const std::vector<ModulationCoding> codes = {{.code = no_code()},
                                               {.code = convolutional_code()},
                                               {.code = ldpc_code(0.5, 648)},
                                               {.code = ldpc_code(2.0 / 3)},
                                               {.code = ldpc_code(5.0 / 6, 1944), .check = false},
                                               {.code = polar_code(0.3)},
                                               {.code = automatic_code(0.75)},
                                               {.code = nr_ldpc_code(0.4)},
                                               {.code = nr_ldpc_code(0.9)},
                                               {.code = no_code(), .check = false}};
  for (ModulationCoding coding : codes)
    for (const Modulation modulation : {Modulation::bpsk, Modulation::qpsk, Modulation::qam16,
                                        Modulation::qam64, Modulation::qam256})
      for (const std::int64_t bits : {1, 17, 320, 1001, 3500}) {
        coding.modulation = modulation;
        const Transport transport(bits, coding);
        const BlockLayout& layout = transport.layout();
        EXPECT_EQ(layout.uses, transport_uses(bits, coding));
        EXPECT_EQ(layout.payload_uses() + layout.parity_uses(), layout.uses);
        EXPECT_EQ(layout.payload_uses(),
                  (bits + bits_per_symbol(modulation) - 1) / bits_per_symbol(modulation));
        EXPECT_GE(layout.parity_uses(), 0);
        std::int64_t sum = 0, coded = 0;
        for (int b = 0; b < layout.blocks; ++b) {
          EXPECT_EQ(layout.block_start(b), sum);
          sum += layout.block_bits(b);
          coded += layout.block_coded_bits(b);
        }
        EXPECT_EQ(sum, bits);
        EXPECT_EQ(coded, layout.coded_bits);
        const Bits message = random_message(static_cast<std::size_t>(bits), 3);
        const Symbols symbols = transport.encode(message);
        ASSERT_EQ(static_cast<std::int64_t>(symbols.size()), layout.uses);
        Symbols faded = symbols, gains(symbols.size());
        for (std::uint32_t s = 0; s < gains.size(); ++s) {
          gains[s] = std::complex<float>(complex_normal(philox(5, Purpose::fading, 0, 0, s))) +
                     std::complex<float>(0.1f, 0);
          faded[s] *= gains[s];
        }
        Bits heard(transport.bits()), held(transport.blocks());
        transport.decode(faded, gains, PooledVector<float>(symbols.size(), 0.0f), heard, held);
        EXPECT_EQ(heard, message) << coding.name() << " " << bits;
        for (const std::uint8_t holds : held) EXPECT_EQ(holds, 1) << coding.name();
      }
}

/// y of `symbols` through AWGN.
Symbols hear(const Symbols& symbols, double snr_db, std::uint32_t frame) {
  Symbols y = symbols;
  const double deviation = std::pow(10.0, -snr_db / 20);
  for (std::uint32_t s = 0; s < y.size(); ++s)
    y[s] +=
        std::complex<float>(deviation * complex_normal(philox(31, Purpose::noise, frame, 0, s)));
  return y;
}

TEST(Transport, ManyFramesAtOnceAreDecodedAsOneByOne) {
  for (const ModulationCoding& coding :
       {ModulationCoding{.code = ldpc_code(0.5, 648), .modulation = Modulation::qam16},
        ModulationCoding{.code = polar_code(0.5), .modulation = Modulation::qam16},
        ModulationCoding{.code = nr_ldpc_code(0.5), .modulation = Modulation::qam16}}) {
    const Transport transport(700, coding);  // several code blocks, unequal by a bit
    constexpr std::size_t frames = 20;
    const Symbols gains(frames * transport.uses(), {1, 0});
    const PooledVector<float> variance(frames * transport.uses(),
                                       static_cast<float>(std::pow(10.0, -0.6)));
    Symbols y;
    for (std::uint32_t f = 0; f < frames; ++f) {
      const Symbols heard = hear(transport.encode(random_message(700, f)), 6, f);
      y.insert(y.end(), heard.begin(), heard.end());
    }
    Bits together(frames * 700), held(frames * transport.blocks()), alone(700),
        alone_held(transport.blocks());
    transport.decode(y, gains, variance, together, held);
    for (std::size_t f = 0; f < frames; ++f) {
      const auto part = [&](const auto& all) {
        return std::span(all).subspan(f * transport.uses(), transport.uses());
      };
      transport.decode(part(y), part(gains), part(variance), alone, alone_held);
      EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                             together.begin() + static_cast<std::ptrdiff_t>(f * 700)));
      EXPECT_TRUE(std::equal(alone_held.begin(), alone_held.end(),
                             held.begin() + static_cast<std::ptrdiff_t>(f * transport.blocks())));
    }
  }
}

TEST(Transport, AGainOfZeroSaysNothingAndTheInterleaverSpreadsAFade) {
  const Transport transport(300, {.code = ldpc_code(0.5, 648)});
  const Bits message = random_message(300, 1);
  const Symbols y = transport.encode(message);
  Symbols gains(y.size(), {1, 0});
  for (std::size_t s = 100; s < 130; ++s) gains[s] = {0, 0};
  Bits heard(300), held(1);
  transport.decode(y, gains, PooledVector<float>(y.size(), 0.5f), heard, held);
  EXPECT_EQ(heard, message);
  EXPECT_EQ(held[0], 1);
}

TEST(Transport, NoiseAloneDoesNotPassTheCheck) {
  for (const auto& code :
       {no_code(), convolutional_code(), ldpc_code(), polar_code(), nr_ldpc_code()}) {
    const Transport transport(400, {.code = code});
    const LostFrames losses = lose(transport, -15, 40);
    EXPECT_EQ(losses.lost, 40);
    EXPECT_EQ(losses.wrong_but_held, 0);
  }
}

std::string kind_of(std::int64_t bits, const ModulationCoding& coding) {
  return lay_blocks(bits, coding).code->kind();
}
std::string name_of(std::int64_t bits, const ModulationCoding& coding) {
  return lay_blocks(bits, coding).name();
}

/// From outside: code blocks of 9 bits, each sent three times and decided by majority.
class ShortCode final : public ChannelCode {
 public:
  std::string kind() const override { return "short"; }
  std::string name() const override { return "1/3 short"; }
  std::int64_t largest_message() const override { return 9; }
  std::int64_t coded_bits(std::int64_t message) const override { return 3 * message; }
  std::int64_t full_message() const override { return 9; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks&) const override;
  std::vector<Component> components() const override { return {{"short code", "1"}}; }
};

class Majority final : public BlockDecoder {
 public:
  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    for (std::size_t i = 0; i < messages.size(); ++i)
      messages[i] = (soft[3 * i] < 0) + (soft[3 * i + 1] < 0) + (soft[3 * i + 2] < 0) >= 2;
    std::fill(verdicts.begin(), verdicts.end(), BlockVerdict{});
  }
};

class ShortCoder final : public BlockCoder {
 public:
  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    for (std::size_t i = 0; i < coded.size(); ++i) coded[i] = message[i / 3];
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings&) const override {
    return std::make_unique<Majority>();
  }
};

std::unique_ptr<BlockCoder> ShortCode::coder(const CodeBlocks&) const {
  return std::make_unique<ShortCoder>();
}

TEST(Transport, ACodeFromOutsideIsLaidOutAndDecodedLikeAnyOther) {
  const ModulationCoding coding{.code = std::make_shared<const ShortCode>(), .check = false};
  const Transport transport(20, coding);  // three code blocks: 7, 7 and 6 bits
  EXPECT_EQ(transport.layout().blocks, 3);
  EXPECT_EQ(transport.layout().coded_bits, 60);
  const Bits message = random_message(20, 1);
  Symbols y = transport.encode(message);
  y[3] = -std::conj(y[3]);  // one coded bit
  Bits heard(20), held(3);
  transport.decode(y, Symbols(y.size(), {1, 0}), PooledVector<float>(y.size(), 0.5f), heard, held);
  EXPECT_EQ(heard, message);
}

TEST(Transport, WhatIsAskedForMustExist) {
  const auto refusal = [](const Json& code) {
    return error_of([&] { channel_codes().make(code, {}); });
  };
  expect_contains(error_of([] { ldpc_code(0.4); }), "/rate: ");
  expect_contains(error_of([] { ldpc_code(0.5, 1000); }), "648, 1296 and 1944");
  expect_contains(error_of([] { polar_code(1); }), "/rate: ");
  expect_contains(error_of([] { automatic_code(0.96); }), "/rate: ");
  expect_contains(refusal({{"kind", "convolutional"}, {"rate", 0.75}}), "/rate");
  expect_contains(
      error_of([] { check_modulation_coding({.code = std::make_shared<const ShortCode>()}); }),
      "/code: ");
  check_modulation_coding({.code = std::make_shared<const ShortCode>(), .check = false});
}

TEST(ModulationCoding, AutomaticIsLdpcAtItsRatesFrom648CodedBitsOnAndElsePolar) {
  EXPECT_EQ(kind_of(307, {.code = automatic_code(0.5)}), "polar");
  EXPECT_EQ(kind_of(308, {.code = automatic_code(0.5)}), "ldpc");
  EXPECT_EQ(lay_blocks(308, {.code = automatic_code(0.5)}).uses, 324);
  EXPECT_EQ(kind_of(4000, {.code = automatic_code(1.0 / 3)}), "polar");
  EXPECT_EQ(kind_of(4000, {.code = automatic_code(0.71)}), "polar") << "no rate of 802.11n";
  EXPECT_EQ(name_of(956, {.code = automatic_code(0.5)}), "QPSK 1/2 ldpc 1944");
  EXPECT_EQ(lay_blocks(956, {.code = automatic_code(0.5)}).blocks, 1);
  EXPECT_EQ(name_of(1000, {.code = automatic_code(0.5)}), "QPSK 1/2 ldpc 1296");
  EXPECT_EQ(lay_blocks(0, {.code = automatic_code(0.5)}).uses, 0);
}

constexpr CodingList coding_lists[] = {CodingList::mixed, CodingList::nr_64qam,
                                       CodingList::nr_256qam};

std::vector<ModulationCoding> codings_of_all_lists() {
  std::vector<ModulationCoding> all;
  for (const CodingList list : coding_lists)
    all.insert(all.end(), modulation_codings(list).begin(), modulation_codings(list).end());
  return all;
}

TEST(ModulationCoding, EveryChoiceCanBeBuiltForEveryLength) {
  for (const ModulationCoding& coding : codings_of_all_lists())
    for (std::int64_t bits = 1; bits < 3000; bits += bits < 40 ? 1 : 1 + bits / 3) {
      const Transport transport(bits, coding);
      const Bits message = random_message(static_cast<std::size_t>(bits), 9);
      Bits heard(transport.bits()), held(transport.blocks());
      transport.decode(transport.encode(message), Symbols(transport.uses(), {1, 0}),
                       PooledVector<float>(transport.uses(), 0.01f), heard, held);
      ASSERT_EQ(heard, message) << coding.name() << " " << bits;
    }
}

TEST(ModulationCoding, BitsWithinIsTheMostThatFits) {
  for (const ModulationCoding& coding : codings_of_all_lists())
    for (const std::int64_t uses : {1, 20, 64, 300, 1000, 5000}) {
      const std::int64_t bits = bits_within(uses, coding);
      EXPECT_LE(transport_uses(bits, coding), uses) << coding.name();
      EXPECT_GT(transport_uses(bits + 1, coding), uses) << coding.name() << " " << uses;
    }
}

// Spectral efficiencies of TS 38.214, tables 5.1.3.1-1 and 5.1.3.1-2, for some indices.
TEST(ModulationCoding, ListsOfNrAreThoseOfTheStandard) {
  const auto efficiency = [](CodingList list, std::size_t index) {
    const ModulationCoding& coding = modulation_codings(list).at(index);
    constexpr std::int64_t message = 8448;  // a code block that is filled
    const ChannelCode& code = coding.code->settled(8424, true);
    return static_cast<double>(message * bits_per_symbol(coding.modulation)) /
           static_cast<double>(code.coded_bits(message));
  };
  EXPECT_EQ(modulation_codings(CodingList::nr_64qam).size(), 29u);
  EXPECT_EQ(modulation_codings(CodingList::nr_256qam).size(), 28u);
  for (const CodingList list : coding_lists)
    EXPECT_LE(modulation_codings(list).size(), std::size_t{1} << modulation_coding_bits);
  for (const auto& [index, value] : std::map<std::size_t, double>{
           {4, 0.6016}, {9, 1.3262}, {10, 1.3281}, {16, 2.5703}, {17, 2.5664}, {28, 5.5547}})
    EXPECT_NEAR(efficiency(CodingList::nr_64qam, index), value, 1e-3) << index;
  for (const auto& [index, value] : std::map<std::size_t, double>{
           {3, 0.8770}, {5, 1.4766}, {11, 2.7305}, {20, 5.3320}, {26, 7.1602}, {27, 7.4063}})
    EXPECT_NEAR(efficiency(CodingList::nr_256qam, index), value, 1e-3) << index;
}

TEST(ModulationCoding, CheapestOfEveryListTakesFewerUsesAsTheSnrGrows) {
  for (const CodingList list : coding_lists) {
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    for (double snr_db = -4; snr_db <= 30; snr_db += 1.5) {
      const TransportChoice choice = cheapest(600, snr_db, largest_transport_loss, list);
      EXPECT_LE(choice.uses, before) << snr_db;
      EXPECT_LE(choice.loss, largest_transport_loss) << snr_db;
      EXPECT_LT(choice.index, static_cast<int>(modulation_codings(list).size()));
      before = choice.uses;
    }
  }
}

TEST(ModulationCoding, CheapestKeepsItsLossWhereItCanAndElseIsTheMostRobust) {
  const TransportChoice robust = cheapest(100, -30), cheap = cheapest(100, 30);
  EXPECT_GT(robust.loss, 0.5);
  EXPECT_EQ(robust.index, 0);
  EXPECT_LE(cheap.loss, 1e-2);
  EXPECT_LT(cheap.uses, 20);
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  for (double snr_db = -6; snr_db <= 30; snr_db += 1.5) {
    const TransportChoice choice = cheapest(600, snr_db);
    EXPECT_LE(choice.uses, before) << snr_db;
    EXPECT_LE(choice.loss, largest_transport_loss) << snr_db;
    before = choice.uses;
  }
}

// 1 dB, to the 0.05 dB that a simulated SNR of the table is good for.
TEST(ModulationCoding, NeighboursWorthTheirUsesAreAtMostOneDecibelApart) {
  for (const std::int64_t bits : {400, 900, 4000}) {
    std::map<double, std::int64_t> uses_at;  // by the SNR for a loss of 1e-2
    for (const ModulationCoding& coding : modulation_codings())
      uses_at[snr_db_for(bits, coding, 1e-2)] = transport_uses(bits, coding);
    double before = uses_at.begin()->first;
    std::int64_t fewest = uses_at.begin()->second;
    for (const auto& [snr_db, uses] : uses_at) {
      if (uses >= fewest) continue;  // another one carries as much with less
      EXPECT_LE(snr_db - before, 1.05) << bits << " bits, at " << before << " dB";
      before = snr_db;
      fewest = uses;
    }
  }
}

}  // namespace
}  // namespace semwave
