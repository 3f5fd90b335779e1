#include "channel/mimo_ofdm/ofdm.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/base/error.h"

namespace semwave {

using Complex = std::complex<double>;

Ofdm::Ofdm(const OfdmSettings& settings, const TapProfile& profile)
    : settings_(settings), taps_(sampled(profile, sample_ns())) {
  const int n = settings.subcarriers;
  assert(n >= 8 && std::has_single_bit(static_cast<unsigned>(n)) && settings.prefix >= 0 &&
         settings.pilot_spacing >= 1);
  if (taps_.back().delay > n + settings.prefix)
    throw PartError("/prefix", "the longest delay of " + profile.name + " is " +
                                   std::to_string(taps_.back().delay) +
                                   " samples, more than prefix and symbol together (" +
                                   std::to_string(n + settings.prefix) +
                                   "): take more subcarriers or a smaller spacing_khz");
  for (int k = 0; k < n / 2; ++k) roots_.push_back(std::polar(1.0, -2 * std::numbers::pi * k / n));
  const double power = correlation(0).real();
  for (int left = 0; left < n; left += settings.pilot_spacing) {
    const int right = std::min(left + settings.pilot_spacing, n), width = right - left;
    for (int k = left; k < right; ++k) {
      // E|H[k] - a H[left] - b H[right]|^2
      const double b = static_cast<double>(k - left) / width, a = 1 - b;
      const double bias = (1 + a * a + b * b) * power - 2 * a * correlation(k - left).real() -
                          2 * b * correlation(right - k).real() +
                          2 * a * b * correlation(width).real();
      bias_.push_back(std::max(0.0, bias));
      pilot_share_.push_back(a * a + b * b);
    }
  }
}

bool Ofdm::is_pilot(std::int64_t symbol, int tone, bool pilots) const {
  if (!pilots) return false;
  return settings_.layout == PilotLayout::tones ? tone % settings_.pilot_spacing == 0
                                                : symbol % (settings_.pilot_spacing + 1) == 0;
}

std::int64_t Ofdm::symbols(std::int64_t data, bool pilots) const {
  const int n = settings_.subcarriers, spacing = settings_.pilot_spacing;
  const bool tones = pilots && settings_.layout == PilotLayout::tones;
  const std::int64_t room = tones ? n - (n + spacing - 1) / spacing : n,
                     filled = (data + room - 1) / room;
  return pilots && !tones ? filled + (filled + spacing - 1) / spacing : filled;
}

Ledger Ofdm::uses(std::int64_t header, std::int64_t payload, bool pilots) const {
  const int n = settings_.subcarriers, spacing = settings_.pilot_spacing;
  const std::int64_t all = symbols(header + payload, pilots);
  Ledger uses;
  uses.prefix = all * settings_.prefix;
  if (pilots)
    uses.pilots = settings_.layout == PilotLayout::tones ? all * ((n + spacing - 1) / spacing)
                                                         : (all + spacing) / (spacing + 1) * n;
  const std::int64_t data = all * n - uses.pilots;
  uses.header = payload > 0 ? header : data;
  uses.payload = data - uses.header;
  return uses;
}

Complex Ofdm::pilot(int tone) const {
  return std::polar(1.0,
                    std::numbers::pi * tone * static_cast<double>(tone) / settings_.subcarriers);
}

void Ofdm::transform(std::span<Complex> x, bool inverse) const {
  // Radix 2, decimation in time.
  const std::size_t n = x.size();
  assert(n == static_cast<std::size_t>(settings_.subcarriers));
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t length = 2; length <= n; length <<= 1)
    for (std::size_t first = 0; first < n; first += length)
      for (std::size_t k = 0; k < length / 2; ++k) {
        const Complex root = roots_[k * (n / length)];
        const double re = root.real(), im = inverse ? -root.imag() : root.imag();
        Complex &a = x[first + k], &b = x[first + k + length / 2];
        const Complex turned(b.real() * re - b.imag() * im, b.real() * im + b.imag() * re);
        b = a - turned;
        a += turned;
      }
  const double scale = 1 / std::sqrt(static_cast<double>(n));
  for (Complex& value : x) value *= scale;
}

void Ofdm::tone_gains(std::span<const Complex> tap_gains, std::span<Complex> tones) const {
  assert(tap_gains.size() == taps_.size());
  const int n = settings_.subcarriers;
  std::fill(tones.begin(), tones.end(), Complex());
  for (std::size_t l = 0; l < taps_.size(); ++l) {
    const double beyond = std::max(0, taps_[l].delay - settings_.prefix);
    tones[static_cast<std::size_t>(taps_[l].delay % n)] +=
        tap_gains[l] * (1 - beyond / n) * std::sqrt(static_cast<double>(n));
  }
  to_tones(tones);
}

Complex Ofdm::correlation(int apart) const {
  Complex sum;
  for (const SampledTap& tap : taps_) {
    const double kept =
        1 - static_cast<double>(std::max(0, tap.delay - settings_.prefix)) / settings_.subcarriers;
    sum += std::polar(tap.power * kept * kept,
                      2 * std::numbers::pi * apart * tap.delay / settings_.subcarriers);
  }
  return sum;
}

void Ofdm::interpolate(std::span<Complex> tones) const {
  const int n = settings_.subcarriers, spacing = settings_.pilot_spacing;
  for (int left = 0; left < n; left += spacing) {
    const int right = std::min(left + spacing, n);
    const Complex from = tones[static_cast<std::size_t>(left)],
                  to = tones[static_cast<std::size_t>(right % n)];
    for (int k = left; k < right; ++k) {
      const double b = static_cast<double>(k - left) / (right - left);
      tones[static_cast<std::size_t>(k)] = (1 - b) * from + b * to;
    }
  }
}

}  // namespace semwave
