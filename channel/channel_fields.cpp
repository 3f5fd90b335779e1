// The keys of a scenario's channel: what `semwave schema`, `list` and `validate` know of them. Read
// in channel/registry.cpp.
#include "channel/channel_fields.h"

#include "channel/fading/multipath.h"
#include "channel/mimo_ofdm/antennas.h"

namespace semwave {
namespace {

std::shared_ptr<const Fields> shared(Fields fields) {
  return std::make_shared<const Fields>(std::move(fields));
}

Field number(std::string name, double fallback, double minimum, double maximum,
             std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::number,
          .summary = std::move(summary),
          .fallback = Json(fallback),
          .minimum = minimum,
          .maximum = maximum};
}

Field integer(std::string name, int fallback, double minimum, double maximum, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::integer,
          .summary = std::move(summary),
          .fallback = Json(fallback),
          .minimum = minimum,
          .maximum = maximum};
}

Field boolean(std::string name, bool fallback, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::boolean,
          .summary = std::move(summary),
          .fallback = Json(fallback)};
}

Field choice(std::string name, std::string fallback, std::vector<std::string> choices,
             std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::choice,
          .summary = std::move(summary),
          .fallback = Json(std::move(fallback)),
          .choices = std::move(choices)};
}

Field object(std::string name, std::vector<Field> members, std::string summary) {
  auto inner = shared({.summary = summary, .fields = std::move(members)});
  return {.name = std::move(name),
          .type = FieldType::object,
          .summary = std::move(summary),
          .fallback = Json::object(),
          .object = std::move(inner)};
}

}  // namespace

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
  law.object = shared(Fields{.summary = "a law of the SNR", .fields = {range}});
  Field field = decibel("snr_db");
  field.summary = "mean Es/N0 in dB, or {\"uniform\": [from, to]} drawn per image";
  field.fallback = Json(10);
  field.alternatives = {law};
  return field;
}

Field coherence_field() {
  Field block{.name = "block",
              .type = FieldType::integer,
              .summary = "uses that share a gain",
              .minimum = 1,
              .maximum = 1e9};
  Field uses{.name = "coherence", .type = FieldType::object, .summary = "a block of uses"};
  uses.object = shared(Fields{.summary = "a block of uses", .fields = {block}});
  return {
      .name = "coherence",
      .type = FieldType::choice,
      .summary =
          "how long a gain lasts: a symbol, a block of block_uses (or {\"block\": uses}), an image",
      .fallback = Json("image"),
      .choices = {"symbol", "block", "image"},
      .alternatives = {uses}};
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
                     .summary = bits_of,
                     .fallback = Json(3),
                     .minimum = 1,
                     .maximum = 24};
    return std::vector<std::pair<std::string, std::shared_ptr<const Fields>>>{
        {"perfect", shared({.summary = std::move(perfect)})},
        {"estimated",
         shared({.summary = std::move(estimated),
                 .fields = own_pilots ? std::vector<Field>{pilots} : std::vector<Field>{}})},
        {"delayed", shared({.summary = std::move(delayed), .fields = {delay}})},
        {"quantised", shared({.summary = std::move(quantised), .fields = {bits}})},
        {"none", shared({.summary = std::move(none)})}};
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
      shared(Fields{.summary = "channel state information",
                    .fields = own_pilots ? std::vector<Field>{transmitter, receiver, common}
                                         : std::vector<Field>{transmitter, receiver}});
  return field;
}

Field block_field() {
  return integer("block_uses", 1, 1, 1e9, "uses that share a gain with coherence block");
}

Field doppler_field() {
  return {.name = "doppler",
          .type = FieldType::number,
          .summary =
              "f_D tau, tau the coherence interval (a slot for image): gains follow each other "
              "with autocorrelation J0(2 pi f_D tau n); default: each draws its own",
          .optional = true,
          .minimum = 0,
          .maximum = 1e6};
}

