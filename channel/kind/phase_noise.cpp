// A Wiener phase: channel/impairment/disturbance.h.
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"

namespace semwave {

void add_phase_noise(ChannelKinds& kinds) {
  kinds.add(
      {.name = "phase_noise",
       .summary = "an oscillator whose phase wanders (Wiener), then white Gaussian noise",
       .fields = {fields::number("deviation", 0.01, 0, 10,
                                 "of the phase step from use to use, radians: sqrt(2 pi linewidth "
                                 "use_seconds); the receiver's gain is that of the first use")},
       .read =
           [](const Json& parameters, ChannelSettings& channel) {
             if (channel.passage)
               throw PartError("/kind",
                               "the phase turns from symbol to symbol, and several symbols share a "
                               "use: one transmit antenna");
             channel.phase_step = parameters.at("deviation").get<double>();
           },
       .chain = ChainPlace::disturbance});
}

}  // namespace semwave
