// A point of four images, made by hand.
#pragma once

#include <limits>
#include <utility>

#include "core/data/dataset.h"
#include "experiment/results/results.h"

namespace semwave {

inline constexpr double not_rebuilt = std::numeric_limits<double>::quiet_NaN();

inline ImageRecord image_of(std::uint32_t image, SentHalf sent, HeardHalf heard, double psnr_db,
                            double ssim) {
  ImageRecord made;
  static_cast<SentHalf&>(made) = std::move(sent);
  static_cast<HeardHalf&>(made) = std::move(heard);
  made.image = image;
  made.scores[0] = psnr_db;
  made.scores[1] = ssim;
  return made;
}

/// Four images: right, wrong, lost, right without a rebuilt image.
inline PointResult four_images(const Metrics& metrics = {}) {
  PointResult result;
  const Ledger usual{.payload = 32, .header = 20};
  result.images = {
      image_of(0, {.label = 1, .exit_depth = 1, .tokens = 8}, {.decision = 1, .uses = usual}, 20,
               0.5),
      image_of(1, {.label = 0, .exit_depth = 2, .tokens = 8}, {.decision = 1, .uses = usual}, 10,
               0.3),
      image_of(
          2, {.label = 0, .exit_depth = 2, .tokens = 4},
          {.decision = -1, .header_lost = true, .uses = {.payload = 16, .header = 80, .pilots = 4}},
          6, 0.1),
      image_of(3, {.label = 0, .exit_depth = 2, .tokens = 8}, {.decision = 0, .uses = usual},
               not_rebuilt, not_rebuilt)};
  result.totals = PointTotals(metrics, 2);
  for (const ImageRecord& image : result.images) result.totals.add(image);
  result.expert_load = {0.75, 0.25};
  result.transmitter_operations = 3e6;
  result.receiver_operations = 2e6;
  result.wall_seconds = 2;
  return result;
}

inline Dataset eight_by_eight() {
  Dataset data;
  data.height = data.width = 8;
  data.channels = 1;
  return data;
}

}  // namespace semwave
