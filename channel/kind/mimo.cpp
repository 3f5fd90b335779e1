#include "channel/kind/mimo.h"

#include "channel/channel_fields.h"
#include "channel/kind/rayleigh.h"
#include "channel/mimo_ofdm/streams.h"
#include "channel/numerics.h"
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

std::vector<Field> antennas_fields() {
  return {fields::object("antennas",
                         {fields::integer("transmit", 1, 1, most_antennas, "n"),
                          fields::integer("receive", 2, 1, most_antennas, "m, at least n")},
                         "n = 1: the receiver adds its branches in maximum ratio; n > 1: n streams "
                         "of power 1/n each, n symbols a use"),
          fields::choice("detector", "lmmse", {"zf", "lmmse"},
                         "what separates the streams; unbiased, with the variance of each")};
}

void read_mimo(const Json& parameters, ChannelSettings& channel) {
  const Json& numbers = parameters.at("antennas");
  const Antennas antennas{
      numbers.at("transmit").get<int>(), numbers.at("receive").get<int>(),
      parameters.at("detector") == "zf" ? Detector::zero_forcing : Detector::lmmse};
  const auto& [transmit, receive, detector] = antennas;
  if (receive < transmit)
    throw PartError("/antennas/receive",
                    std::to_string(receive) + " receive antennas cannot separate the streams of " +
                        std::to_string(transmit) + " transmit antennas: take as many or more");

  over_antennas(antennas, channel);
  read_coherence(parameters, channel.fading);
}

void check_mimo(const ChannelSettings& channel) {
  if (channel.receiver.kind == CsiKind::none && channel.fading.branches > 1)
    throw PartError("/csi/receiver",
                    "without any knowledge of the gains antennas can be neither combined nor "
                    "separated: perfect, estimated, delayed or quantised");
}

}  // namespace

void over_antennas(const Antennas& antennas, ChannelSettings& channel) {
  channel.made_with(part::antennas);
  channel.fading.gains = rayleigh_gains();
  channel.fading.branches = antennas.transmit * antennas.receive;
  if (antennas.transmit > 1) channel.passage = std::make_shared<const Streams>(antennas);
}

void add_mimo(ChannelKinds& kinds) {
  kinds.add({.name = "mimo",
             .summary = "several antennas, Rayleigh between each pair: maximum-ratio combining, or "
                        "streams that a zero-forcing or LMMSE detector separates; snr_db is per "
                        "receive branch",
             .fields = fields::joined(antennas_fields(), doppler_fields()),
             .read = read_mimo,
             .chain = ChainPlace::fading,
             .check = check_mimo});
}

}  // namespace semwave
