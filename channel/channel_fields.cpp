// What `semwave schema`, `list` and `validate` know of the keys that many kinds of channel have,
// and their reading.
#include "channel/channel_fields.h"

#include <cmath>

#include "channel/channel.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

Field coherence_field() {
  Field block{.name = "block",
              .type = FieldType::integer,
              .summary = "uses that share a gain",
              .minimum = 1,
              .maximum = 1e9};
  Field uses{.name = "coherence", .type = FieldType::object, .summary = "a block of uses"};
  uses.object = fields::shared(Fields{.summary = "a block of uses", .fields = {block}});
  return {
      .name = "coherence",
      .type = FieldType::choice,
      .summary =
          "how long a gain lasts: a symbol, a block of block_uses (or {\"block\": uses}), an image",
      .fallback = Json("image"),
      .choices = {"symbol", "block", "image"},
      .alternatives = {uses}};
}

Csi read_end(const Json& end, const Json& common) {
  static constexpr std::pair<const char*, CsiKind> kinds[] = {{"perfect", CsiKind::perfect},
                                                              {"estimated", CsiKind::estimated},
                                                              {"delayed", CsiKind::delayed},
                                                              {"quantised", CsiKind::quantised},
                                                              {"none", CsiKind::none}};
  Csi csi;
  for (const auto& [name, kind] : kinds)
    if (end.at("kind") == name) csi.kind = kind;
  csi.pilots = end.value("pilots", common.is_null() ? 1 : common.get<int>());
  csi.delay = end.value("delay", csi.delay);
  csi.bits = end.value("bits", csi.bits);
  return csi;
}

Interference read_interference(const Json& parameters) {
  const Json& from = parameters.at("interference");
  if (from.at("kind") == "none") return {};
  return {from.at("kind") == "qpsk" ? InterferenceKind::qpsk : InterferenceKind::gaussian,
          1 / linear(from.at("sir_db")), from.at("known").get<bool>()};
}

}  // namespace

double linear(const Json& db) {
  return std::pow(10, db.get<double>() / 10);
}

Field snr_field() {
  const auto decibel = [](std::string name) {
    return Field{.name = std::move(name),
                 .type = FieldType::number,
                 .summary = "dB",
                 .minimum = -100,
                 .maximum = 200};
  };
  Field range{.name = "uniform",
              .type = FieldType::list,
              .summary = "from and to, in dB",
              .minimum = 2,
              .maximum = 2};
  range.element = std::make_shared<const Field>(decibel("snr_db"));
  Field law{
      .name = "snr_db", .type = FieldType::object, .summary = "drawn per image, uniform in dB"};
  law.object = fields::shared(Fields{.summary = "a law of the SNR", .fields = {range}});
  Field field = decibel("snr_db");
  field.summary = "mean Es/N0 in dB, or {\"uniform\": [from, to]} drawn per image";
  field.fallback = Json(10);
  field.alternatives = {law};
  return field;
}

Field noiseless_field() {
  return fields::boolean("noiseless", false, "what arrives is what was sent, snr_db means nothing");
}

void make_noiseless(ChannelSettings& channel) {
  channel.noiseless = true;
  channel.snr = {Channel::ideal_snr_db, Channel::ideal_snr_db};
}

ChannelSettings read_noise(const Json& parameters) {
  ChannelSettings channel;
  channel.interference = read_interference(parameters);
  if (!parameters.contains("snr_db")) return channel;

  const Json& snr = parameters.at("snr_db");
  if (snr.is_object()) {
    channel.snr = {snr.at("uniform").at(0).get<double>(), snr.at("uniform").at(1).get<double>()};
    if (channel.snr.from_db > channel.snr.to_db)
      throw PartError("/snr_db", "\"uniform\" wants the smaller end first");
  } else {
    channel.snr = {snr.get<double>(), snr.get<double>()};
  }
  if (parameters.value("noiseless", false)) make_noiseless(channel);
  return channel;
}

Field interference_field() {
  const auto at = [](std::string summary) {
    return fields::shared(
        {.summary = std::move(summary),
         .fields = {
             fields::number("sir_db", 10, -100, 200,
                            "mean power of the signal over that of the interference, dB, at each "
                            "receive antenna"),
             fields::boolean("known", false,
                             "both ends count it as noise; otherwise they know N0 alone")}});
  };
  return {.name = "interference",
          .type = FieldType::variant,
          .summary = "another sender on the same uses, which does not fade",
          .fallback = Json("none"),
          .kinds = {{"none", fields::shared({.summary = "nobody else"})},
                    {"gaussian", at("CN(0, power): many senders")},
                    {"qpsk", at("one sender of QPSK, in step, its phase drawn once per image")}}};
}

