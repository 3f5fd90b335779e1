// The entries, each with its fields: this list is what `semwave list channels` and the schema show.
#include "channel/registry.h"

#include <cmath>

namespace semwave {
namespace {

std::shared_ptr<const Fields> shared(Fields fields) { return std::make_shared<const Fields>(std::move(fields)); }

Field snr_field() {
  const auto decibel = [](std::string name) {
    return Field{.name = std::move(name), .type = FieldType::number, .summary = "dB", .minimum = -100, .maximum = 200};
  };
  Field range{.name = "uniform", .type = FieldType::list, .summary = "from and to, in dB", .minimum = 2, .maximum = 2};
  range.element = std::make_shared<const Field>(decibel("snr_db"));
  Field law{.name = "snr_db", .type = FieldType::object, .summary = "drawn per image, uniform in dB"};
  law.object = shared(Fields{.summary = "a law of the SNR", .fields = {range}});
  Field field = decibel("snr_db");
  field.summary = "mean Es/N0 in dB, or {\"uniform\": [from, to]} drawn per image";
  field.fallback = Json(10);
  field.alternatives = {law};
  return field;
}

Field coherence_field() {
  Field block{.name = "block", .type = FieldType::integer, .summary = "uses that share a gain", .minimum = 1, .maximum = 1e9};
  Field uses{.name = "coherence", .type = FieldType::object, .summary = "a block of uses"};
  uses.object = shared(Fields{.summary = "a block of uses", .fields = {block}});
  return {.name = "coherence",
          .type = FieldType::choice,
          .summary = "how long a gain lasts: a symbol, a block of block_uses (or {\"block\": uses}), an image",
          .fallback = Json("image"),
          .choices = {"symbol", "block", "image"},
          .alternatives = {uses}};
}

Field csi_field() {
  const Field pilots{.name = "pilots", .type = FieldType::integer, .summary = "channel uses for each estimate; left out: csi.pilots", .optional = true, .minimum = 1, .maximum = 1e6};
  const Field delay{.name = "delay", .type = FieldType::integer, .summary = "slots", .fallback = Json(1), .minimum = 0, .maximum = 1e6};
  const auto kinds = [&](std::string perfect, std::string estimated, std::string delayed, std::string quantised, std::string bits_of, std::string none) {
    const Field bits{.name = "bits", .type = FieldType::integer, .summary = bits_of, .fallback = Json(3), .minimum = 1, .maximum = 24};
    return std::vector<std::pair<std::string, std::shared_ptr<const Fields>>>{{"perfect", shared({.summary = std::move(perfect)})},
                                                                              {"estimated", shared({.summary = std::move(estimated), .fields = {pilots}})},
                                                                              {"delayed", shared({.summary = std::move(delayed), .fields = {delay}})},
                                                                              {"quantised", shared({.summary = std::move(quantised), .fields = {bits}})},
                                                                              {"none", shared({.summary = std::move(none)})}};
  };
  const Field transmitter{.name = "transmitter", .type = FieldType::variant, .summary = "what the transmitter knows before it plans", .fallback = Json("perfect"),
                          .kinds = kinds("the SNR of the burst, gain included where there is one gain a burst", "from pilots sent before the burst, counted: error variance N0/pilots",
                                         "the SNR of some slots ago", "a few bits of the SNR", "of the SNR over -10..30 dB", "the middle of the SNR law")};
  const Field receiver{.name = "receiver", .type = FieldType::variant, .summary = "what the receiver knows of the gains; it knows N0", .fallback = Json("perfect"),
                       .kinds = kinds("every gain", "from pilots in the burst, counted: error variance N0/pilots", "the gain of some slots ago", "a few bits of the gain",
                                      "of each real dimension over -3..3", "nothing: the gain is taken for 1")};
  const Field common{.name = "pilots", .type = FieldType::integer, .summary = "of an end that is estimated and does not say", .fallback = Json(4), .minimum = 1, .maximum = 1e6};
  Field field{.name = "csi", .type = FieldType::object, .summary = "channel state information at each end", .fallback = Json::object()};
  field.object = shared(Fields{.summary = "channel state information", .fields = {transmitter, receiver, common}});
  return field;
}

Field doppler_field() {
  return {.name = "doppler",
          .type = FieldType::number,
          .summary = "f_D tau, tau the coherence interval (a slot for image): gains follow each other with autocorrelation J0(2 pi f_D tau n); left out: each draws its own",
          .optional = true,
          .minimum = 0,
          .maximum = 1e6};
}

Csi read_csi(const Json& end, const Json& common) {
  static constexpr std::pair<const char*, CsiKind> kinds[] = {{"perfect", CsiKind::perfect}, {"estimated", CsiKind::estimated}, {"delayed", CsiKind::delayed}, {"quantised", CsiKind::quantised}, {"none", CsiKind::none}};
  Csi csi;
  for (const auto& [name, kind] : kinds)
    if (end.at("kind") == name) csi.kind = kind;
  csi.pilots = end.value("pilots", common.get<int>());
  csi.delay = end.value("delay", csi.delay);
  csi.bits = end.value("bits", csi.bits);
  return csi;
}

/// Both ends, and that what they are to know can be known.
void read_csi(const Json& parameters, ChannelSettings& settings) {
  const Json& csi = parameters.at("csi");
  settings.transmitter = read_csi(csi.at("transmitter"), csi.at("pilots"));
  settings.receiver = read_csi(csi.at("receiver"), csi.at("pilots"));
  const FadingLaw& fading = settings.fading;
  if (fading.kind == FadingKind::none || fading.coherence == Coherence::image) return;
  const auto one_gain = [&](const Csi& end, const char* place) {
    if (end.kind == CsiKind::delayed) throw Error(place, "a delayed gain needs one gain a burst: coherence image");
  };
  one_gain(settings.receiver, "@/csi/receiver");
  one_gain(settings.transmitter, "@/csi/transmitter");
  if (settings.transmitter.kind == CsiKind::estimated) throw Error("@/csi/transmitter", "the transmitter can estimate one gain a burst only: coherence image");
  if (settings.receiver.kind != CsiKind::estimated) return;
  if (fading.coherence == Coherence::symbol) throw Error("@/csi/receiver", "a gain that lasts one symbol cannot be estimated: coherence image or block");
  if (settings.receiver.pilots >= fading.block)
    throw Error("@/csi/receiver", std::to_string(settings.receiver.pilots) + " pilots leave nothing of a block of " + std::to_string(fading.block) + " uses");
}

ChannelSettings noisy(const Json& parameters) {
  ChannelSettings settings;
  const Json& snr = parameters.at("snr_db");
  if (snr.is_object()) {
    settings.snr = {snr.at("uniform").at(0).get<double>(), snr.at("uniform").at(1).get<double>()};
    if (settings.snr.from_db > settings.snr.to_db) throw Error("@/snr_db", "\"uniform\" wants the smaller end first");
  } else {
    settings.snr = {snr.get<double>(), snr.get<double>()};
  }
  return settings;
}

ChannelSettings awgn(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  read_csi(parameters, settings);
  return settings;
}

ChannelSettings fading(const Json& parameters, FadingKind kind) {
  ChannelSettings settings = noisy(parameters);
  FadingLaw& law = settings.fading;
  law.kind = kind;
  const Json& coherence = parameters.at("coherence");
  if (coherence.is_object()) {
    law.coherence = Coherence::block;
    law.block = coherence.at("block").get<std::int64_t>();
  } else {
    law.coherence = coherence == "symbol" ? Coherence::symbol : coherence == "block" ? Coherence::block : Coherence::image;
    law.block = parameters.at("block_uses").get<std::int64_t>();
  }
  if (parameters.contains("doppler")) law.doppler = parameters.at("doppler").get<double>();
  if (kind == FadingKind::rician) law.k_factor = std::pow(10, parameters.at("k_db").get<double>() / 10);
  read_csi(parameters, settings);
  return settings;
}

}  // namespace

const Registry<ChannelSettings>& channels() {
  static const Registry<ChannelSettings> registry = [] {
    Registry<ChannelSettings> all("channel");
    all.add("ideal", {.summary = "what is sent is heard: no noise, no fading; also the name of a real radio", .fields = {csi_field()}},
            [](const Json& parameters) {
              ChannelSettings settings;
              settings.noiseless = true;
              settings.snr = {Channel::ideal_snr_db, Channel::ideal_snr_db};
              read_csi(parameters, settings);
              return settings;
            });
    all.add("awgn", {.summary = "white Gaussian noise of variance N0 per complex symbol", .fields = {snr_field(), csi_field()}}, awgn);
    const Field block{.name = "block_uses",
                      .type = FieldType::integer,
                      .summary = "uses that share a gain with coherence block",
                      .fallback = Json(1),
                      .minimum = 1,
                      .maximum = 1e9};
    all.add("rayleigh",
            {.summary = "complex gain CN(0, 1), phase included, then white Gaussian noise",
             .fields = {snr_field(), coherence_field(), block, doppler_field(), csi_field()}},
            [](const Json& parameters) { return fading(parameters, FadingKind::rayleigh); });
    const Field k{.name = "k_db", .type = FieldType::number, .summary = "power of the line of sight over that of the scatter, dB", .fallback = Json(6), .minimum = -100, .maximum = 100};
    all.add("rician",
            {.summary = "a line of sight of constant gain and a scattered part CN(0, 1), together of unit power, then white Gaussian noise",
             .fields = {snr_field(), k, coherence_field(), block, doppler_field(), csi_field()}},
            [](const Json& parameters) { return fading(parameters, FadingKind::rician); });
    return all;
  }();
  return registry;
}

const Registry<Equaliser>& equalisers() {
  static const Registry<Equaliser> registry = [] {
    Registry<Equaliser> all("equaliser");
    all.add("zf", {.summary = "y/h: unbiased, noise grows as the gain falls"}, [](const Json&) { return Equaliser::zero_forcing; });
    all.add("mmse", {.summary = "conj(h) y/(|h|^2 + N0): least mean squared error, biased towards zero"},
            [](const Json&) { return Equaliser::mmse; });
    return all;
  }();
  return registry;
}

}  // namespace semwave
