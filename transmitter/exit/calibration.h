// How far the confidence of exit heads can be believed, and the thresholds that send stated shares
// of images out at each. All of it is fitted on images that neither trained the network nor report
// its results.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace semwave {

/// Mean -log of the probability of the label, of the softmax of logits / temperature.
double negative_log_likelihood(std::span<const float> logits /*[n, classes]*/,
                               std::span<const std::int32_t> labels, int classes,
                               double temperature);
/// The temperature between 0.05 and 20 of the least such mean (Guo et al. 2017). It keeps every
/// class; the order of images by confidence may change.
double fitted_temperature(std::span<const float> logits, std::span<const std::int32_t> labels,
                          int classes);
/// Expected calibration error: over `bins` equal bins of confidence, the mean of |share right -
/// mean confidence|, weighted by images (Naeini et al. 2015).
double calibration_error(std::span<const float> logits, std::span<const std::int32_t> labels,
                         int classes, double temperature, int bins = 15);

/// q, q^2, .. of `heads` heads, made to sum to 1: small q sends many out early.
std::vector<double> geometric_shares(double q, int heads);
/// Huang et al. 2018 (MSDNet): head by head the confidence that floor(share n) of the images not
/// yet gone reach. Those that reach it are gone. Above any confidence where a share has no image;
/// the last head has none, as all leave there.
std::vector<double> budget_thresholds(const std::vector<std::vector<double>>&
                                          confidence /*[heads]
      [n]*/,
                                      std::span<const double> shares /*[heads]*/);

}  // namespace semwave
