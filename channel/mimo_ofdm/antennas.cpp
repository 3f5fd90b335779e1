// Both detectors need the inverse of a Hermitian matrix of at most 8 x 8: Cholesky, without pivots.
//
// Plain loops on purpose. With Eigen's LLT in matrices of fixed size a run of uncoded bits over
// fades that are new for each use takes longer: 2 x 2 by 19 %, 2 x 4 by 14 %, 4 x 4 by 20 %, 8 x 8
// by 26 % (fastest of seven interleaved runs each; sizes known at run time alone: 23 to 36 %). The
// tests hold these loops to Eigen.
#include "channel/mimo_ofdm/antennas.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace semwave {
namespace {

using Complex = std::complex<double>;
/// A matrix of at most most_antennas rows and columns, zeros at first.
class Square {
 public:
  Complex& operator()(int row, int column) { return values_[place(row, column)]; }
  const Complex& operator()(int row, int column) const { return values_[place(row, column)]; }

 private:
  static std::size_t place(int row, int column) {
    return static_cast<std::size_t>(row * most_antennas + column);
  }
  std::array<Complex, most_antennas * most_antennas> values_{};
};

/// False where `a` (its first n rows and columns) is singular to working precision.
bool invert(const Square& a, int n, Square& inverse) {
  Square lower{};
  double largest = 0;
  for (int i = 0; i < n; ++i) largest = std::max(largest, a(i, i).real());
  for (int j = 0; j < n; ++j) {
    double pivot = a(j, j).real();
    for (int k = 0; k < j; ++k) pivot -= std::norm(lower(j, k));
    if (!(pivot > 1e-14 * largest)) return false;
    lower(j, j) = std::sqrt(pivot);
    for (int i = j + 1; i < n; ++i) {
      Complex sum = a(i, j);
      for (int k = 0; k < j; ++k) sum -= lower(i, k) * std::conj(lower(j, k));
      lower(i, j) = sum / lower(j, j).real();
    }
  }
  Square solved{};  // of L X = I
  for (int c = 0; c < n; ++c)
    for (int i = c; i < n; ++i) {
      Complex sum = i == c ? 1.0 : 0.0;
      for (int k = c; k < i; ++k) sum -= lower(i, k) * solved(k, c);
      solved(i, c) = sum / lower(i, i).real();
    }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      Complex sum = 0;
      for (int k = std::max(i, j); k < n; ++k) sum += std::conj(solved(k, i)) * solved(k, j);
      inverse(i, j) = sum;
    }
  return true;
}

}  // namespace

Detection detect(const Antennas& antennas, std::span<const Complex> h, double noise_variance) {
  const int n = antennas.transmit, m = antennas.receive;
  assert(n >= 1 && m >= n && m <= most_antennas && noise_variance > 0 &&
         h.size() == static_cast<std::size_t>(n * m));
  const double power = 1.0 / n;  // of a stream
  const bool lmmse = antennas.detector == Detector::lmmse;
  // Zero forcing: A = H^H H; LMMSE: A = H^H H / n + N0 I.
  Square a{}, inverse{};
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      for (int r = 0; r < m; ++r)
        a(i, j) += std::conj(h[static_cast<std::size_t>(r * n + i)]) *
                   h[static_cast<std::size_t>(r * n + j)];
      if (lmmse) a(i, j) = a(i, j) * power + (i == j ? noise_variance : 0.0);
    }
  Detection made;
  if (!invert(a, n, inverse)) return made;
  for (int i = 0; i < n; ++i) {
    // Error variance of the unbiased output. Zero forcing: n N0 [A^-1]_ii. LMMSE: (1 - b)/b with b
    // = 1 - N0 [A^-1]_ii.
    const double own = inverse(i, i).real(), b = lmmse ? 1 - noise_variance * own : 1;
    if (b < 1e-12) continue;
    const double variance = lmmse ? noise_variance * own / b : n * noise_variance * own;
    const double gain = std::sqrt(noise_variance / variance),
                 scale = gain / b * (lmmse ? std::sqrt(power) : std::sqrt(static_cast<double>(n)));
    made.gain[static_cast<std::size_t>(i)] = gain;
    for (int r = 0; r < m; ++r) {
      Complex sum = 0;
      for (int j = 0; j < n; ++j)
        sum += inverse(i, j) * std::conj(h[static_cast<std::size_t>(r * n + j)]);
      made.weights[static_cast<std::size_t>(i * m + r)] = scale * sum;
    }
  }
  return made;
}

}  // namespace semwave
