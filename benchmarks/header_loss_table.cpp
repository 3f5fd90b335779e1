// Simulates the header code and writes phy/header/header_loss_table.inc to standard output, about
// six minutes on one core:
//
//   ninja -C build benchmark_header_loss_table && build/benchmarks/header_loss_table > new.inc &&
//   mv new.inc phy/header/header_loss_table.inc
//
// Run it again whenever the code, the interleaver, a format or its repetition changes;
// tests/phy/header/header_loss_test.cpp compares the table with fresh simulation. A loss is a part
// that is not read, or read wrongly. Draws are fixed, so the file is reproducible.
#include <fmt/core.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/random/random.h"
#include "phy/header/header_codec.h"

namespace {

using semwave::Bits;

constexpr double step_db = 0.5;
constexpr int columns = 21;
constexpr std::array<int, 8> lengths = {8, 17, 32, 64, 128, 256, 512, 1024};
constexpr std::array<double, 4> first_snr_db = {2, -3, -7, -12};  // of each format's waterfall

struct Count {
  int losses = 0, trials = 0;
  /// log10 of -ln(1 - loss); all lost counts as half a header read.
  double exponent() const {
    const double loss = std::min(static_cast<double>(losses) / trials, 1 - 0.5 / trials);
    return std::log10(-std::log1p(-loss));
  }
};

Count simulate(int bits, int format, double snr_db) {
  const int most = bits <= 64 ? 200000 : 12800000 / bits;
  const double noise_variance = std::pow(10.0, -snr_db / 10), deviation = std::sqrt(noise_variance);
  const auto experiment = static_cast<std::uint32_t>(format * 1000 + bits);
  Count count;
  while (count.trials < most && count.losses < 400) {
    const auto trial = static_cast<std::uint32_t>(count.trials++);
    semwave::HeaderOnAir header{.parts = {Bits(static_cast<std::size_t>(bits))}, .format = format};
    for (std::size_t i = 0; i < header.parts[0].size(); ++i)
      header.parts[0][i] = semwave::philox(1, semwave::Purpose::data_bits, experiment, trial,
                                           static_cast<std::uint32_t>(i))[0] &
                           1u;
    semwave::Symbols symbols = semwave::encode_header(header);
    const auto visit =
        trial + 1000000u * static_cast<std::uint32_t>(std::lround(2 * (snr_db + 20)));
    for (std::size_t u = 0; u < symbols.size(); ++u)
      symbols[u] +=
          std::complex<float>(deviation * semwave::complex_normal(semwave::philox(
                                              1, semwave::Purpose::header_noise, experiment, visit,
                                              static_cast<std::uint32_t>(u))));
    const semwave::Symbols gains(symbols.size(), {1, 0});
    const auto read =
        semwave::decode_header(symbols, gains, noise_variance, bits, [](const Bits&) { return 0; });
    count.losses += !read || (*read)[0] != header.parts[0];
  }
  return count;
}

/// One waterfall. Once losses become too rare to count, it goes on along the mean slope of its last
/// two steps.
std::array<double, columns> waterfall(int bits, int format) {
  std::array<double, columns> exponent{};
  int known = 0;
  for (; known < columns; ++known) {
    const auto at = static_cast<std::size_t>(known);
    const Count count =
        simulate(bits, format, first_snr_db[static_cast<std::size_t>(format)] + step_db * known);
    if (count.losses < 15) break;
    exponent[at] = count.exponent();
  }
  const auto end = static_cast<std::size_t>(known);
  const double slope = (exponent[end - 1] - exponent[end - 3]) / 2;
  for (std::size_t at = end; at < columns; ++at) exponent[at] = exponent[at - 1] + slope;
  return exponent;
}

}  // namespace

int main() {
  fmt::print(
      "// Written by benchmarks/header_loss_table.cpp; do not edit. log10 of -ln(1 - loss) by "
      "format, part length, SNR.\n");
  fmt::print("constexpr double loss_table_step_db = {};\nconstexpr int loss_table_columns = {};\n",
             step_db, columns);
  fmt::print("constexpr std::array<int, {}> loss_table_lengths = {{", lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) fmt::print("{}{}", i ? ", " : "", lengths[i]);
  fmt::print("}};\nstruct LossTable {{\n  double first_snr_db;\n");
  fmt::print(
      "  std::array<std::array<double, loss_table_columns>, loss_table_lengths.size()> "
      "exponent;\n}};\n");
  fmt::print("constexpr std::array<LossTable, {}> loss_table = {{{{\n", first_snr_db.size());
  for (std::size_t format = 0; format < first_snr_db.size(); ++format) {
    fmt::print("    {{{},  // {}\n     {{{{", first_snr_db[format],
               semwave::header_formats()[format].name);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      fmt::print("{}{{{{", i ? ",\n       " : "");
      const auto curve = waterfall(lengths[i], static_cast<int>(format));
      for (std::size_t c = 0; c < curve.size(); ++c)
        fmt::print("{}{:.3f}", c ? ", " : "", curve[c]);
      fmt::print("}}}}");
      std::fflush(stdout);
    }
    fmt::print("}}}}}}{}\n", format + 1 < first_snr_db.size() ? "," : "");
  }
  fmt::print("}}}};\n");
}
