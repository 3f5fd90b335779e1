#include "node/transmitter/feedback.h"

#include <algorithm>

namespace semwave {

std::string why_reports_mislead(const ChannelSettings& channel, const std::string& name) {
  if (!channel.has_noise()) return {};
  // Where gains change within an image, the mean is all that one number can say, in the simulation
  // too.
  const bool fade = channel.draws_fades() && channel.fading.coherence == Coherence::image;
  const bool snr = channel.snr.from_db != channel.snr.to_db;
  if (!fade && !snr) return {};
  return "channel '" + name + "' draws " + (fade ? "a new fade" : "a new SNR") +
         " for each image, so a report says nothing about the next image: plans will not fit, and "
         "the"
         " accuracy is no longer that of csi.transmitter (docs/nodes.md)";
}

void Feedback::heard(const Report& report, Clock::time_point now) {
  last_ = report;
  when_ = now;
}

bool Feedback::fallen_back(Clock::time_point now) const {
  return !last_ || std::chrono::duration<double>(now - when_).count() > patience_;
}

ChannelState Feedback::believed(std::uint32_t next_image, Clock::time_point now) const {
  if (fallen_back(now)) return {.snr_db = fallback_snr_db_, .age = 0, .how = CsiKind::none};
  const std::int64_t age = static_cast<std::int64_t>(next_image) - last_->last_image;
  return {.snr_db = last_->snr_db,
          .age = static_cast<int>(std::clamp<std::int64_t>(age, 0, 1 << 30)),
          .how = CsiKind::delayed};
}

}  // namespace semwave
