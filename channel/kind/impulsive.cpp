// Bernoulli-Gaussian noise: channel/impairment/disturbance.h.
#include "channel/channel_fields.h"
#include "channel/registry.h"
#include "core/config/field_builders.h"

namespace semwave {

void add_impulsive(ChannelKinds& kinds) {
  kinds.add(
      {.name = "impulsive",
       .summary =
           "Bernoulli-Gaussian noise: now and then a use has far more of it, the mean stays N0",
       .fields = {fields::probability("probability", 0.01, "share of uses with an impulse"),
                  fields::number("power_ratio_db", 20, -100, 100,
                                 "noise of an impulse over that of the other uses, dB; the mean "
                                 "stays N0, and N0 is what the receiver knows")},
       .read =
           [](const Json& parameters, ChannelSettings& channel) {
             channel.impulses = {parameters.at("probability").get<double>(),
                                 linear(parameters.at("power_ratio_db"))};
           },
       .chain = ChainPlace::disturbance});
}

}  // namespace semwave
