// The whole table of the conventions, rare errors included, with many more errors a point.
#include "tests/experiment/run/golden_points.h"

namespace semwave {
namespace {

constexpr Modulation bpsk = Modulation::bpsk, qpsk = Modulation::qpsk, qam16 = Modulation::qam16,
                     qam64 = Modulation::qam64;

TEST(GoldenFiguresLong, CommonErrorsMatchTightly) {
  std::vector<GoldenPoint> points;
  for (const Modulation m : {bpsk, qpsk}) {
    for (const auto& [db, rate] : {std::pair{0.0, 7.865e-2}, {4.0, 1.250e-2}})
      points.push_back({m, false, db, rate});
    for (const auto& [db, rate] :
         {std::pair{0.0, 1.464e-1}, {4.0, 7.714e-2}, {8.0, 3.546e-2}, {10.0, 2.327e-2}})
      points.push_back({m, true, db, rate});
  }
  for (const auto& [db, rate] : {std::pair{4.0, 5.862e-2}, {8.0, 9.247e-3}, {10.0, 1.754e-3}})
    points.push_back({qam16, false, db, rate});
  for (const auto& [db, rate] :
       {std::pair{4.0, 1.199e-1}, {8.0, 6.199e-2}, {10.0, 4.237e-2}, {12.0, 2.825e-2}})
    points.push_back({qam16, true, db, rate});
  for (const auto& [db, rate] : {std::pair{8.0, 5.233e-2}, {10.0, 2.653e-2}, {12.0, 9.724e-3}})
    points.push_back({qam64, false, db, rate});
  for (const auto& [db, rate] : {std::pair{8.0, 1.042e-1}, {10.0, 7.668e-2}, {12.0, 5.436e-2}})
    points.push_back({qam64, true, db, rate});
  expect_golden(points, 30000);
}

TEST(GoldenFiguresLong, RareErrorsMatch) {
  expect_golden({{bpsk, false, 8, 1.909e-4},
                 {bpsk, false, 10, 3.872e-6},
                 {qpsk, false, 8, 1.909e-4},
                 {qpsk, false, 10, 3.872e-6},
                 {qam16, false, 12, 1.387e-4},
                 {bpsk, true, 10, 9.698e-6, 1, 4}},
                1200);
}

}  // namespace
}  // namespace semwave
