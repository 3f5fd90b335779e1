#include "experiment/run/way.h"

#include <utility>

namespace semwave {

ShardPlan plan_images(const Channel& channel, const Draws& draws, Policy& policy,
                      const std::optional<ChannelState>& believed) {
  ShardPlan made{.fading = channel.realise(draws), .states = {}, .plans = {}};
  made.states = believed ? PooledVector<ChannelState>(draws.images.size(), *believed)
                         : channel.observe(made.fading);
  made.plans = policy.plan(made.states, made.fading.links);
  return made;
}

SentImages send_images(Pass& pass, const Model& model, const Tensor& images,
                       const ShardPlan& planned) {
  SentImages made;
  made.burst =
      model.transmitter->transmit(pass, images, planned.states, planned.plans, &made.trace);
  return made;
}

HeardImages hear_images(Pass& pass, const Model& model, const Reception& heard) {
  HeardImages made;
  made.result = model.receiver->receive(pass, heard);
  made.decided = decisions(pass.backend, made.result);
  return made;
}

}  // namespace semwave