Field interference_field() {
  const auto at = [](std::string summary) {
    return shared(
        {.summary = std::move(summary),
         .fields = {number("sir_db", 10, -100, 200,
                           "mean power of the signal over that of the interference, dB, at each "
                           "receive antenna"),
                    boolean("known", false,
                            "both ends count it as noise; otherwise they know N0 alone")}});
  };
  return {.name = "interference",
          .type = FieldType::variant,
          .summary = "another sender on the same uses, which does not fade",
          .fallback = Json("none"),
          .kinds = {{"none", shared({.summary = "nobody else"})},
                    {"gaussian", at("CN(0, power): many senders")},
                    {"qpsk", at("one sender of QPSK, in step, its phase drawn once per image")}}};
}

std::vector<Field> antennas_fields() {
  return {object("antennas",
                 {integer("transmit", 1, 1, most_antennas, "n"),
                  integer("receive", 2, 1, most_antennas, "m, at least n")},
                 "n = 1: the receiver adds its branches in maximum ratio; n > 1: n streams of "
                 "power 1/n each, n symbols a use"),
          choice("detector", "lmmse", {"zf", "lmmse"},
                 "what separates the streams; unbiased, with the variance of each")};
}

std::vector<Field> ofdm_fields() {
  std::vector<std::string> names;
  for (const TapProfile& profile : tap_profiles()) names.push_back(profile.name);
  const auto spaced = [](double least, std::string every) {
    return shared({.summary = every, .fields = {integer("every", 4, least, 4096, every)}});
  };
  return {choice("profile", "B100", names,
                 "taps, named by their RMS delay spread in ns (3GPP TS 38.101-4, 38.104)"),
          integer("subcarriers", 64, 8, 4096, "FFT size, a power of two; every tone is used"),
          number("spacing_khz", 60, 0.1, 1e5,
                 "between tones; one sample lasts 1/(subcarriers spacing), each tap falls on the "
                 "nearest one"),
          integer("prefix", 16, 0, 4096, "samples of cyclic prefix, at most subcarriers; counted"),
          {.name = "pilots",
           .type = FieldType::variant,
           .summary = "where csi.receiver is estimated: least squares; counted",
           .fallback = Json("tones"),
           .kinds = {{"tones",
                      spaced(2, "one tone in so many of each OFDM symbol, interpolated linearly")},
                     {"symbols",
                      spaced(1, "an OFDM symbol before so many of data, held until the next")}}},
          number("doppler_hz", 0, 0, 1e6,
                 "of every tap, from OFDM symbol to OFDM symbol by Clarke's law; constant within "
                 "one; 0: within the burst")};
}

std::vector<Field> loss_fields() {
  return {choice("of", "token", {"token", "packet"},
                 "what is lost as a whole: the symbols of a token, or packet_uses payload symbols "
                 "in a row"),
          integer("packet_uses", 32, 1, 1e9, "symbols a packet"),
          choice("header", "reliable", {"reliable", "lost too"},
                 "reliable: it goes over a control link that loses nothing; lost too: it travels "
                 "before the payload like the rest, and without it the image is lost"),
          boolean("noiseless", false, "what arrives is what was sent, snr_db means nothing")};
}

Field probability(std::string name, double fallback, std::string summary) {
  return number(std::move(name), fallback, 0, 1, std::move(summary));
}

std::vector<Field> memory_fields() {
  return {probability("good_to_bad", 0.05, "chance a token or packet that the good state ends"),
          number("bad_to_good", 0.25, 1e-9, 1,
                 "chance that the bad state ends: bursts last 1/bad_to_good on average"),
          probability("loss_good", 0, "share lost in the good state"),
          probability("loss_bad", 1, "share lost in the bad state")};
}

std::vector<Field> impulse_fields() {
  return {probability("probability", 0.01, "share of uses with an impulse"),
          number("power_ratio_db", 20, -100, 100,
                 "noise of an impulse over that of the other uses, dB; the mean stays N0, and N0 "
                 "is what the receiver knows")};
}

Field phase_field() {
  return number("deviation", 0.01, 0, 10,
                "of the phase step from use to use, radians: sqrt(2 pi linewidth use_seconds); the "
                "receiver's gain is that of the first use");
}

std::vector<Field> trace_fields() {
  return {
      {.name = "file",
       .type = FieldType::string,
       .summary =
           "CSV with a header line: slot,link,re,im or slot,link,snr_db; link may be left out"},
      boolean("normalise", true,
              "gains are scaled to mean power 1 over the file, so that snr_db keeps its meaning")};
}

}  // namespace semwave
