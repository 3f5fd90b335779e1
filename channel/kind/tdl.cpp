#include "channel/kind/tdl.h"

#include <bit>

#include "channel/channel_fields.h"
#include "channel/fading/multipath.h"
#include "channel/kind/rayleigh.h"
#include "channel/mimo_ofdm/tones.h"
#include "channel/numerics.h"
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

std::vector<Field> ofdm_fields() {
  std::vector<std::string> names;
  for (const TapProfile& profile : tap_profiles()) names.push_back(profile.name);
  const auto spaced = [](double least, const std::string& every) {
    return fields::shared(
        {.summary = every, .fields = {fields::integer("every", 4, least, 4096, every)}});
  };
  return {
      fields::choice("profile", "B100", names,
                     "taps, named by their RMS delay spread in ns (3GPP TS 38.101-4, 38.104)"),
      fields::integer("subcarriers", 64, 8, 4096, "FFT size, a power of two; every tone is used"),
      fields::number(
          "spacing_khz", 60, 0.1, 1e5,
          "between tones; one sample lasts 1/(subcarriers spacing), each tap falls on the "
          "nearest one"),
      fields::integer("prefix", 16, 0, 4096,
                      "samples of cyclic prefix, at most subcarriers; counted"),
      {.name = "pilots",
       .type = FieldType::variant,
       .summary = "where csi.receiver is estimated: least squares; counted",
       .fallback = Json("tones"),
       .kinds = {{"tones",
                  spaced(2, "one tone in so many of each OFDM symbol, interpolated linearly")},
                 {"symbols",
                  spaced(1, "an OFDM symbol before so many of data, held until the next")}}},
      fields::number(
          "doppler_hz", 0, 0, 1e6,
          "of every tap, from OFDM symbol to OFDM symbol by Clarke's law; constant within "
          "one; 0: within the burst")};
}

OfdmSettings read_ofdm(const Json& parameters) {
  const Json& pilots = parameters.at("pilots");
  const OfdmSettings ofdm{
      .subcarriers = parameters.at("subcarriers").get<int>(),
      .spacing_khz = parameters.at("spacing_khz").get<double>(),
      .prefix = parameters.at("prefix").get<int>(),
      .layout = pilots.at("kind") == "symbols" ? PilotLayout::symbols : PilotLayout::tones,
      .pilot_spacing = pilots.at("every").get<int>()};
  if (!std::has_single_bit(static_cast<unsigned>(ofdm.subcarriers)))
    throw PartError("/subcarriers",
                    "expected a power of two, found " + std::to_string(ofdm.subcarriers));
  if (ofdm.prefix > ofdm.subcarriers)
    throw PartError("/prefix", "a prefix of " + std::to_string(ofdm.prefix) +
                                   " samples is longer than the symbol it repeats, of " +
                                   std::to_string(ofdm.subcarriers));
  if (ofdm.layout == PilotLayout::tones && ofdm.pilot_spacing > ofdm.subcarriers / 2)
    throw PartError("/pilots/every", "one pilot tone in " + std::to_string(ofdm.pilot_spacing) +
                                         " leaves fewer than two among " +
                                         std::to_string(ofdm.subcarriers) +
                                         " to interpolate between");
  return ofdm;
}

const TapProfile& profile_named(const std::string& name) {
  for (const TapProfile& profile : tap_profiles())
    if (profile.name == name) return profile;
  throw PartError("/profile", "unknown profile '" + name + "'");
}

/// One number stands for many tones, and taps that are new for each burst.
void check_csi(const ChannelSettings& channel) {
  constexpr const char* late =
      "the taps of a burst do not follow those of the burst before: perfect, estimated "
      "(receiver), quantised or none";
  if (channel.transmitter.kind == CsiKind::delayed) throw PartError("/csi/transmitter", late);
  if (channel.receiver.kind == CsiKind::delayed) throw PartError("/csi/receiver", late);
  if (channel.transmitter.kind == CsiKind::estimated)
    throw PartError("/csi/transmitter",
                    "its one number stands for many tones, which it has no pilots for: perfect, "
                    "quantised or none");
}

ChannelSettings read_tdl(const Json& parameters) {
  ChannelSettings channel = read_noise(parameters);
  const auto ofdm = std::make_shared<const Ofdm>(
      read_ofdm(parameters), profile_named(parameters.at("profile").get<std::string>()));
  over_tones(ofdm, parameters.at("doppler_hz").get<double>(), channel);
  read_csi_without_pilots(parameters, channel);
  channel.receiver.pilots = 1;
  check_csi(channel);
  return channel;
}

}  // namespace

void over_tones(const std::shared_ptr<const Ofdm>& ofdm, double doppler_hz,
                ChannelSettings& channel) {
  static const std::string profiles = tap_profiles_sha256();
  channel.made_with(part::ofdm);
  channel.components.push_back({"tap profiles", profiles});

  channel.fading.gains = rayleigh_gains();
  channel.passage = std::make_shared<const Tones>(ofdm);
  channel.fading.branches = channel.passage->branches();
  if (doppler_hz <= 0) return;
  channel.fading.coherence = Coherence::symbol;  // taps are counted by OFDM symbols
  channel.fading.doppler = doppler_hz * ofdm->symbol_seconds();
}

void add_tdl(ChannelKinds& kinds) {
  std::vector<Field> all = fields::joined({snr_field()}, ofdm_fields());
  all.push_back(csi_field(false));
  all.push_back(interference_field());
  kinds.add("tdl",
            {.summary = "a tapped delay line carried by OFDM with a cyclic prefix: the signal "
                        "really goes through the taps sample by sample",
             .fields = std::move(all)},
            read_tdl);
}

}  // namespace semwave
