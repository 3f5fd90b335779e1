// Loss of tokens or packets without memory: channel/impairment/loss.h.
#include "channel/channel_fields.h"
#include "channel/numerics.h"
#include "channel/registry.h"
#include "core/config/field_builders.h"

namespace semwave {

void add_erasure(ChannelKinds& kinds) {
  kinds.add(
      {.name = "erasure",
       .summary = "tokens or packets are lost, each for itself, and known to be lost; white "
                  "Gaussian noise on the rest",
       .fields = fields::joined(
           {fields::probability("loss", 0.1, "share of tokens or packets lost")}, loss_fields()),
       .read =
           [](const Json& parameters, ChannelSettings& channel) {
             LossLaw law{.loss_good = parameters.at("loss").get<double>()};
             read_loss(parameters, law);
             channel.loss = law;
             channel.made_with(part::loss);
           },
       .chain = ChainPlace::loss,
       .may_be_noiseless = true});
}

}  // namespace semwave
