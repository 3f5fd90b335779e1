// How an answer is scored: accuracy with its interval, PSNR and SSIM of a rebuilt image.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace semwave {

/// 95 % Wilson score interval of `hits` out of `trials`; [0, 1] without trials.
std::pair<double, double> wilson95(std::int64_t hits, std::int64_t trials);

/// Peak 1.0 after clamping and rounding `rebuilt` to 8 bits; a perfect image counts as
/// `perfect_psnr_db`.
inline constexpr double perfect_psnr_db = 100;
double psnr_db(std::span<const float> rebuilt, std::span<const float> original);

/// Wang, Bovik, Sheikh, Simoncelli 2004: 11x11 Gaussian window of deviation 1.5, K1 = 0.01, K2 =
/// 0.03, mean over the windows that lie wholly inside and over the channels; 8-bit clamp as above.
/// Images of [height, width, channels], both sides at least 11.
double ssim(std::span<const float> rebuilt, std::span<const float> original, int height, int width,
            int channels);

/// 97.5 % point of Student's t: half of a 95 % interval in standard errors (Cornish-Fisher
/// expansion, Abramowitz and Stegun 26.7.5), within 1 % from 4 degrees of freedom on.
double student95(int freedom);

/// Mean with the half-width of its 95 % interval (normal approximation).
struct MeanInterval {
  double mean = 0, halfwidth = 0;
};
MeanInterval mean_interval(std::span<const double> values);

}  // namespace semwave
