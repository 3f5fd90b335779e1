// The LDPC codes of 5G NR: their graphs, which bits are sent, the encoder against elimination, the
// decoder against one written out, sizes against published examples.
#include "phy/code/ldpc/nr_ldpc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "phy/code/ldpc/ldpc_decoder.h"
#include "phy/transport/transport.h"
#include "tests/core/expect_error.h"
#include "tests/phy/code/coded_frames.h"
#include "tests/phy/code/ldpc/plain_min_sum.h"

namespace semwave {
namespace {

constexpr NrGraph graphs[] = {NrGraph::first, NrGraph::second};

/// a 2^j up to 384, TS 38.212, table 5.3.2-1.
std::set<int> lifting_sizes() {
  std::set<int> sizes;
  for (const int a : {2, 3, 5, 7, 9, 11, 13, 15})
    for (int size = a; size <= 384; size *= 2) sizes.insert(size);
  return sizes;
}

/// All of a codeword, no filler.
NrBlock whole_block(NrGraph graph, int lift) {
  NrBlock block{.graph = graph, .lift = lift};
  block.message = block.information();
  block.codeword_length = block.message + nr_rows(graph) * lift;
  block.before_filler = block.message - block.unsent();
  block.sent = block.buffer = block.codeword_length - block.unsent();
  return block;
}

TEST(NrLdpc, GraphsHaveTheirEdgesAndLiftingSizesTheirSets) {
  EXPECT_EQ(lifting_sizes().size(), 51u);
  for (const int lift : lifting_sizes()) {
    EXPECT_EQ(nr_ldpc(whole_block(NrGraph::first, lift))->columns().size(),
              316 * static_cast<std::size_t>(lift));
    EXPECT_EQ(nr_ldpc(whole_block(NrGraph::second, lift))->columns().size(),
              197 * static_cast<std::size_t>(lift));
  }
  // Tables 5.3.2-2 and 5.3.2-3: the first shifts of the first and the last row, by set.
  const auto shift = [](NrGraph graph, int lift, std::size_t row, std::size_t entry) {
    return nr_ldpc(whole_block(graph, lift))->blocks()->rows[row][entry].shift;
  };
  EXPECT_EQ(shift(NrGraph::first, 256, 0, 0), 250);
  EXPECT_EQ(shift(NrGraph::first, 384, 0, 0), 307);
  EXPECT_EQ(shift(NrGraph::first, 192, 0, 0), 307 - 192);
  EXPECT_EQ(shift(NrGraph::first, 240, 0, 0), 135);
  EXPECT_EQ(shift(NrGraph::second, 256, 0, 0), 9);
  EXPECT_EQ(shift(NrGraph::second, 384, 0, 0), 174);
  EXPECT_EQ(shift(NrGraph::second, 208, 0, 0), 143);
}

TEST(NrLdpc, EveryLiftingSizeOfBothGraphsEncodesCodewords) {
  for (const NrGraph graph : graphs)
    for (const int lift : lifting_sizes()) {
      const auto code = nr_ldpc(whole_block(graph, lift));
      const Bits message = random_message(static_cast<std::size_t>(code->information()),
                                          static_cast<std::uint32_t>(lift));
      Bits codeword(static_cast<std::size_t>(code->length()));
      code->encode(message, codeword);
      ASSERT_TRUE(code->holds(codeword)) << code->name();
      EXPECT_TRUE(std::equal(message.begin(), message.end(), codeword.begin()));
      codeword[static_cast<std::size_t>(lift)] ^= 1;
      EXPECT_FALSE(code->holds(codeword));
    }
}

/// The same H as a code that knows nothing of its blocks.
std::vector<std::vector<std::int32_t>> rows_of(const LdpcCode& code) {
  std::vector<std::vector<std::int32_t>> rows;
  for (int i = 0; i < code.checks(); ++i) rows.emplace_back(code.row(i).begin(), code.row(i).end());
  return rows;
}

TEST(NrLdpc, EliminationMakesTheSameCodewords) {
  for (const NrGraph graph : graphs)
    for (const int lift : {2, 3, 7, 13, 15}) {
      const auto code = nr_ldpc(whole_block(graph, lift));
      const LdpcCode plain(code->length(), rows_of(*code), "plain");
      ASSERT_EQ(plain.information(), code->information());
      const Bits message = random_message(static_cast<std::size_t>(code->information()), 3);
      Bits a(static_cast<std::size_t>(code->length())), b(a.size());
      code->encode(message, a);
      plain.encode(message, b);
      EXPECT_EQ(a, b) << code->name();
    }
}

// Segmentation as MATLAB's 5G Toolbox documents it: nrDLSCHInfo(8456, 517/1024) has two code blocks
// of K = 4576 with 312 filler bits, Z = 208 and N = 13728; 4000 bits make one code block of 4224
// with graph 1 and two of 2080 with graph 2.
TEST(NrLdpc, SizesAreThoseOfPublishedExamples) {
  const ModulationCoding coding{.code = nr_ldpc_code(517.0 / 1024)};
  const BlockLayout layout = lay_blocks(8456, coding);
  EXPECT_EQ(layout.blocks, 2);
  EXPECT_EQ(layout.crc.polynomial, crc_24b.polynomial);
  EXPECT_EQ(layout.whole.polynomial, crc_24a.polynomial);
  EXPECT_EQ(layout.block_carried(0) + layout.crc.bits, 4264);
  EXPECT_EQ(layout.block_bits(0), 4240);
  EXPECT_EQ(layout.block_bits(1), 4216);
  const NrBlock block = nr_block(NrGraph::first, 4264, 8000);
  EXPECT_EQ(block.lift, 208);
  EXPECT_EQ(block.information(), 4576);
  EXPECT_EQ(block.filler, 312);
  EXPECT_EQ(block.buffer, 13728 - 312);
  EXPECT_EQ(nr_block(NrGraph::first, 4000, 8000).information(), 4224);
  EXPECT_EQ(nr_block(NrGraph::second, 2024, 8000).information(), 2080);
}

TEST(NrLdpc, BlocksAreCutAndCheckedAsTheStandardSays) {
  struct Case {
    double rate;
    std::int64_t bits;
    const char* name;
    int blocks, crc_bits, whole_bits;
  };
  const Case cases[] = {{0.9, 292, "QPSK 0.9 nr-ldpc bg2", 1, 16, 0},
                        {0.9, 293, "QPSK 0.9 nr-ldpc bg1", 1, 16, 0},
                        {0.67, 3824, "QPSK 0.67 nr-ldpc bg2", 1, 16, 0},
                        {0.68, 3824, "QPSK 0.68 nr-ldpc bg1", 1, 16, 0},
                        {0.5, 3825, "QPSK 1/2 nr-ldpc bg1", 1, 24, 0},
                        {0.5, 8424, "QPSK 1/2 nr-ldpc bg1", 1, 24, 0},
                        {0.5, 8425, "QPSK 1/2 nr-ldpc bg1", 2, 24, 24},
                        {0.25, 3824, "QPSK 1/4 nr-ldpc bg2", 1, 16, 0},
                        {0.25, 3825, "QPSK 1/4 nr-ldpc bg2", 2, 24, 24}};
  for (const Case& one : cases) {
    const ModulationCoding coding{.code = nr_ldpc_code(one.rate)};
    const BlockLayout layout = lay_blocks(one.bits, coding);
    EXPECT_EQ(layout.name(), one.name);
    EXPECT_EQ(layout.blocks, one.blocks) << layout.name() << " " << one.bits;
    EXPECT_EQ(layout.crc.bits, one.crc_bits);
    EXPECT_EQ(layout.whole.bits, one.whole_bits);
  }
  const ModulationCoding unchecked{.code = nr_ldpc_code(0.5), .check = false};
  EXPECT_EQ(lay_blocks(8448, unchecked).blocks, 1);
  EXPECT_EQ(lay_blocks(8449, unchecked).blocks, 2);
  EXPECT_EQ(lay_blocks(8449, unchecked).whole.bits, 0);
}

TEST(NrLdpc, TheFirstColumnsAndTheFillerAreNotSentAndTheBufferIsRepeated) {
  const NrBlock block = nr_block(NrGraph::second, 100, 2000);  // 180 information bits
  ASSERT_EQ(block.lift, 18);
  ASSERT_EQ(block.buffer, 50 * 18 - 80);
  Bits codeword(static_cast<std::size_t>(block.codeword_length)), sent(2000);
  ASSERT_EQ(codeword.size(), 52u * 18);
  const auto code = nr_ldpc(block);
  Bits filled(180, 0);
  const Bits message = random_message(100, 1);
  std::copy(message.begin(), message.end(), filled.begin());
  code->encode(filled, codeword);
  nr_select(block, codeword, sent);
  EXPECT_TRUE(std::equal(sent.begin(), sent.begin() + 64, message.begin() + 36));
  EXPECT_TRUE(std::equal(sent.begin() + 64, sent.begin() + 820, codeword.begin() + 180));
  EXPECT_TRUE(std::equal(sent.begin() + 820, sent.begin() + 1640, sent.begin()));
  EXPECT_TRUE(std::equal(sent.begin() + 1640, sent.end(), sent.begin()));

  std::vector<float> soft(2000, 1.0f), whole(codeword.size());
  nr_collect(block, soft, whole);
  EXPECT_EQ(whole[0], 0);
  EXPECT_EQ(whole[35], 0);
  EXPECT_EQ(whole[36], 3);
  EXPECT_GT(whole[100], 1e5);
  EXPECT_GT(whole[179], 1e5);
  EXPECT_EQ(whole[180], 3);
  EXPECT_EQ(whole[475], 3);
  EXPECT_EQ(whole[476], 2);
}

TEST(NrLdpc, RowsWhoseParityIsNotSentAreNotThere) {
  const auto checks = [](int sent) {
    return nr_ldpc(nr_block(NrGraph::first, 8448, sent))->checks();
  };
  EXPECT_EQ(checks(9000), 4 * 384);
  EXPECT_EQ(checks(24 * 384), 4 * 384);
  EXPECT_EQ(checks(24 * 384 + 1), 4 * 384 + 1);
  EXPECT_EQ(checks(66 * 384 - 1), 46 * 384 - 1);
  EXPECT_EQ(checks(100 * 384), 46 * 384);
}

TEST(NrLdpc, SymbolsCarryTheBitsAsTheBitInterleaverHasThem) {
  EXPECT_EQ(nr_interleaved(0, 12, 4), 0u);
  EXPECT_EQ(nr_interleaved(1, 12, 4), 3u);
  EXPECT_EQ(nr_interleaved(4, 12, 4), 1u);
  EXPECT_EQ(nr_interleaved(11, 12, 4), 11u);
  // The highest bits of all symbols are the first information bits that are sent.
  const Transport transport(500, {.code = nr_ldpc_code(0.5), .modulation = Modulation::qam64});
  EXPECT_EQ(transport.layout().coded_bits % 6, 0);
  const Bits message = random_message(500, 2);
  Bits air(transport.air_bits());
  transport.encode_bits(message, air);
  const auto first = static_cast<std::size_t>(nr_block(NrGraph::second, 516, 1032).unsent());
  for (std::size_t s = 0; s < transport.uses(); ++s) EXPECT_EQ(air[6 * s], message[first + s]);
}

// Every graph and number of columns, either side of each limit, from repetition to the rates where
// hardly any parity is left.
TEST(NrLdpc, CodeBlocksOfEverySizeComeBackOverACleanChannel) {
  for (const double rate : {1.0 / 64, 0.1, 0.2, 0.25, 1.0 / 3, 0.5, 0.67, 0.68, 0.85, 0.926, 0.95})
    for (const std::int64_t bits : {1, 2, 5, 12, 24, 100, 176, 177, 292, 293, 544, 545, 624, 625,
                                    1000, 3824, 3825, 8424, 8425})
      for (const LdpcAlgorithm algorithm : {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed}) {
        if (rate < 0.1 && bits > 1000) continue;
        const Transport transport(bits, {.code = nr_ldpc_code(rate)},
                                  {.decoder = {.ldpc = {.algorithm = algorithm}}});
        const Bits message = random_message(static_cast<std::size_t>(bits), 5);
        Bits heard(transport.bits()), held(transport.blocks());
        transport.decode(transport.encode(message), Symbols(transport.uses(), {1, 0}),
                         PooledVector<float>(transport.uses(), 0.01f), heard, held);
        ASSERT_EQ(heard, message) << rate << " " << bits;
        for (const std::uint8_t holds : held) EXPECT_EQ(holds, 1);
      }
}

TEST(NrLdpc, ACrcBehindTheWholeBlockSeesWhatNoCodeBlockSees) {
  const Transport transport(9000, {.code = nr_ldpc_code(0.5)});
  ASSERT_EQ(transport.blocks(), 2u);
  Symbols air = transport.encode(random_message(9000, 1));
  const Symbols other = transport.encode(random_message(9000, 2));
  Bits heard(9000), held(2);
  const auto hear = [&] {
    transport.decode(air, Symbols(air.size(), {1, 0}), PooledVector<float>(air.size(), 0.1f), heard,
                     held);
  };
  hear();
  EXPECT_EQ(held, (Bits{1, 1}));
  std::copy(other.begin() + static_cast<std::ptrdiff_t>(other.size() / 2), other.end(),
            air.begin() + static_cast<std::ptrdiff_t>(air.size() / 2));
  hear();
  EXPECT_EQ(held, (Bits{0, 0})) << "both code blocks are right, of two different blocks";
}

/// Frames of one code through noise that loses some of them.
struct NoisyFrames {
  NoisyFrames(const NrBlock& block, double eb_n0_db, std::uint32_t count) : code(nr_ldpc(block)) {
    const auto n = static_cast<std::size_t>(code->length());
    Bits filled(static_cast<std::size_t>(code->information())), codeword(n),
        sent(static_cast<std::size_t>(block.sent));
    std::vector<float> heard(sent.size()), whole(n);
    for (std::uint32_t f = 0; f < count; ++f) {
      const Bits message = random_message(static_cast<std::size_t>(block.message), f);
      std::copy(message.begin(), message.end(), filled.begin());
      code->encode(filled, codeword);
      nr_select(block, codeword, sent);
      hear_bpsk(sent, eb_n0_db, static_cast<double>(block.message) / block.sent, f, heard);
      nr_collect(block, heard, whole);
      soft.insert(soft.end(), whole.begin(), whole.end());
      codewords.insert(codewords.end(), codeword.begin(), codeword.end());
    }
  }
  std::size_t frames() const { return soft.size() / static_cast<std::size_t>(code->length()); }

