#include "node/feedback.h"

#include <algorithm>

namespace semwave {

void Feedback::heard(const Report& report, Clock::time_point now) {
  last_ = report;
  when_ = now;
}

bool Feedback::fallen_back(Clock::time_point now) const { return !last_ || std::chrono::duration<double>(now - when_).count() > patience_; }

ChannelState Feedback::believed(std::uint32_t next_image, Clock::time_point now) const {
  if (fallen_back(now)) return {.snr_db = fallback_snr_db_, .age = 0, .how = CsiKind::none};
  const std::int64_t age = static_cast<std::int64_t>(next_image) - last_->last_image;
  return {.snr_db = last_->snr_db, .age = static_cast<int>(std::clamp<std::int64_t>(age, 0, 1 << 30)), .how = CsiKind::delayed};
}

}  // namespace semwave
