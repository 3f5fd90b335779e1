// Predicted losses: the table is that of this build's codes, and what it predicts happens - neither
// more nor less.
#include "phy/transport/transport_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "tests/core/expect_error.h"
#include "tests/phy/transport/expect_loss.h"
#include "tests/phy/transport/lost_frames.h"

namespace semwave {
namespace {

constexpr double within_db = 0.15;  // what a prediction is held to

// Fails where a code changed and the table was not simulated again
// (benchmarks/transport_loss_table.cpp).
TEST(TransportLossTable, IsThatOfTheCodesOfThisBuild) {
  EXPECT_EQ(coded_sha256(transport_loss_table()), transport_loss_table_codes());
  std::vector<LossRow> changed(transport_loss_table().begin(), transport_loss_table().end());
  changed[changed.size() / 2].bits += 1;
  EXPECT_NE(coded_sha256(changed), transport_loss_table_codes()) << "a digest that says nothing";
}

TEST(TransportLossTable, HoldsEveryCodingASenderMayChoose) {
  for (const ModulationCoding& coding : modulation_codings()) {
    bool found = false;
    for (const LossRow& row : transport_loss_table())
      found = found || (row.code == coding.code->kind() &&
                        row.rate == coding.code->loss_rows().value().rate &&
                        row.bits_per_symbol == bits_per_symbol(coding.modulation));
    EXPECT_TRUE(found) << coding.name() << " is not in the table: simulate it again";
  }
  for (const LossRow& row : transport_loss_table())
    for (std::size_t l = 1; l < row.snr_db.size(); ++l)
      EXPECT_GT(row.snr_db[l], row.snr_db[l - 1]) << row.coding().name() << " " << row.bits;
}

TEST(TransportLossTable, RowsAreWhatHappens) {
  const auto rows = transport_loss_table();
  std::map<std::string_view, std::vector<double>> pessimistic_db;
  for (std::size_t r = 7; r < rows.size(); r += 37)
    pessimistic_db[rows[r].code].push_back(
        expect_loss(rows[r].bits, rows[r].coding(), 0.1, 800, within_db));
  for (std::size_t r = 11; r < rows.size(); r += 181)
    expect_loss(rows[r].bits, rows[r].coding(), 0.01, 4000, within_db);
  // A single short block says little; all of one code together say more.
  for (const auto& [code, found] : pessimistic_db) {
    const double mean =
        std::accumulate(found.begin(), found.end(), 0.0) / static_cast<double>(found.size());
    if (found.size() >= 5) {
      EXPECT_NEAR(mean, 0, 0.08) << code << ", dB pessimistic over " << found.size() << " rows";
    }
  }
}

TEST(PredictedLoss, IsWhatHappensBetweenTheRowsOfTheTable) {
  const std::vector<std::pair<std::int64_t, ModulationCoding>> cases = {
      {200, {.code = ldpc_code(0.5, 648), .modulation = Modulation::qpsk}},
      {1100, {.code = ldpc_code(0.75, 1944), .modulation = Modulation::qam64}},
      {976,
       {.code = automatic_code(0.75),
        .modulation = Modulation::qam16}},  // shortened: 992 of 1458 bits
      {700, {.code = ldpc_code(0.5, 648), .modulation = Modulation::qpsk}},  // three code blocks
      {2500, {.code = automatic_code(5.0 / 6), .modulation = Modulation::qam256}},
      {96, {.code = polar_code(0.5), .modulation = Modulation::bpsk}},
      {200, {.code = polar_code(2.0 / 3), .modulation = Modulation::qam16}},
      {60, {.code = polar_code(1.0 / 6), .modulation = Modulation::qpsk}},
      {700, {.code = automatic_code(0.71), .modulation = Modulation::qam64}},
      {100, {.code = convolutional_code(), .modulation = Modulation::qpsk}},
      {300, {.code = no_code(), .modulation = Modulation::qam16}}};
  for (const auto& [bits, coding] : cases) expect_loss(bits, coding, 0.05, 1500, within_db);
}

// Low rates meet every length of code block on the way.
TEST(PredictedLoss, HoldsForPolarBlocksOfEverySize) {
  for (const double rate : {0.0625, 0.12, 0.23, 0.34})
    for (const int bits : {40, 104, 168, 240, 328, 600})
      expect_loss(bits, {.code = polar_code(rate), .modulation = Modulation::qpsk}, 0.03, 600,
                  within_db);
}

/// A code in every way, that only rows from outside know.
class TabledCode final : public ChannelCode {
 public:
  std::string kind() const override { return "tabled"; }
  std::string name() const override { return "1/2 tabled"; }
  std::int64_t largest_message() const override { return 1000; }
  std::int64_t coded_bits(std::int64_t message) const override { return 2 * message; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks&) const override { return nullptr; }
  std::optional<LossRows> loss_rows() const override { return LossRows{"tabled", 0.5}; }
  std::vector<Component> components() const override { return {}; }
};

TEST(PredictedLoss, TakesRowsFromOutside) {
  const ModulationCoding coding{.code = std::make_shared<const TabledCode>(), .check = false};
  const double approximated = predicted_loss(100, coding, 3);
  const std::string before = transport_loss_table_sha256();
  const std::vector<LossRow> rows = {{"tabled", 0.5, 2, 100, 0, {1, 2, 2.5, 3, 4, 5}},
                                     {"tabled", 0.5, 2, 400, 0, {2, 3, 3.5, 4, 5, 6}}};
  add_loss_rows(rows);
  EXPECT_NE(predicted_loss(100, coding, 3), approximated);
  EXPECT_NEAR(predicted_loss(100, coding, 3), 1e-2, 1e-9);
  EXPECT_NEAR(predicted_loss(200, coding, 3.5), 1e-2, 1e-9);  // straight in the logarithm
  EXPECT_NE(transport_loss_table_sha256(), before);
  EXPECT_EQ(coded_sha256(transport_loss_table()), transport_loss_table_codes());
  expect_contains(error_of([&] { add_loss_rows(rows); }), "already");
  const std::vector<LossRow> falling = {{"falling", 0.5, 2, 100, 0, {5, 4, 3, 2, 1, 0}}};
  expect_contains(error_of([&] { add_loss_rows(falling); }), "do not rise");
}

TEST(PredictedLoss, FallsWithTheSnrAndRisesWithTheBlocks) {
  for (const ModulationCoding& coding : modulation_codings()) {
    double before = 1.1;
    for (double snr_db = -15; snr_db < 35; snr_db += 0.5) {
      const double loss = predicted_loss(500, coding, snr_db);
      EXPECT_LE(loss, before) << coding.name() << " " << snr_db;
      EXPECT_GE(loss, 0);
      before = loss;
    }
    EXPECT_LT(before, 1e-6);
  }
  const ModulationCoding half{.code = automatic_code(0.5)};
  EXPECT_EQ(predicted_loss(0, half, 0), 0);
  EXPECT_GT(predicted_loss(20000, half, 1.5), predicted_loss(900, half, 1.5));
}

}  // namespace
}  // namespace semwave
