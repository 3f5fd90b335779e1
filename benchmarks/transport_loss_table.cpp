// Simulates the code blocks of channel/transport.h and writes channel/transport_loss_table.inc to standard output; a few minutes on one core:
//
//   ninja -C build benchmark_transport_loss_table && build/benchmarks/transport_loss_table > new.inc && mv new.inc channel/transport_loss_table.inc
//
// Run it again whenever a code, a decoder, the interleaver or the demapper changes; tests/channel/transport_test.cpp compares the table with fresh
// simulation. A loss is a code block whose CRC fails or whose bits are wrong. Draws are fixed, so the file is reproducible.
#include <fmt/core.h>

#include <array>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "channel/capacity.h"
#include "channel/transport.h"
#include "core/random.h"
#include "core/thread_pool.h"

namespace {

using namespace semwave;

constexpr int enough_losses = 60, most_trials = 4000;
constexpr double last_loss = 8e-3;  // below it the waterfall is continued along its last step
constexpr std::array<double, 4> losses = {0.5, 0.1, 0.01, 0.001};
constexpr std::array<Modulation, 4> modulations = {Modulation::qpsk, Modulation::qam16, Modulation::qam64, Modulation::qam256};
constexpr std::array<double, 8> polar_rates = {1.0 / 16, 1.0 / 8, 1.0 / 5, 1.0 / 3, 1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6};
constexpr std::array<double, 4> ldpc_rates = {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6};

struct Row {
  std::int64_t bits;
  ModulationCoding coding;
  std::array<double, losses.size()> snr_db{};
};

double simulate(const Transport& transport, double snr_db, std::uint32_t experiment) {
  const std::size_t bits = transport.bits(), uses = transport.uses();
  const std::size_t together = transport.layout().ldpc ? 64 : 1;
  const double deviation = std::pow(10.0, -snr_db / 20);
  const List<float> variance(together * uses, static_cast<float>(deviation * deviation));
  const Symbols gains(together * uses, {1, 0});
  Symbols y(together * uses);
  Bits sent(together * bits), heard(together * bits), held(together * transport.blocks());
  int lost = 0, trials = 0;
  while (lost < enough_losses && trials < most_trials) {
    for (std::size_t t = 0; t < together; ++t) {
      const auto trial = static_cast<std::uint32_t>(trials) + static_cast<std::uint32_t>(t);
      for (std::uint32_t b = 0; b < bits; ++b) sent[t * bits + b] = philox(1, Purpose::data_bits, experiment, trial, b / 128)[b % 128 / 32] >> (b % 32) & 1u;
      const Symbols symbols = transport.encode(std::span(sent).subspan(t * bits, bits));
      for (std::uint32_t u = 0; u < uses; ++u) y[t * uses + u] = symbols[u] + std::complex<float>(deviation * complex_normal(philox(1, Purpose::noise, experiment, trial, u)));
    }
    transport.decode(y, gains, variance, heard, held);
    for (std::size_t t = 0; t < together; ++t) {
      bool wrong = !held[t];
      for (std::size_t b = t * bits; b < (t + 1) * bits; ++b) wrong = wrong || sent[b] != heard[b];
      lost += wrong;
      ++trials;
    }
  }
  return std::clamp(static_cast<double>(lost) / trials, 0.5 / trials, 1 - 0.5 / trials);
}

double exponent(double loss) { return std::log10(-std::log1p(-loss)); }

/// Walks down the waterfall and reads the SNRs of the losses off it.
void fill(Row& row, std::uint32_t experiment) {
  const Transport transport(row.bits, row.coding);
  const auto uses = static_cast<double>(transport.layout().coded_bits) / bits_per_symbol(row.coding.modulation);
  const double rate = static_cast<double>(row.bits + transport.layout().crc.bits) / uses;
  const double half = normal_approximation_snr_db(row.coding.modulation, uses, rate, 0.5), rare = normal_approximation_snr_db(row.coding.modulation, uses, rate, 1e-3);
  const double step = std::clamp((rare - half) / 4, 0.1, 0.8);
  double at = half;
  while (simulate(transport, at, experiment) < 0.6) at -= step;
  std::vector<double> snr_db, known;
  do {
    snr_db.push_back(at);
    known.push_back(exponent(simulate(transport, at, experiment)));
    at += step;
  } while (known.back() > exponent(last_loss));
  for (std::size_t l = 0; l < losses.size(); ++l) {
    std::size_t right = 1;
    while (right + 1 < known.size() && known[right] > exponent(losses[l])) ++right;
    const double slope = (known[right] - known[right - 1]) / (snr_db[right] - snr_db[right - 1]);
    row.snr_db[l] = snr_db[right - 1] + (exponent(losses[l]) - known[right - 1]) / slope;
  }
}

}  // namespace

int main() {
  std::vector<Row> rows;
  for (const int length : {648, 1296, 1944})
    for (const double rate : ldpc_rates)
      for (const Modulation modulation : modulations) {
        Row row{0, {.code = ChannelCode::ldpc, .rate = rate, .modulation = modulation, .length = length}};
        const BlockLayout one = lay_blocks(1, row.coding);
        row.bits = one.ldpc->information() - one.crc.bits;
        rows.push_back(row);
      }
  for (const double rate : polar_rates)
    for (const Modulation modulation : modulations) {
      if (rate < 0.5 && modulation != Modulation::qpsk) continue;
      const ModulationCoding coding{.code = ChannelCode::polar, .rate = rate, .modulation = modulation};
      std::int64_t most = 1;
      while (lay_blocks(most + 1, coding).blocks == 1) ++most;
      for (std::int64_t bits = 8; bits < most; bits *= 4) rows.push_back({bits, coding});
      rows.push_back({most, coding});
    }
  for (const Modulation modulation : modulations)
    for (const std::int64_t bits : {8, 128, 1008}) rows.push_back({bits, {.code = ChannelCode::convolutional, .modulation = modulation}});

  ThreadPool pool(static_cast<int>(std::thread::hardware_concurrency()));
  pool.run(static_cast<int>(rows.size()), [&](int r) {
    const int from_the_end = static_cast<int>(rows.size()) - 1 - r;
    fill(rows[static_cast<std::size_t>(from_the_end)], static_cast<std::uint32_t>(from_the_end));
    fmt::print(stderr, "{} of {}\n", r + 1, rows.size());
  });
  fmt::print("// Written by benchmarks/transport_loss_table.cpp; do not edit. Es/N0 in dB at which a code block is lost with a probability of 0.5, 0.1, 0.01, 0.001.\n");
  fmt::print("constexpr std::array<double, {}> loss_table_losses = {{{}, {}, {}, {}}};\n", losses.size(), losses[0], losses[1], losses[2], losses[3]);
  fmt::print("// Code, its rate, constellation, information bits of the code block without its CRC, length of an LDPC code.\n");
  fmt::print("constexpr std::array<LossRow, {}> loss_table = {{{{\n", rows.size());
  static constexpr std::array<const char*, 5> code_names = {"automatic", "none", "convolutional", "ldpc", "polar"};
  for (const Row& row : rows)
    fmt::print("    {{ChannelCode::{}, {:.6f}, {}, {}, {}, {{{:.3f}, {:.3f}, {:.3f}, {:.3f}}}}},\n", code_names[static_cast<std::size_t>(row.coding.code)], row.coding.rate,
               bits_per_symbol(row.coding.modulation), row.bits, row.coding.length, row.snr_db[0], row.snr_db[1], row.snr_db[2], row.snr_db[3]);
  fmt::print("}}}};\n");
  return 0;
}
