// What is sent is heard. Also the name of a real radio, whose channel is on the air.
#include "channel/channel_fields.h"
#include "channel/registry.h"

namespace semwave {

void add_ideal(ChannelKinds& kinds) {
  kinds.add("ideal",
            {.summary = "what is sent is heard: no noise, no fading; also the name of a real radio",
             .fields = {csi_field(), interference_field()}},
            [](const Json& parameters) {
              ChannelSettings channel = read_noise(parameters);
              make_noiseless(channel);
              read_csi(parameters, channel);
              return channel;
            });
}

}  // namespace semwave
