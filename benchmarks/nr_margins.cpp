// Simulates the LDPC codes of 5G NR and writes phy/code/ldpc/nr_margins.inc: how far from the
// normal approximation a code block is lost with a probability of 1e-2; half an hour of one core:
//
//   ninja -C build benchmark_nr_margins
//   build/benchmarks/nr_margins phy/code/ldpc/nr_margins.inc
//
// Run it again whenever these codes, the min-sum decoder or the demapper change.
// tests/phy/code/ldpc/nr_loss_test.cpp holds fresh simulation against what follows from the table.
#include <fmt/core.h>
#include <fmt/ostream.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "phy/bounds/capacity.h"
#include "phy/code/ldpc/nr_ldpc.h"
#include "tests/phy/transport/lost_frames.h"

namespace {

using namespace semwave;

constexpr double target = 1e-2;
constexpr int enough = 40;  // losses of a point: 16 %, a few hundredths of a dB
constexpr int most_frames = 5000;

/// Where the waterfall of one code block falls to the target, above the normal approximation.
double margin_db(double rate, std::int64_t bits, int width) {
  const ModulationCoding coding{.code = nr_ldpc_code(rate), .modulation = modulation_of(width)};
  const Transport transport(bits, coding);
  const BlockLayout& layout = transport.layout();
  const double uses = static_cast<double>(layout.coded_bits) / width,
               carried = static_cast<double>(bits + layout.crc.bits) / uses;
  const auto bound = [&](double loss) {
    return normal_approximation_snr_db(coding.modulation, uses, carried, loss);
  };
  const double step = std::clamp((bound(1e-3) - bound(1e-1)) / 3, 0.1, 0.5);
  double at = bound(target), before = 0;
  for (bool first = true;; first = false, at += step) {
    const LostFrames met = lose(transport, at, most_frames, enough);
    const double now = std::log10(std::max(met.share(), 0.5 / met.frames));
    if (now > std::log10(target)) {
      before = now;
      continue;
    }
    if (first) {
      at -= 4 * step;
      continue;
    }
    return at - step * (std::log10(target) - now) / (before - now) - bound(target);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates the margins of the LDPC codes of 5G NR");
  std::string out;
  int threads = 1;
  app.add_option("out", out, "the table to write: phy/code/ldpc/nr_margins.inc")->required();
  app.add_option("--threads", threads, "threads")->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);

  struct Row {
    double rate = 0;
    std::int64_t bits = 0;
    double margins_db[4] = {};  // 2, 4, 6, 8 bits a symbol
  };
  std::vector<Row> rows;
  for (const double rate : {120.0 / 1024, 0.2, 1.0 / 3, 0.5, 2.0 / 3, 0.68, 5.0 / 6, 0.93})
    for (const std::int64_t bits : {24, 100, 292, 293, 1000, 3824, 3825, 8424})
      if (rate > 0.25 || bits <= 3824) rows.push_back({.rate = rate, .bits = bits});
  ThreadPool pool(threads);
  pool.run(static_cast<int>(4 * rows.size()), [&](int job) {
    Row& row = rows[rows.size() - 1 - static_cast<std::size_t>(job / 4)];
    const int width = 2 + 2 * (job % 4);
    row.margins_db[job % 4] = margin_db(row.rate, row.bits, width);
    fmt::print(stderr, "{} of {}: {:.3f} {} {} {:.3f}\n", job + 1, 4 * rows.size(), row.rate,
               row.bits, width, row.margins_db[job % 4]);
  });

  std::ofstream table(out);
  fmt::print(table,
             "// Written by benchmarks/nr_margins.cpp; do not edit. Rate, information bits of the "
             "code block, and for 2, 4, 6 and 8 "
             "bits a symbol the\n// dB above the normal approximation at which it is lost with a "
             "probability of 1e-2.\n");
  for (const Row& row : rows)
    fmt::print(table, "{{{}, {}, {{{:.2f}, {:.2f}, {:.2f}, {:.2f}}}}},\n", row.rate, row.bits,
               row.margins_db[0], row.margins_db[1], row.margins_db[2], row.margins_db[3]);
  table.flush();
  if (!table) {
    fmt::print(stderr, "{} cannot be written\n", out);
    return 1;
  }
  return 0;
}
