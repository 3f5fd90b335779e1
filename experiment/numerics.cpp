#include "experiment/numerics.h"

#include <map>
#include <utility>

#include "channel/numerics.h"
#include "experiment/scenario/scenario.h"
#include "phy/numerics.h"
#include "phy/transport/transport_loss.h"
#include "receiver/numerics.h"
#include "transmitter/numerics.h"

namespace semwave {
namespace {

/// What has been found so far.
class Used {
 public:
  explicit Used(DeviceKind device) : device_(device) {}

  template <class... Parts>
  void add(const Parts&... parts) {
    (found_.insert_or_assign(parts.name, std::to_string(parts.version)), ...);
  }
  void table(const std::string& name, const std::string& sha256) {
    found_.insert_or_assign(name, sha256);
  }

  void channel(const ChannelSettings& settings, const Json& resolved) {
    add(part::random_draws, part::channel,
        device_ == DeviceKind::cpu ? part::channel_kernels_cpu : part::channel_kernels_cuda);
    if (settings.fading.kind != FadingKind::none) add(part::fading);
    if (resolved["kind"] == "mimo") add(part::antennas);
    if (settings.loss) add(part::loss);
    if (settings.trace) add(part::trace);
    if (!settings.ofdm) return;
    add(part::ofdm);
    static const std::string profiles = tap_profiles_sha256();
    table("tap profiles", profiles);
  }

  /// A timeline that measures nothing counts what the network would do, and leaves it out.
  void network(const Scenario& scenario) {
    add(part::network);
    const bool runs = scenario.accuracy || scenario.psnr || scenario.ssim;
    if (runs)
      add(device_ == DeviceKind::cpu ? part::network_kernels_cpu : part::network_kernels_cuda);
  }

  /// Every header goes through the convolutional code, whatever carries the payload.
  void header() {
    add(part::header_codec, part::constellations, part::convolutional_code, part::crc);
    static const std::string tables = header_tables_sha256();
    table("header tables", tables);
  }

  /// Blocks of bits of one coding.
  void blocks(const ModulationCoding& coding) {
    add(part::blocks, part::constellations);
    if (coding.check) add(part::crc);
    if (!coding.modulation.gray()) add(coding.modulation.points().component());
    for (const Component& component : coding.code->components()) add(component);
  }

  /// Blocks whose coding the sender chooses by its predicted loss: any of the list.
  void chosen_blocks() {
    for (const ModulationCoding& coding : modulation_codings()) blocks(coding);
    predictions();
    static const std::string codings = modulation_codings_sha256();
    table("modulation codings", codings);
  }

  void predictions() {
    add(part::predicted_loss, part::capacity);
    static const std::string losses = transport_loss_table_sha256();
    table("table of predicted losses", losses);
  }

  void add(const Component& component) {
    found_.insert_or_assign(component.name, component.version);
  }

  std::vector<Component> list() const {
    std::vector<Component> made;
    for (const auto& [name, version] : found_) made.push_back({name, version});
    return made;
  }

 private:
  DeviceKind device_;
  std::map<std::string, std::string> found_;
};

void semantic_pair(const Scenario& scenario, Used& used) {
  used.add(part::semantic_transmitter, part::gates, part::exit_rules, part::policies,
           part::semantic_receiver, part::routers, part::semantic_header);
  used.header();
  used.network(scenario);
  if (!scenario.digital) return;
  used.add(part::digital_link);
  if (scenario.digital->coding_bits() > 0)
    used.chosen_blocks();
  else
    used.blocks(scenario.digital->coding(0));
}

void separation_pair(const Scenario& scenario, Used& used) {
  used.add(part::separation_transmitter, part::separation_receiver, part::separation_header,
           part::gain_outlook, part::capacity);
  used.add(image_codecs().make(scenario.codec, scenario.place("/transmitter/codec"))->component());
  if (!scenario.bound()) {
    used.header();
    used.chosen_blocks();
  }
  if (scenario.image) return;  // no network looks at what comes out
  used.add(part::classifier);
  used.network(scenario);
}

void label_pair(const Scenario& scenario, Used& used) {
  used.add(part::label_transmitter, part::label_receiver, part::label_header, part::classifier);
  used.header();
  used.network(scenario);
}

}  // namespace

std::vector<Component> components_used(const Scenario& scenario, DeviceKind device) {
  Used used(device);
  used.add(part::scenario, part::images, part::evaluation);
  used.channel(scenario.channel, scenario.resolved["channel"]);
  if (scenario.psnr) used.add(part::psnr);
  if (scenario.ssim) used.add(part::ssim);
  if (scenario.timeline) used.add(part::timeline);
  switch (scenario.pair) {
    case PairKind::semantic:
      semantic_pair(scenario, used);
      break;
    case PairKind::separation:
      separation_pair(scenario, used);
      break;
    case PairKind::label:
      label_pair(scenario, used);
      break;
  }
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
         decoding.decoder.list == usual.decoder.list &&
         decoding.decoder.ldpc.algorithm == usual.decoder.ldpc.algorithm &&
         decoding.decoder.ldpc.iterations == usual.decoder.ldpc.iterations;
}

std::vector<Component> link_components_used(const Scenario& scenario, DeviceKind device) {
  Used used(device);
  used.add(part::scenario, part::link_laboratory);
  used.channel(scenario.channel, scenario.resolved["channel"]);
  used.blocks(scenario.link.value().coding);
  if (predicts_frame_errors(scenario)) used.predictions();
  return used.list();
}

}  // namespace semwave
