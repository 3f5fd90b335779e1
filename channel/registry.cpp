// The entries, each with its fields: this list is what `semwave list channels` and the schema show.
#include "channel/registry.h"

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
  const Field perfect{
      .name = "kind", .type = FieldType::choice, .summary = "how the link is known", .fallback = Json("perfect"), .choices = {"perfect"}};
  const auto end = [&](std::string name, std::string who) {
    Field object{.name = name, .type = FieldType::object, .summary = "what the " + who + " knows"};
    object.object = shared(Fields{.summary = "knowledge of the link", .fields = {perfect}});
    Field field = perfect;
    field.name = std::move(name);
    field.summary = "what the " + who + " knows of the gain and the noise";
    field.alternatives = {object};
    return field;
  };
  Field field{.name = "csi", .type = FieldType::object, .summary = "channel state information at each end", .fallback = Json::object()};
  field.object = shared(Fields{.summary = "channel state information", .fields = {end("transmitter", "transmitter"), end("receiver", "receiver")}});
  return field;
}

ChannelSettings noisy(const Json& parameters) {
  ChannelSettings settings;
  const Json& snr = parameters.at("snr_db");
  if (snr.is_object()) {
    settings.snr = {snr.at("uniform").at(0).get<double>(), snr.at("uniform").at(1).get<double>()};
    if (settings.snr.from_db > settings.snr.to_db) throw Error("snr_db", "\"uniform\" wants the smaller end first");
  } else {
    settings.snr = {snr.get<double>(), snr.get<double>()};
  }
  return settings;
}

ChannelSettings rayleigh(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  settings.fading = FadingKind::rayleigh;
  const Json& coherence = parameters.at("coherence");
  if (coherence.is_object()) {
    settings.coherence = Coherence::block;
    settings.block = coherence.at("block").get<std::int64_t>();
  } else {
    settings.coherence = coherence == "symbol" ? Coherence::symbol : coherence == "block" ? Coherence::block : Coherence::image;
    settings.block = parameters.at("block_uses").get<std::int64_t>();
  }
  return settings;
}

}  // namespace

const Registry<ChannelSettings>& channels() {
  static const Registry<ChannelSettings> registry = [] {
    Registry<ChannelSettings> all("channel");
    all.add("ideal", {.summary = "what is sent is heard: no noise, no fading; also the name of a real radio", .fields = {csi_field()}},
            [](const Json&) {
              ChannelSettings settings;
              settings.noiseless = true;
              settings.snr = {Channel::ideal_snr_db, Channel::ideal_snr_db};
              return settings;
            });
    all.add("awgn", {.summary = "white Gaussian noise of variance N0 per complex symbol", .fields = {snr_field(), csi_field()}}, noisy);
    const Field block{.name = "block_uses",
                      .type = FieldType::integer,
                      .summary = "uses that share a gain with coherence block",
                      .fallback = Json(1),
                      .minimum = 1,
                      .maximum = 1e9};
    all.add("rayleigh",
            {.summary = "complex gain CN(0, 1), phase included, then white Gaussian noise",
             .fields = {snr_field(), coherence_field(), block, csi_field()}},
            rayleigh);
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
