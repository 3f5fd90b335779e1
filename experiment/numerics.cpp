#include "experiment/numerics.h"

#include <utility>

#include "channel/numerics.h"
#include "experiment/pair/used_parts.h"
#include "experiment/scenario/scenario.h"
#include "phy/numerics.h"
#include "phy/transport/transport_loss.h"
#include "receiver/numerics.h"
#include "transmitter/numerics.h"

namespace semwave {
namespace {

void add_channel(const ChannelSettings& settings, DeviceKind device, UsedParts& used) {
  used.add(part::random_draws, part::channel,
           device == DeviceKind::cpu ? part::channel_kernels_cpu : part::channel_kernels_cuda);
  if (settings.fading.gains) used.add(part::fading);
  used.add(settings.components);
}

}  // namespace

std::vector<Component> components_used(const Scenario& scenario, DeviceKind device) {
  UsedParts used;
  used.add(part::scenario, part::images, part::evaluation);
  add_channel(scenario.channel, device, used);
  for (const auto& metric : scenario.metrics)
    used.version("metric " + metric->key(), std::to_string(metric->version()));
  if (scenario.timeline) used.add(part::timeline);
  used.add(scenario.pair->components(scenario.pair_context(), device, !scenario.metrics.empty()));
  return used.list();
}

bool predicts_frame_errors(const Scenario& scenario) {
  const TransportDecoding usual, &decoding = scenario.link->decoding;
  return scenario.channel.only_white_noise() && decoding.exact == usual.exact &&
         decoding.decoder.list == usual.decoder.list &&
         decoding.decoder.ldpc.algorithm == usual.decoder.ldpc.algorithm &&
         decoding.decoder.ldpc.iterations == usual.decoder.ldpc.iterations;
}

std::vector<Component> link_components_used(const Scenario& scenario, DeviceKind device) {
  UsedParts used;
  used.add(part::scenario, part::link_laboratory);
  add_channel(scenario.channel, device, used);
  used.blocks(scenario.link.value().coding);
  if (predicts_frame_errors(scenario)) used.predictions();
  return used.list();
}

}  // namespace semwave
