// The header on air: four formats, their uses, their predicted loss, encoder and decoder by trial.
#include "phy/header/header_codec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/code/convolutional_code.h"
#include "phy/code/crc.h"
#include "phy/modulation/modulation.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr double largest_loss = 1e-3;  // what a sender accepts
constexpr double smallest_noise_variance =
    1e-6;  // stands for none, so that likelihood ratios stay finite

const HeaderFormat& format_of(int format) {
  assert(format >= 0 && format < static_cast<int>(header_formats().size()));
  return header_formats()[static_cast<std::size_t>(format)];
}

std::size_t coded_bits_of(int part_bits) {
  return coded_length(static_cast<std::size_t>(part_bits + crc_bits));
}

std::int64_t part_uses(int part_bits, const HeaderFormat& format) {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(coded_bits_of(part_bits)) *
                                                 format.repetition / format.bits_per_symbol -
                                             1e-9));
}

/// The stride of the interleaver: coprime to n, nearest to n times the golden section.
std::size_t stride_of(std::size_t n) {
  const auto golden =
      static_cast<std::size_t>(std::lround(0.6180339887498949 * static_cast<double>(n)));
  for (std::size_t away = 0;; ++away) {
    if (std::gcd(golden + away, n) == 1) return golden + away;
    if (away < golden && std::gcd(golden - away, n) == 1) return golden - away;
  }
}

/// One part, bare, from soft bits of its symbols; nullopt where the CRC fails.
std::optional<Bits> decode_part(std::span<const std::complex<float>> y,
                                std::span<const std::complex<float>> gains, double noise_variance,
                                int part_bits, const HeaderFormat& format) {
  PooledVector<float> stream(y.size() * static_cast<std::size_t>(format.bits_per_symbol));
  demodulate(modulation_of(format.bits_per_symbol), y, gains, noise_variance, stream);
  const std::size_t n = coded_bits_of(part_bits), stride = stride_of(n);
  PooledVector<float> soft(n, 0.0f);
  std::size_t place = 0;
  for (const float value : stream) {
    soft[place] += value;
    place += stride;
    if (place >= n) place -= n;
  }
  Bits bits = viterbi_decode(soft, static_cast<std::size_t>(part_bits + crc_bits));
  if (!crc_holds(bits)) return std::nullopt;
  bits.resize(static_cast<std::size_t>(part_bits));
  return bits;
}

// Axes and values of the table: log10 of -ln(1 - loss), the expected number of losing events, for
// each format, part length, SNR.
#include "phy/header/header_loss_table.inc"

/// log10 of the expected number of losing events of one part: linear in the SNR and in the
/// logarithm of the coded length, continued along the edge slopes.
double part_loss_exponent(int part_bits, int format, double snr_db) {
  const auto& table = loss_table[static_cast<std::size_t>(format)];
  const double along = std::clamp((snr_db - table.first_snr_db) / loss_table_step_db, -40.0, 80.0);
  const auto column =
      static_cast<std::size_t>(std::clamp(along, 0.0, static_cast<double>(loss_table_columns - 2)));
  const double weight = along - static_cast<double>(column);
  const auto at_length = [&](std::size_t row) {
    return table.exponent[row][column] * (1 - weight) + table.exponent[row][column + 1] * weight;
  };
  std::size_t row = 0;
  while (row + 2 < loss_table_lengths.size() && part_bits > loss_table_lengths[row + 1]) ++row;
  const auto length_of = [](int bits) { return std::log(static_cast<double>(bits + crc_bits)); };
  const double shorter = length_of(loss_table_lengths[row]),
               longer = length_of(loss_table_lengths[row + 1]);
  const double share = (length_of(part_bits) - shorter) / (longer - shorter);
  return at_length(row) * (1 - share) + at_length(row + 1) * share;
}

}  // namespace

const std::vector<HeaderFormat>& header_formats() {
  // Spaced by the SNR at which each falls below a loss of 1e-3: about 9, 4, 0 and -5 dB.
  static const std::vector<HeaderFormat> formats = {{"16-QAM 1/2", 4, 1.0},
                                                    {"QPSK 1/2", 2, 1.0},
                                                    {"QPSK 1/2 x2.4", 2, 2.4},
                                                    {"QPSK 1/2 x8", 2, 8.0}};
  return formats;
}

std::int64_t header_uses(std::span<const int> part_bits, int format) {
  std::int64_t uses = 0;
  for (const int bits : part_bits) uses += part_uses(bits, format_of(format));
  return uses;
}

