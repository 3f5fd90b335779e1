// Simulates the code blocks of phy/transport/transport.h and writes
// phy/transport/transport_loss_table.inc; about an hour of one core:
//
//   ninja -C build benchmark_transport_loss_table
//   build/benchmarks/transport_loss_table phy/transport/transport_loss_table.inc --rows
//   build/loss_rows.txt
//
// Run it again whenever a code, a decoder, the interleaver or the demapper changes.
// tests/phy/transport/transport_loss_test.cpp compares the codes with those the table was made
// from, and a sample of its rows with fresh simulation.
//
// Finished rows go to the file of --rows as they come, so that a run that was stopped goes on where
// it was; a row counts only for the codes it was made from. A loss is a code block whose CRC fails
// or whose bits are wrong. Draws are fixed and the same for every SNR of a row, so the table is
// reproducible and its waterfalls are smooth.
#include <fmt/core.h>
#include <fmt/ostream.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/cpu/complex_normals.h"
#include "core/random/random.h"
#include "phy/bounds/capacity.h"
#include "phy/code/polar/polar_code.h"
#include "phy/transport/transport.h"
#include "phy/transport/transport_loss.h"

namespace {

using namespace semwave;

constexpr std::size_t together = 64;   // frames a call; what the LDPC decoder likes
constexpr std::size_t messages = 256;  // that frames take in turn
constexpr double rarest = 1e-4;        // the last loss of the table
constexpr int fewest_losses = 5;       // that a point of the waterfall stands on
constexpr double most_viterbi_bits =
    3e7;  // decoded for one point: a waterfall goes on along its last step from there

/// Losses to wait for: an error of 10 % where blocks are lost often, of 30 % where they are not,
/// which moves the SNR of a waterfall by a few hundredths of a dB.
int enough_losses(double loss) {
  return loss > 5e-3 ? 120 : loss > 5e-4 ? 30 : 10;
}

/// Frames of one code block through AWGN.
class Simulation {
 public:
  Simulation(const LossRow& row, std::uint32_t experiment)
      : list_(row.bits, row.coding()),
        single_(row.bits, row.coding(), {.decoder = {.list = 1}}),
        experiment_(experiment),
        message_(messages * list_.bits()),
        symbols_(messages * list_.uses()) {
    for (std::size_t m = 0; m < messages; ++m) {
      const std::span message = std::span(message_).subspan(m * list_.bits(), list_.bits());
      RandomWords words{};
      for (std::size_t b = 0; b < message.size(); ++b) {
        if (b % 128 == 0)
          words = philox(1, Purpose::data_bits, experiment, static_cast<std::uint32_t>(m),
                         static_cast<std::uint32_t>(b / 128));
        message[b] = words[b % 128 / 32] >> (b % 32) & 1u;
      }
      const Symbols made = list_.encode(message);
      std::copy(made.begin(), made.end(),
                symbols_.begin() + static_cast<std::ptrdiff_t>(m * list_.uses()));
    }
  }

  const BlockLayout& layout() const { return list_.layout(); }

