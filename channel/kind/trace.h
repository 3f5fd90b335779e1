// A measured channel: complex gains or SNRs from a file (channel/fading/trace.h), slot by slot.
#pragma once

#include <memory>

#include "channel/channel_settings.h"
#include "channel/fading/trace.h"

namespace semwave {

/// Gains or SNRs of `channel` become those of the trace. Link l takes the trace's link l mod L; a
/// link of a timeline meets the trace's slots one after the other, an image that is its own link
/// (image i) meets slot i/L mod n in every repeat.
void follow(const std::shared_ptr<const Trace>& trace, ChannelSettings& channel);

}  // namespace semwave
