#include "experiment/results/record.h"

#include <cmath>

#include "phy/transport/modulation_coding.h"

namespace semwave {

std::string coding_name(const ImageRecord& image) {
  if (image.coding < 0) return "bound";
  return lay_blocks(8 * std::int64_t{image.stream_bytes},
                    modulation_codings()[static_cast<std::size_t>(image.coding)])
      .name();
}

void PointTotals::add(const ImageRecord& image) {
  ++images;
  uses += image.uses;
  correct += image.decision == image.label && !image.late;
  tokens += image.tokens;
  tokens_lost += image.tokens_lost;
  depth += image.exit_depth;
  lost += image.header_lost;
  answered += image.answered;
  ++exits.at(static_cast<std::size_t>(image.exit_depth));
  if (image.stream_bytes >= 0) {
    ++streams.images;
    streams.unfit += image.unfit();
    streams.block_losses += image.block_lost;
    streams.bytes += image.stream_bytes;
    streams.quality += image.quality;
    if (!image.unfit()) ++streams.codings[coding_name(image)];
  }
  if (std::isnan(image.psnr_db) && std::isnan(image.ssim)) return;
  ++rebuilt;
  psnr_db += image.psnr_db;
  ssim += image.ssim;
}

void PointResult::add(const ShardCost& cost) {
  transmitter_operations += cost.transmitter_operations;
  receiver_operations += cost.receiver_operations;
  transmitter_seconds += cost.transmitter_seconds;
  channel_seconds += cost.channel_seconds;
  receiver_seconds += cost.receiver_seconds;
}

}  // namespace semwave
