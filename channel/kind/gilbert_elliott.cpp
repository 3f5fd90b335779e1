// Loss of tokens or packets with memory: channel/impairment/loss.h.
#include "channel/channel_fields.h"
#include "channel/numerics.h"
#include "channel/registry.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

std::vector<Field> memory_fields() {
  return {
      fields::probability("good_to_bad", 0.05, "chance a token or packet that the good state ends"),
      fields::number("bad_to_good", 0.25, 1e-9, 1,
                     "chance that the bad state ends: bursts last 1/bad_to_good on average"),
      fields::probability("loss_good", 0, "share lost in the good state"),
      fields::probability("loss_bad", 1, "share lost in the bad state")};
}

void read_memory(const Json& parameters, ChannelSettings& channel) {
  LossLaw law{.loss_good = parameters.at("loss_good").get<double>(),
              .loss_bad = parameters.at("loss_bad").get<double>(),
              .good_to_bad = parameters.at("good_to_bad").get<double>(),
              .bad_to_good = parameters.at("bad_to_good").get<double>()};
  read_loss(parameters, law);
  channel.loss = law;
  channel.made_with(part::loss);
}

}  // namespace

void add_gilbert_elliott(ChannelKinds& kinds) {
  kinds.add({.name = "gilbert_elliott",
             .summary = "the same with memory: a good and a bad state, stepped once a token or "
                        "packet in the order of sending",
             .fields = fields::joined(memory_fields(), loss_fields()),
             .read = read_memory,
             .chain = ChainPlace::loss,
             .may_be_noiseless = true});
}

}  // namespace semwave
