// Error rates of uncoded symbols against the closed forms of docs/conventions.md, and the union
// bound against what it bounds.
#include "phy/bounds/error_rate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "phy/bounds/capacity.h"

namespace semwave {
namespace {

double linear(double db) {
  return std::pow(10.0, db / 10);
}

/// The same points, without what is known of their structure.
Modulation as_points(Modulation modulation) {
  const auto points = modulation.points().points();
  return Modulation::of(std::make_shared<const Constellation>(
      modulation_name(modulation) + " by its points",
      std::vector<std::complex<double>>(points.begin(), points.end())));
}

TEST(ErrorRate, BitsErrAsTheConventionsSay) {
  struct Known {
    Modulation modulation;
    double eb_n0_db, rate;
  };
  for (const Known& known : {Known{Modulation::bpsk, 4, 1.250e-2},
                             {Modulation::qpsk, 8, 1.909e-4},
                             {Modulation::qam16, 4, 5.862e-2},
                             {Modulation::qam16, 12, 1.387e-4},
                             {Modulation::qam64, 8, 5.233e-2},
                             {Modulation::qam64, 12, 9.724e-3}}) {
    const double snr = linear(known.eb_n0_db) * bits_per_symbol(known.modulation);
    EXPECT_NEAR(bit_error_rate(known.modulation, snr) / known.rate, 1, 1e-3)
        << modulation_name(known.modulation);
  }
}

TEST(ErrorRate, TheUnionBoundLiesAboveAndMeetsTheRateWhereErrorsAreRare) {
  for (const Modulation modulation : {Modulation::qpsk, Modulation::qam16, Modulation::qam64}) {
    const Modulation points = as_points(modulation);
    for (const double snr_db : {0.0, 10.0, 20.0}) {
      EXPECT_GE(symbol_error_rate(points, linear(snr_db)),
                symbol_error_rate(modulation, linear(snr_db)) * (1 - 1e-6));
      EXPECT_GE(bit_error_rate(points, linear(snr_db)),
                bit_error_rate(modulation, linear(snr_db)) * (1 - 1e-6));
    }
    const double rare = linear(10 + 3 * bits_per_symbol(modulation));
    EXPECT_NEAR(symbol_error_rate(points, rare) / symbol_error_rate(modulation, rare), 1, 1e-2);
    EXPECT_NEAR(bit_error_rate(points, rare) / bit_error_rate(modulation, rare), 1, 1e-2);
  }
}

TEST(ErrorRate, ABlockIsLostWithAnyOfItsSymbols) {
  const double wrong = symbol_error_rate(Modulation::qam16, linear(15));
  EXPECT_NEAR(lost_symbols(400, Modulation::qam16, 15), 1 - std::pow(1 - wrong, 100), 1e-12);
  EXPECT_NEAR(lost_symbols(400, as_points(Modulation::qpsk), 8),
              1 - std::pow(1 - symbol_error_rate(as_points(Modulation::qpsk), linear(8)), 200),
              1e-12);
}

TEST(ErrorRate, InformationOfAnyPointsIsThatOfTheirStructure) {
  for (const Modulation modulation : {Modulation::bpsk, Modulation::qpsk, Modulation::qam16})
    for (const double snr_db : {-5.0, 5.0, 15.0}) {
      const Information known = constellation_information(modulation, linear(snr_db)),
                        found = constellation_information(as_points(modulation), linear(snr_db));
      EXPECT_NEAR(found.capacity, known.capacity, 1e-4) << modulation_name(modulation);
      EXPECT_NEAR(found.dispersion, known.dispersion, 1e-3) << modulation_name(modulation);
    }
}

}  // namespace
}  // namespace semwave
