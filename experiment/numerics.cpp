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

void add_channel(const ChannelSettings& settings, const Json& resolved, DeviceKind device,
                 UsedParts& used) {
  used.add(part::random_draws, part::channel,
           device == DeviceKind::cpu ? part::channel_kernels_cpu : part::channel_kernels_cuda);
  if (settings.fading.kind != FadingKind::none) used.add(part::fading);
  if (resolved["kind"] == "mimo") used.add(part::antennas);
  if (settings.loss) used.add(part::loss);
  if (settings.trace) used.add(part::trace);
  if (!settings.ofdm) return;
  used.add(part::ofdm);
  static const std::string profiles = tap_profiles_sha256();
  used.table("tap profiles", profiles);
}

}  // namespace

std::vector<Component> components_used(const Scenario& scenario, DeviceKind device) {
  UsedParts used;
  used.add(part::scenario, part::images, part::evaluation);
  add_channel(scenario.channel, scenario.resolved["channel"], device, used);
  for (const auto& metric : scenario.metrics)
    used.version("metric " + metric->key(), std::to_string(metric->version()));
  if (scenario.timeline) used.add(part::timeline);
  used.add(scenario.pair->components(scenario.pair_context(), device, !scenario.metrics.empty()));
  return used.list();
}

bool predicts_frame_errors(const Scenario& scenario) {
  const ChannelSettings& channel = scenario.channel;
  const TransportDecoding usual, &decoding = scenario.link->decoding;
  const bool awgn = channel.fading.kind == FadingKind::none && !channel.noiseless &&
                    !channel.loss && !channel.crossover && !channel.trace && !channel.ofdm &&
                    channel.phase_step == 0 && channel.impulses.probability == 0 &&
                    channel.interference.kind == InterferenceKind::none;
  return awgn && channel.snr.from_db == channel.snr.to_db &&
         channel.receiver.kind == CsiKind::perfect && decoding.exact == usual.exact &&
         decoding.list == usual.list && decoding.ldpc.algorithm == usual.ldpc.algorithm &&
         decoding.ldpc.iterations == usual.ldpc.iterations;
}

std::vector<Component> link_components_used(const Scenario& scenario, DeviceKind device) {
  UsedParts used;
  used.add(part::scenario, part::link_laboratory);
  add_channel(scenario.channel, scenario.resolved["channel"], device, used);
  used.blocks(scenario.link.value().coding);
  if (predicts_frame_errors(scenario)) used.predictions();
  return used.list();
}

}  // namespace semwave
