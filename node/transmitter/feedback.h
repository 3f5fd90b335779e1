// What the transmitter believes of a link whose receiver reports what it measures: the last report,
// as old as it really is; without one for too long, the fallback.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "channel/channel.h"
#include "node/wire/messages.h"

namespace semwave {

/// Why a report says nothing of the next image over this channel, which it calls `name`; empty
/// where what was measured of one image holds for the next. Without a timeline an image is its own
/// link.
std::string why_reports_mislead(const ChannelSettings& channel, const std::string& name);

class Feedback {
 public:
  using Clock = std::chrono::steady_clock;
  /// `fallback_snr_db` is believed before the first report, and again when none has come for
  /// `patience` seconds.
  Feedback(double fallback_snr_db, double patience)
      : fallback_snr_db_(fallback_snr_db), patience_(patience) {}

  void heard(const Report& report, Clock::time_point now);
  /// What to plan for; `next_image` tells how many images old the report is.
  ChannelState believed(std::uint32_t next_image, Clock::time_point now) const;
  /// No report in time (or none at all yet).
  bool fallen_back(Clock::time_point now) const;
  const std::optional<Report>& last() const { return last_; }

 private:
  double fallback_snr_db_, patience_;
  std::optional<Report> last_;
  Clock::time_point when_{};
};

}  // namespace semwave
