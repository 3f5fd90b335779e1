// The transmitting half of the way of an image: observe, plan, transmit, and the burst as a
// message.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "channel/channel.h"
#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "node/record/station.h"
#include "transmitter/policy/policy.h"

namespace semwave {

struct SendingOptions {
  int shard = 1;  // images a pass; one: operations are counted for each image by itself
  SymbolFormat format = SymbolFormat::float32;
  bool truth = true;  // labels and originals go along for the receiver's rows
};

/// An image ready to go, and this end's half of its record.
struct Outgoing {
  BurstMessage burst;
  Record record;
};

class Sending {
 public:
  /// All three outlive it. Throws Error where these images do not go with the point's network.
  Sending(const Station& station, std::size_t point, const Dataset& data,
          const SendingOptions& options);
  /// Images `indices` of the data as images `ids`, which key the draws. `believed`: what feedback
  /// says of the link; without it the transmitter sees what the scenario's `csi` lets it see of the
  /// simulated channel.
  std::vector<Outgoing> send(ThreadPool& pool, std::span<const std::int32_t> indices,
                             std::span<const std::uint32_t> ids,
                             const std::optional<ChannelState>& believed = std::nullopt) const;

 private:
  void send_shard(std::span<const std::int32_t> indices, std::span<const std::uint32_t> ids,
                  const std::optional<ChannelState>& believed, Outgoing* out) const;

  const Station& station_;
  std::size_t point_;
  const Scenario& scenario_;
  const Model& model_;
  const Dataset& data_;
  SendingOptions options_;
  Channel channel_;
  std::unique_ptr<Policy> policy_;
};

/// Share `at` of a sum of whole operations over `count` images: whole numbers that add up to it.
double share_of(double sum, std::size_t at, std::size_t count);

}  // namespace semwave
