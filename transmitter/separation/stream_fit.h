// How a stream of so many bytes goes into a budget of channel uses at a believed SNR: header,
// coding and their predicted loss; or, where nothing carries it, that. The choice looks at what is
// believed of the channel and at nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "channel/channel.h"
#include "channel/gain_outlook.h"
#include "channel/separation_settings.h"

namespace semwave {

struct StreamFit {
  int coding = -1;        // in the list; -1: a bound
  std::int64_t uses = 0;  // symbols of payload and parity
};

/// For one state of the channel. Not thread-safe: it remembers what it was asked.
class StreamFitter {
 public:
  StreamFitter(const SeparationSettings& settings, const GainOutlook& outlook,
               const ChannelState& state);

  /// Of the codings within the budget whose predicted loss, that of the header included, is at most
  /// the outage: the one of fewest uses. A bound needs as many uses as capacity or the normal
  /// approximation say, and no header.
  const std::optional<StreamFit>& fit(int bytes);
  int header_format() const { return header_format_; }

  /// Most payload symbols behind a header of so many, pilots and prefixes that all of them need
  /// within the budget too.
  static std::int64_t symbols_within(const SeparationSettings& settings, std::int64_t header);

 private:
  std::optional<StreamFit> find(int bytes) const;
  std::optional<StreamFit> find_bound(int bytes) const;
  double expected_loss(std::int64_t bits, int coding) const;

  const SeparationSettings& settings_;
  std::vector<double> snrs_db_;  // equally likely, ascending
  std::int64_t symbols_ = 0;     // left for the stream
  int header_format_ = 0;
  double stream_loss_ = 0;  // what the header leaves of the outage
  std::map<int, std::optional<StreamFit>> known_;
};

}  // namespace semwave
