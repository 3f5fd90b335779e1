// The way of one image, step by step: planned for, sent, heard. Between sending and hearing stands
// Channel::apply, in one process or between two nodes. Evaluation, timelines, nodes and budgets
// drive these steps; training has its own plans and takes the ends alone.
#pragma once

#include <optional>

#include "channel/channel.h"
#include "experiment/pair/model.h"
#include "transmitter/policy/policy.h"

namespace semwave {

/// What is known of the images of a shard before they are sent, and what was planned for them.
struct ShardPlan {
  Fading fading;
  PooledVector<ChannelState> states;  // that the transmitter believes in
  PooledVector<Plan> plans;
};

/// Realises the fades of these draws, observes them and plans. `believed`: what the transmitter
/// believes instead of what it would observe, of every image alike.
ShardPlan plan_images(const Channel& channel, const Draws& draws, Policy& policy,
                      const std::optional<ChannelState>& believed = {});

struct SentImages {
  Burst burst;
  TransmitTrace trace;
};
/// `images` [shard, H, W, C] in [0, 1].
SentImages send_images(Pass& pass, const Model& model, const Tensor& images,
                       const ShardPlan& planned);

struct HeardImages {
  Result result;
  PooledVector<std::int32_t> decided;  // [shard] class, -1: none
};
HeardImages hear_images(Pass& pass, const Model& model, const Reception& heard);

}  // namespace semwave