std::int64_t header_uses(const HeaderOnAir& header) {
  std::int64_t uses = 0;
  for (const Bits& part : header.parts)
    uses += part_uses(static_cast<int>(part.size()), format_of(header.format));
  return uses;
}

double header_loss(std::span<const int> part_bits, int format, double snr_db) {
  double events = 0;
  for (const int bits : part_bits)
    events += std::pow(10.0, part_loss_exponent(bits, format, snr_db));
  return -std::expm1(-events);
}

int choose_header_format(std::span<const int> part_bits, double believed_snr_db) {
  const int count = static_cast<int>(header_formats().size());
  for (int format = 0; format < count; ++format)
    if (header_loss(part_bits, format, believed_snr_db) <= largest_loss) return format;
  return count - 1;
}

Symbols encode_header(const HeaderOnAir& header) {
  const HeaderFormat& format = format_of(header.format);
  Symbols symbols;
  Bits stream;
  for (const Bits& part : header.parts) {
    const Bits coded = convolutional_encode(append_crc(part));
    const std::size_t n = coded.size(), stride = stride_of(n);
    stream.resize(static_cast<std::size_t>(part_uses(static_cast<int>(part.size()), format) *
                                           format.bits_per_symbol));
    std::size_t place = 0;
    for (std::uint8_t& bit : stream) {
      bit = coded[place];
      place += stride;
      if (place >= n) place -= n;
    }
    const Symbols sent = modulate(modulation_of(format.bits_per_symbol), stream);
    symbols.insert(symbols.end(), sent.begin(), sent.end());
  }
  return symbols;
}

std::optional<FoundHeader> find_header(
    std::span<const std::complex<float>> frame, std::span<const std::complex<float>> gains,
    double noise_variance, int first_bits,
    const std::function<std::optional<int>(const Bits&)>& next_bits,
    const std::function<std::int64_t(const Bits&)>& payload_uses) {
  assert(gains.size() == frame.size());
  const double variance = std::max(noise_variance, smallest_noise_variance);
  const auto length = static_cast<std::int64_t>(frame.size());
  for (std::size_t f = 0; f < header_formats().size(); ++f) {
    const HeaderFormat& format = header_formats()[f];
    const std::int64_t first_uses = part_uses(first_bits, format);
    if (first_uses > length) continue;
    const auto first_end = static_cast<std::size_t>(first_uses);
    std::optional<Bits> word =
        decode_part(frame.first(first_end), gains.first(first_end), variance, first_bits, format);
    if (!word) continue;
    const std::optional<int> second_bits = next_bits(*word);
    if (!second_bits) continue;
    const std::int64_t second_uses = *second_bits > 0 ? part_uses(*second_bits, format) : 0;
    const std::int64_t uses = first_uses + second_uses;
    if (uses + (payload_uses ? payload_uses(*word) : 0) != length) continue;
    FoundHeader found{.parts = {std::move(*word)}, .format = static_cast<int>(f), .uses = uses};
    if (second_uses > 0) {
      const auto count = static_cast<std::size_t>(second_uses);
      std::optional<Bits> second =
          decode_part(frame.subspan(first_end, count), gains.subspan(first_end, count), variance,
                      *second_bits, format);
      if (!second) continue;
      found.parts.push_back(std::move(*second));
    }
    return found;
  }
  return std::nullopt;
}

std::optional<PooledVector<Bits>> decode_header(
    std::span<const std::complex<float>> symbols, std::span<const std::complex<float>> gains,
    double noise_variance, int first_bits,
    const std::function<std::optional<int>(const Bits&)>& next_bits) {
  std::optional<FoundHeader> found =
      find_header(symbols, gains, noise_variance, first_bits, next_bits, nullptr);
  if (!found) return std::nullopt;
  return std::move(found->parts);
}

std::string header_tables_sha256() {
  Json formats = Json::array(), table = Json::array();
  for (const HeaderFormat& format : header_formats())
    formats.push_back({format.bits_per_symbol, format.repetition});
  for (const LossTable& of_format : loss_table) {
    Json rows = Json::array();
    for (const auto& row : of_format.exponent) rows.push_back(row);
    table.push_back({of_format.first_snr_db, rows});
  }
  const std::string text = canonical({formats, loss_table_step_db, loss_table_lengths, table});
  return sha256(text.data(), text.size());
}

}  // namespace semwave
