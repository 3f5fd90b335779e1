// Several antennas at either end. With one transmit antenna the receiver adds its branches in
// maximum ratio; with n > 1 each channel use carries n symbols at power 1/n each, which a linear
// detector separates.
//
// y = H s / sqrt(n) + w, H [m x n] with entries CN(0, 1), w ~ CN(0, N0) on every receive branch:
// snr_db is the whole transmit power over the noise of one branch. Zero forcing and LMMSE as in Tse
// and Viswanath, Fundamentals of Wireless Communication (2005), section 8.3.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

namespace semwave {

inline constexpr int most_antennas = 8;

enum class Detector : std::uint8_t { zero_forcing, lmmse };

struct Antennas {
  int transmit = 1, receive = 1;
  Detector detector = Detector::zero_forcing;
};

/// What a detector does with one H, scaled so that the noise and what is left of other streams have
/// variance `noise_variance` in every output, and unbiased up to its gain: z_i = gain_i s_i + e_i,
/// E|e_i|^2 = noise_variance. So SNR_i = gain_i^2 / noise_variance.
struct Detection {
  std::array<std::complex<double>, most_antennas * most_antennas> weights{};  // [n x m] rows of W
  std::array<double, most_antennas> gain{};                                   // [n], real
};

/// `h` [m x n] row by row, as the receiver knows it; noise_variance > 0. A stream that cannot be
/// told from the others has gain 0.
Detection detect(const Antennas& antennas, std::span<const std::complex<double>> h,
                 double noise_variance);

}  // namespace semwave