  /// Nullopt where losses are too rare to count.
  std::optional<double> loss(double snr_db) {
    const std::size_t bits = list_.bits(), uses = list_.uses();
    const double deviation = std::pow(10.0, -snr_db / 20);
    const semwave::PooledVector<float> variance(together * uses,
                                                static_cast<float>(deviation * deviation));
    const Symbols gains(together * uses, {1, 0});
    Symbols y(together * uses);
    Bits heard(together * bits), held(together);
    std::int64_t lost = 0, trials = 0;
    double most = 1.25 * enough_losses(rarest) / rarest;
    if (layout().code->kind() == "convolutional")
      most = std::min(most, most_viterbi_bits / static_cast<double>(bits));
    const auto seen = [&] {
      return static_cast<double>(lost) / static_cast<double>(std::max<std::int64_t>(trials, 1));
    };
    while (static_cast<double>(trials) < most && (trials < 256 || lost < enough_losses(seen()))) {
      for (std::size_t t = 0; t < together; ++t) {
        const auto trial = static_cast<std::uint32_t>(trials) + static_cast<std::uint32_t>(t);
        const std::span from = std::span(symbols_).subspan(trial % messages * uses, uses);
        add_complex_normals(std::span(y).subspan(t * uses, uses), from, 0u, 1, Purpose::noise,
                            experiment_, trial, static_cast<float>(deviation));
      }
      if (list_.layout().code->kind() == "polar")
        decode_polar(y, gains, variance, heard, held, trials);
      else
        list_.decode(y, gains, variance, heard, held);
      for (std::size_t t = 0; t < together; ++t, ++trials)
        lost += !held[t] || !right(heard, t, trials);
    }
    if (lost < fewest_losses) return std::nullopt;
    return std::min(seen(), 1 - 0.5 / static_cast<double>(trials));
  }

 private:
  bool right(const Bits& heard, std::size_t t, std::int64_t trial) const {
    const auto sent =
        message_.begin() +
        static_cast<std::ptrdiff_t>(static_cast<std::size_t>(trial) % messages * list_.bits());
    return std::equal(sent, sent + static_cast<std::ptrdiff_t>(list_.bits()),
                      heard.begin() + static_cast<std::ptrdiff_t>(t * list_.bits()));
  }

  /// A frame that one path decodes rightly is taken as rightly decoded by the list, which nearly
  /// always holds that path and prefers it; the others go through the list. Six times faster, and
  /// no difference that could be counted.
  void decode_polar(const Symbols& y, const Symbols& gains,
                    const semwave::PooledVector<float>& variance, Bits& heard, Bits& held,
                    std::int64_t first) {
    single_.decode(y, gains, variance, heard, held);
    const std::size_t bits = list_.bits(), uses = list_.uses();
    for (std::size_t t = 0; t < together; ++t) {
      if (held[t] && right(heard, t, first + static_cast<std::int64_t>(t))) continue;
      list_.decode(std::span(y).subspan(t * uses, uses), std::span(gains).first(uses),
                   std::span(variance).first(uses), std::span(heard).subspan(t * bits, bits),
                   std::span(held).subspan(t, 1));
    }
  }

