// Scores of a rebuilt picture beside its original. Pictures are [height, width, channels] with
// values in [0, 1]; both are first clamped and rounded to 8 bits, as a viewer would see them.
#pragma once

#include <span>

#include "core/base/pooled_vector.h"

namespace semwave {

/// Peak 1.0; a perfect picture counts as `perfect_psnr_db`.
inline constexpr double perfect_psnr_db = 100;
double psnr_db(std::span<const float> rebuilt, std::span<const float> original);

/// Side of the Gaussian window (deviation 1.5) that structural similarity looks through.
inline constexpr int ssim_window = 11;

/// One channel as 8-bit grey levels over 255, [height, width].
PooledVector<double> plane_of(std::span<const float> picture, int height, int width, int channels,
                              int channel);

/// Means over the windows that lie wholly inside a plane, K1 = 0.01, K2 = 0.03; both sides at least
/// `ssim_window`. `ssim`: the whole index; `contrast_structure`: without its luminance term, what
/// the finer scales of MS-SSIM take.
struct Similarity {
  double ssim = 0, contrast_structure = 0;
};
Similarity similarity(const PooledVector<double>& a, const PooledVector<double>& b, int height,
                      int width);

/// Structural similarity, mean over the channels: Wang, Bovik, Sheikh, Simoncelli 2004.
double ssim(std::span<const float> rebuilt, std::span<const float> original, int height, int width,
            int channels);

}  // namespace semwave