  std::shared_ptr<const LdpcCode> code;
  std::vector<float> soft;
  Bits codewords;
};

struct Decisions {
  Bits bits;
  std::vector<LdpcOutcome> outcomes;
};

Decisions decide(const NoisyFrames& frames, const LdpcDecoding& decoding, std::size_t together,
                 const cpu::MinSumKernel* kernel = nullptr) {
  LdpcDecoder decoder(frames.code, decoding, kernel);
  const auto n = static_cast<std::size_t>(frames.code->length());
  Decisions made{Bits(frames.soft.size()), std::vector<LdpcOutcome>(frames.frames())};
  for (std::size_t f = 0; f < frames.frames(); f += together) {
    const std::size_t count = std::min(together, frames.frames() - f);
    decoder.decode({frames.soft.data() + f * n, count * n}, {made.bits.data() + f * n, count * n},
                   {made.outcomes.data() + f, count});
  }
  return made;
}

void expect_same(const Decisions& a, const Decisions& b, const std::string& what) {
  EXPECT_EQ(a.bits, b.bits) << what;
  for (std::size_t f = 0; f < a.outcomes.size(); ++f) {
    EXPECT_EQ(a.outcomes[f].iterations, b.outcomes[f].iterations) << what << ", frame " << f;
    EXPECT_EQ(a.outcomes[f].holds, b.outcomes[f].holds) << what << ", frame " << f;
  }
}

// Lifting sizes below, at and above the lanes of a register: alone, a frame has its bits in the
// lanes; among many, where the blocks are small, there is a frame in each.
TEST(NrLdpc, AFrameDecodesAloneAsAmongOthersWithEveryKernel) {
  for (const int message : {12, 50, 100, 300, 700})
    for (const double rate : {0.25, 0.6})
      for (const LdpcAlgorithm algorithm : {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed}) {
        const NrBlock block =
            nr_block(NrGraph::second, message, static_cast<int>(message / rate) + 7);
        const NoisyFrames frames(block, 1.0, 70);
        const LdpcDecoding decoding{algorithm, 9, true};
        const Decisions alone = decide(frames, decoding, 1);
        const auto right = static_cast<std::size_t>(
            std::count_if(alone.outcomes.begin(), alone.outcomes.end(),
                          [](const LdpcOutcome& outcome) { return outcome.holds; }));
        EXPECT_GT(right, 0u);
        for (const cpu::MinSumKernel& kernel : cpu::min_sum_kernels()) {
          expect_same(decide(frames, decoding, 1, &kernel), alone, frames.code->name());
          expect_same(decide(frames, decoding, 70, &kernel), alone, frames.code->name());
        }
      }
}

// A code that knows of its blocks and the same without: two ways through the kernel.
TEST(NrLdpc, BitsInLanesMakeWhatFramesInLanesMake) {
  const auto known = nr_ldpc(nr_block(NrGraph::second, 176, 500));
  NoisyFrames with(nr_block(NrGraph::second, 176, 500), 1.5, 40), without = with;
  with.code =
      LdpcCode::quasi_cyclic(*known->blocks(), known->length(), MinSumCorrection::factor, "with");
  without.code = std::make_shared<const LdpcCode>(known->length(), rows_of(*known), "without");
  for (const LdpcAlgorithm algorithm : {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed})
    for (const bool early : {true, false})
      expect_same(decide(with, {algorithm, 7, early}, 1),
                  decide(without, {algorithm, 7, early}, 40), early ? "early" : "fixed");
}

TEST(NrLdpc, LanesComputeLayeredOffsetMinSum) {
  const NoisyFrames frames(nr_block(NrGraph::first, 1000, 1600), 1.5, 6);
  const Decisions made = decide(frames, {LdpcAlgorithm::min_sum, 4, false}, 6);
  const auto n = static_cast<std::size_t>(frames.code->length());
  EXPECT_NE(made.bits, frames.codewords) << "the comparison covers failures";
  for (std::size_t f = 0; f < frames.frames(); ++f) {
    const Bits expected =
        plain_min_sum(*frames.code, {frames.soft.data() + f * n, n}, 4,
                      [](float smallest) { return std::max(0.0f, smallest - min_sum_offset); });
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                           made.bits.begin() + static_cast<std::ptrdiff_t>(f * n)))
        << f;
  }
}

TEST(NrLdpc, RatesThatCannotBeMadeAreRefusedAtTheirPlace) {
  for (const double rate : {0.0, 0.01, 0.951, 1.0, -1.0, std::nan("")})
    expect_contains(error_of([&] { nr_ldpc_code(rate); }), "/rate: ");
  expect_contains(error_of([] {
                    channel_codes().make({{"kind", "nr-ldpc"}, {"rate", 0.96}}, {});
                  }),
                  "/rate");
  nr_ldpc_code(0.95);
}

}  // namespace
}  // namespace semwave