  Transport list_, single_;
  std::uint32_t experiment_;
  Bits message_;
  Symbols symbols_;
};

double exponent(double loss) {
  return std::log10(-std::log1p(-loss));
}

/// What draws of a row are keyed by.
int code_number(std::string_view code) {
  return code == "convolutional" ? 2 : code == "ldpc" ? 3 : 4;
}

/// Walks down the waterfall and reads the SNRs of the losses off it.
void fill(LossRow& row) {
  // Draws of a row are its own, whatever other rows there are.
  const auto experiment =
      static_cast<std::uint32_t>(row.bits + 4096 * row.bits_per_symbol +
                                 65536 * code_number(row.code) + 1000003 * row.length) +
      static_cast<std::uint32_t>(std::lround(row.rate * 1e6)) * 7919u;
  Simulation simulation(row, experiment);
  const auto uses = static_cast<double>(simulation.layout().coded_bits) / row.bits_per_symbol;
  const double rate = static_cast<double>(row.bits + simulation.layout().crc.bits) / uses;
  const Modulation modulation = modulation_of(row.bits_per_symbol);
  const double half = normal_approximation_snr_db(modulation, uses, rate, 0.5);
  const double step = std::clamp(
      (normal_approximation_snr_db(modulation, uses, rate, rarest) - half) / 6, 0.15, 0.8);
  double at = half;
  std::vector<double> snr_db, known;
  while (simulation.loss(at).value_or(0) < 0.6) at -= step;
  while (known.empty() || known.back() > exponent(rarest)) {
    const std::optional<double> loss = simulation.loss(at);
    if (!loss) break;
    snr_db.push_back(at);
    known.push_back(exponent(*loss));
    at += step;
  }
  for (std::size_t l = 0; l < loss_table_losses.size(); ++l) {
    std::size_t right = 1;
    while (right + 1 < known.size() && known[right] > exponent(loss_table_losses[l])) ++right;
    // As many losses at two SNRs, where only a few could be counted, say nothing of the slope.
    while (right > 1 && known[right] >= known[right - 1]) --right;
    const double slope = (known[right] - known[right - 1]) / (snr_db[right] - snr_db[right - 1]);
    row.snr_db[l] = snr_db[right - 1] + (exponent(loss_table_losses[l]) - known[right - 1]) / slope;
  }
}

/// Lengths of message at which a polar code of this rate and constellation is simulated: either
/// side of each change of the mother code, where the SNR jumps by up to 0.5 dB, and between these
/// in steps that keep a straight line within 0.1 dB.
std::set<std::int64_t> polar_lengths(const ModulationCoding& coding) {
  const auto code = [&](std::int64_t bits) {
    return PolarCode(static_cast<int>(bits), static_cast<int>(lay_blocks(bits, coding).coded_bits),
                     crc_11);
  };
  std::set<std::int64_t> lengths = {1};
  std::int64_t most = 1;
  for (; lay_blocks(most + 1, coding).blocks == 1; ++most)
    if (code(most + 1).mother() != code(most).mother()) lengths.insert({most, most + 1});
  lengths.insert(most);

  // Short codes vary more, and cost less; so do those behind large constellations, whose bits are
  // not alike: which of them meet which coded bits changes with every length.
  const bool qpsk = coding.modulation == Modulation::qpsk;
  const auto step_at = [&](int length) {
    if (length <= 96) return qpsk ? 1.2 : 1.06;
    if (length <= 256) return qpsk ? 1.2 : 1.12;
    return qpsk ? 1.45 : 1.2;
  };
  std::set<std::int64_t> between;
  for (auto from = lengths.begin(), to = std::next(from); to != lengths.end(); ++from, ++to) {
    const auto low = static_cast<double>(*from + crc_11.bits),
               high = static_cast<double>(*to + crc_11.bits);
    const double step = step_at(code(*to).length());
    const int steps = static_cast<int>(std::ceil(std::log(high / low) / std::log(step)));
    for (int s = 1; s < steps; ++s)
      between.insert(std::lround(low * std::pow(high / low, s / static_cast<double>(steps))) -
                     crc_11.bits);
  }
  lengths.merge(between);
  return lengths;
}

std::vector<LossRow> rows_to_fill() {
  std::vector<LossRow> rows;
  // LDPC: full, and shortened down to one bit.
  for (const int length : {648, 1296, 1944})
    for (const double rate : {1.0 / 2, 2.0 / 3, 3.0 / 4, 5.0 / 6})
      for (const int width : {2, 4, 6, 8}) {
        const int most = static_cast<int>(std::lround(length * rate)) - 16;
        std::set<int> lengths = {1, 8, 16, 32};
        // The shortest code is the one that short messages meet, and there they differ most.
        if (length == 648) lengths.insert({4, 12, 20, 24, 28, 40});
        for (const double share : {0.06, 0.1, 0.16, 0.22, 0.3, 0.4, 0.55, 0.75, 1.0}) {
          const int bits = static_cast<int>(std::lround(most * share));
          if (bits > 40) lengths.insert(bits);
        }
        for (const int bits : lengths) rows.push_back({"ldpc", rate, width, bits, length});
      }
  // Polar: the rates a sender may choose from.
  std::map<int, std::vector<double>> rates;
  for (const ModulationCoding& coding : modulation_codings())
    if (coding.code->kind() == "polar")
      rates[bits_per_symbol(coding.modulation)].push_back(coding.code->loss_rows().value().rate);
  for (const auto& [width, of_width] : rates)
    for (const double rate : of_width) {
      const ModulationCoding coding{.code = polar_code(rate), .modulation = modulation_of(width)};
      for (const std::int64_t bits : polar_lengths(coding))
        rows.push_back({"polar", rate, width, static_cast<int>(bits), 0});
    }
  for (const int width : {2, 4, 6, 8})
    for (const int bits : {1,   4,   8,   16,  24,  32,  48,  64,  96,  128, 160,
                           192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1008})
      rows.push_back({"convolutional", 0.5, width, bits, 0});
  return rows;
}

std::string key(const LossRow& row) {
  return fmt::format("{} {} {} {} {}", row.code, row.rate, row.bits_per_symbol, row.bits,
                     row.length);
}

std::string listed(const LossRow& row) {
  std::string text;
  for (const double snr_db : row.snr_db)
    text += fmt::format("{}{:.3f}", text.empty() ? "" : ", ", snr_db);
  return text;
}

/// Lines "digest; key; SNRs" of an earlier run.
std::map<std::string, std::string> finished_rows(const std::string& file) {
  std::map<std::string, std::string> found;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(';'), second = line.find(';', first + 1);
    if (second != std::string::npos) found[line.substr(0, second)] = line.substr(second + 1);
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates the table of transport losses");
  std::string out, rows_file;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  app.add_option("out", out, "the table to write: phy/transport/transport_loss_table.inc")
      ->required();
  app.add_option("--rows", rows_file, "finished rows, read at the start and appended to")
      ->required();
  std::string only;
  app.add_option("--only", only,
                 "fill no other rows than those whose name holds this, and write no table");
  app.add_option("--threads", threads, "threads")->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);