Field csi_field(bool own_pilots) {
  const Field pilots{.name = "pilots",
                     .type = FieldType::integer,
                     .summary = "channel uses for each estimate; default: csi.pilots",
                     .optional = true,
                     .minimum = 1,
                     .maximum = 1e6};
  const Field delay{.name = "delay",
                    .type = FieldType::integer,
                    .summary = "slots",
                    .fallback = Json(1),
                    .minimum = 0,
                    .maximum = 1e6};
  const auto kinds = [&](std::string perfect, std::string estimated, std::string delayed,
                         std::string quantised, std::string bits_of, std::string none) {
    const Field bits{.name = "bits",
                     .type = FieldType::integer,
                     .summary = std::move(bits_of),
                     .fallback = Json(3),
                     .minimum = 1,
                     .maximum = 24};
    return std::vector<std::pair<std::string, std::shared_ptr<const Fields>>>{
        {"perfect", fields::shared({.summary = std::move(perfect)})},
        {"estimated", fields::shared({.summary = std::move(estimated),
                                      .fields = own_pilots ? std::vector<Field>{pilots}
                                                           : std::vector<Field>{}})},
        {"delayed", fields::shared({.summary = std::move(delayed), .fields = {delay}})},
        {"quantised", fields::shared({.summary = std::move(quantised), .fields = {bits}})},
        {"none", fields::shared({.summary = std::move(none)})}};
  };
  const Field transmitter{
      .name = "transmitter",
      .type = FieldType::variant,
      .summary = "what the transmitter knows before it plans",
      .fallback = Json("perfect"),
      .kinds = kinds("the SNR of the burst, gain included where there is one gain a burst",
                     "from pilots sent before the burst, counted: error variance N0/pilots",
                     "the SNR of some slots ago", "a few bits of the SNR",
                     "of the SNR over -10..30 dB", "the middle of the SNR law")};
  const Field receiver{
      .name = "receiver",
      .type = FieldType::variant,
      .summary = "what the receiver knows of the gains; it knows N0",
      .fallback = Json("perfect"),
      .kinds = kinds("every gain", "from pilots in the burst, counted: error variance N0/pilots",
                     "the gain of some slots ago", "a few bits of the gain",
                     "of each real dimension over -3..3", "nothing: the gain is taken for 1")};
  const Field common{.name = "pilots",
                     .type = FieldType::integer,
                     .summary = "of an end that is estimated and does not say",
                     .fallback = Json(4),
                     .minimum = 1,
                     .maximum = 1e6};
  Field field{.name = "csi",
              .type = FieldType::object,
              .summary = "channel state information at each end",
              .fallback = Json::object()};
  field.object =
      fields::shared(Fields{.summary = "channel state information",
                            .fields = own_pilots ? std::vector<Field>{transmitter, receiver, common}
                                                 : std::vector<Field>{transmitter, receiver}});
  return field;
}

void read_csi(const Json& parameters, ChannelSettings& channel) {
  const Json& csi = parameters.at("csi");
  const Json pilots = csi.value("pilots", Json());
  channel.transmitter = read_end(csi.at("transmitter"), pilots);
  channel.receiver = read_end(csi.at("receiver"), pilots);
  const FadingLaw& fading = channel.fading;
  if (!fading.gains || fading.coherence == Coherence::image) return;
  const auto one_gain = [&](const Csi& end, const char* place) {
    if (end.kind == CsiKind::delayed)
      throw PartError(place, "a delayed gain needs one gain a burst: coherence image");
  };
  one_gain(channel.receiver, "/csi/receiver");
  one_gain(channel.transmitter, "/csi/transmitter");
  if (channel.transmitter.kind == CsiKind::estimated)
    throw PartError("/csi/transmitter",
                    "the transmitter can estimate one gain a burst only: coherence image");
  if (channel.receiver.kind != CsiKind::estimated) return;
  if (fading.coherence == Coherence::symbol)
    throw PartError("/csi/receiver",
                    "a gain that lasts one symbol cannot be estimated: coherence image or block");
  if (const std::int64_t pilots_a_gain = std::int64_t{channel.streams()} * channel.receiver.pilots;
      pilots_a_gain >= fading.block)
    throw PartError("/csi/receiver", std::to_string(pilots_a_gain) +
                                         " pilots leave nothing of a block of " +
                                         std::to_string(fading.block) + " uses");
}

void read_csi_without_pilots(const Json& parameters, ChannelSettings& channel) {
  const Json& csi = parameters.at("csi");
  channel.transmitter = read_end(csi.at("transmitter"), Json());
  channel.receiver = read_end(csi.at("receiver"), Json());
}

std::vector<Field> coherence_fields() {
  return {coherence_field(),
          fields::integer("block_uses", 1, 1, 1e9, "uses that share a gain with coherence block")};
}

std::vector<Field> doppler_fields() {
  const Field doppler{
      .name = "doppler",
      .type = FieldType::number,
      .summary =
          "f_D tau, tau the coherence interval (a slot for image): gains follow each other "
          "with autocorrelation J0(2 pi f_D tau n); default: each draws its own",
      .optional = true,
      .minimum = 0,
      .maximum = 1e6};
  return fields::joined(coherence_fields(), {doppler});
}

void read_coherence(const Json& parameters, FadingLaw& law) {
  const Json& coherence = parameters.at("coherence");
  if (coherence.is_object()) {
    law.coherence = Coherence::block;
    law.block = coherence.at("block").get<std::int64_t>();
  } else {
    law.coherence = coherence == "symbol"  ? Coherence::symbol
                    : coherence == "block" ? Coherence::block
                                           : Coherence::image;
    law.block = parameters.at("block_uses").get<std::int64_t>();
  }
  if (parameters.contains("doppler")) law.doppler = parameters.at("doppler").get<double>();
}

std::vector<Field> loss_fields() {
  return {fields::choice(
              "of", "token", {"token", "packet"},
              "what is lost as a whole: the symbols of a token, or packet_uses payload symbols "
              "in a row"),
          fields::integer("packet_uses", 32, 1, 1e9, "symbols a packet"),
          fields::choice(
              "header", "reliable", {"reliable", "lost too"},
              "reliable: it goes over a control link that loses nothing; lost too: it travels "
              "before the payload like the rest, and without it the image is lost")};
}

void read_loss(const Json& parameters, LossLaw& law) {
  law.unit = parameters.at("of") == "packet" ? LossUnit::packet : LossUnit::token;
  law.packet_uses = parameters.at("packet_uses").get<std::int64_t>();
  law.header_too = parameters.at("header") == "lost too";
}

}  // namespace semwave