  std::vector<LossRow> rows = rows_to_fill();
  const auto finished = finished_rows(rows_file);
  std::ofstream append(rows_file, std::ios::app);
  std::mutex mutex;
  std::size_t done = 0;
  ThreadPool pool(threads);
  pool.run(static_cast<int>(rows.size()), [&](int r) {
    LossRow& row = rows[rows.size() - 1 - static_cast<std::size_t>(r)];
    const std::string name = coded_sha256({&row, 1}) + ";" + key(row);
    const auto old = finished.find(name);
    std::string from = old == finished.end() ? "" : old->second;
    if (from.empty() && key(row).find(only) == std::string::npos) return;
    if (from.empty()) {
      fill(row);
    } else {
      for (double& snr_db : row.snr_db) {
        snr_db = std::stod(from);
        from.erase(0, from.find(',') == std::string::npos ? from.size() : from.find(',') + 1);
      }
    }
    const std::lock_guard lock(mutex);
    if (old == finished.end()) append << name << ';' << listed(row) << std::endl;
    fmt::print(stderr, "{} of {}: {}\n", ++done, rows.size(), key(row));
  });

  if (!only.empty()) return 0;
  std::ofstream table(out);
  fmt::print(table,
             "// Written by benchmarks/transport_loss_table.cpp; do not edit. Es/N0 in dB at which "
             "a code block is lost with the\n"
             "// probabilities of loss_table_losses. Code, its rate, bits per symbol, information "
             "bits without CRC, length of an LDPC code.\n");
  fmt::print(table, "constexpr char codes_of_table[] = \"{}\";\n", coded_sha256(rows));
  fmt::print(table, "constexpr std::array<LossRow, {}> loss_table = {{{{\n", rows.size());
  for (const LossRow& row : rows)
    fmt::print(table, "    {{ChannelCode::{}, {}, {}, {}, {}, {{{}}}}},\n", row.code, row.rate,
               row.bits_per_symbol, row.bits, row.length, listed(row));
  fmt::print(table, "}}}};\n");
  table.flush();
  if (!table) {
    fmt::print(stderr, "{} cannot be written\n", out);
    return 1;
  }
  return 0;
}
