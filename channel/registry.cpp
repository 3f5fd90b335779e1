// The entries, each with its fields (channel/channel_fields.h): this list is what `semwave list
// channels` and the schema show.
#include "channel/registry.h"

#include <bit>
#include <cmath>

#include "channel/channel_fields.h"

namespace semwave {
namespace {

Csi read_csi(const Json& end, const Json& common) {
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

/// Both ends, and that what they are to know can be known.
void read_csi(const Json& parameters, ChannelSettings& settings) {
  const Json& csi = parameters.at("csi");
  const Json pilots = csi.value("pilots", Json());
  settings.transmitter = read_csi(csi.at("transmitter"), pilots);
  settings.receiver = read_csi(csi.at("receiver"), pilots);
  const FadingLaw& fading = settings.fading;
  if (fading.kind == FadingKind::none || fading.coherence == Coherence::image) return;
  const auto one_gain = [&](const Csi& end, const char* place) {
    if (end.kind == CsiKind::delayed)
      throw Error(place, "a delayed gain needs one gain a burst: coherence image");
  };
  one_gain(settings.receiver, "@/csi/receiver");
  one_gain(settings.transmitter, "@/csi/transmitter");
  if (settings.transmitter.kind == CsiKind::estimated)
    throw Error("@/csi/transmitter",
                "the transmitter can estimate one gain a burst only: coherence image");
  if (settings.receiver.kind != CsiKind::estimated) return;
  if (fading.coherence == Coherence::symbol)
    throw Error("@/csi/receiver",
                "a gain that lasts one symbol cannot be estimated: coherence image or block");
  if (const std::int64_t pilots_a_gain =
          std::int64_t{settings.antennas.transmit} * settings.receiver.pilots;
      pilots_a_gain >= fading.block)
    throw Error("@/csi/receiver", std::to_string(pilots_a_gain) +
                                      " pilots leave nothing of a block of " +
                                      std::to_string(fading.block) + " uses");
}

double linear(const Json& db) {
  return std::pow(10, db.get<double>() / 10);
}

Interference read_interference(const Json& parameters) {
  const Json& from = parameters.at("interference");
  if (from.at("kind") == "none") return {};
  return {from.at("kind") == "qpsk" ? InterferenceKind::qpsk : InterferenceKind::gaussian,
          1 / linear(from.at("sir_db")), from.at("known").get<bool>()};
}

/// What every channel with noise has.
ChannelSettings noisy(const Json& parameters) {
  ChannelSettings settings;
  settings.interference = read_interference(parameters);
  if (!parameters.contains("snr_db")) return settings;
  const Json& snr = parameters.at("snr_db");
  if (snr.is_object()) {
    settings.snr = {snr.at("uniform").at(0).get<double>(), snr.at("uniform").at(1).get<double>()};
    if (settings.snr.from_db > settings.snr.to_db)
      throw Error("@/snr_db", "\"uniform\" wants the smaller end first");
  } else {
    settings.snr = {snr.get<double>(), snr.get<double>()};
  }
  return settings;
}

ChannelSettings noiseless(ChannelSettings settings) {
  settings.noiseless = true;
  settings.snr = {Channel::ideal_snr_db, Channel::ideal_snr_db};
  return settings;
}

ChannelSettings ideal(const Json& parameters) {
  ChannelSettings settings = noiseless(noisy(parameters));
  read_csi(parameters, settings);
  return settings;
}

ChannelSettings awgn(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  read_csi(parameters, settings);
  return settings;
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

ChannelSettings fading(const Json& parameters, FadingKind kind) {
  ChannelSettings settings = noisy(parameters);
  settings.fading.kind = kind;
  read_coherence(parameters, settings.fading);
  if (kind == FadingKind::rician) settings.fading.k_factor = linear(parameters.at("k_db"));
  read_csi(parameters, settings);
  return settings;
}

ChannelSettings mimo(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  const Json& antennas = parameters.at("antennas");
  settings.antennas = {
      antennas.at("transmit").get<int>(), antennas.at("receive").get<int>(),
      parameters.at("detector") == "zf" ? Detector::zero_forcing : Detector::lmmse};
  const auto& [transmit, receive, detector] = settings.antennas;
  if (receive < transmit)
    throw Error("@/antennas/receive",
                std::to_string(receive) + " receive antennas cannot separate the streams of " +
                    std::to_string(transmit) + " transmit antennas: take as many or more");
  settings.fading.kind = FadingKind::rayleigh;
  settings.fading.branches = transmit * receive;
  read_coherence(parameters, settings.fading);
  read_csi(parameters, settings);
  if (settings.receiver.kind == CsiKind::none && settings.fading.branches > 1)
    throw Error("@/csi/receiver",
                "without any knowledge of the gains antennas can be neither combined nor "
                "separated: perfect, estimated, delayed or quantised");
  return settings;
}

ChannelSettings tdl(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  const Json& pilots = parameters.at("pilots");
  OfdmSettings ofdm{
      .subcarriers = parameters.at("subcarriers").get<int>(),
      .spacing_khz = parameters.at("spacing_khz").get<double>(),
      .prefix = parameters.at("prefix").get<int>(),
      .layout = pilots.at("kind") == "symbols" ? PilotLayout::symbols : PilotLayout::tones,
      .pilot_spacing = pilots.at("every").get<int>()};
  if (!std::has_single_bit(static_cast<unsigned>(ofdm.subcarriers)))
    throw Error("@/subcarriers",
                "expected a power of two, found " + std::to_string(ofdm.subcarriers));
  if (ofdm.prefix > ofdm.subcarriers)
    throw Error("@/prefix", "a prefix of " + std::to_string(ofdm.prefix) +
                                " samples is longer than the symbol it repeats, of " +
                                std::to_string(ofdm.subcarriers));
  if (ofdm.layout == PilotLayout::tones && ofdm.pilot_spacing > ofdm.subcarriers / 2)
    throw Error("@/pilots/every", "one pilot tone in " + std::to_string(ofdm.pilot_spacing) +
                                      " leaves fewer than two among " +
                                      std::to_string(ofdm.subcarriers) + " to interpolate between");
  const std::string profile = parameters.at("profile").get<std::string>();
  for (const TapProfile& known : tap_profiles())
    if (known.name == profile) settings.ofdm = std::make_shared<const Ofdm>(ofdm, known);
  settings.fading.kind = FadingKind::rayleigh;
  settings.fading.branches = static_cast<int>(settings.ofdm->taps().size());
  if (const double doppler_hz = parameters.at("doppler_hz").get<double>(); doppler_hz > 0) {
    settings.fading.coherence =
        Coherence::symbol;  // an OFDM symbol is the use that taps are counted by
    settings.fading.doppler = doppler_hz * settings.ofdm->symbol_seconds();
  }
  const Json& csi = parameters.at("csi");
  settings.transmitter = read_csi(csi.at("transmitter"), Json());
  settings.receiver = read_csi(csi.at("receiver"), Json());
  settings.receiver.pilots = 1;
  for (const char* end : {"transmitter", "receiver"})
    if (csi.at(end).at("kind") == "delayed")
      throw Error(std::string("@/csi/") + end,
                  "the taps of a burst do not follow those of the burst before: perfect, estimated "
                  "(receiver), quantised or none");
  if (settings.transmitter.kind == CsiKind::estimated)
    throw Error("@/csi/transmitter",
                "its one number stands for many tones, which it has no pilots for: perfect, "
                "quantised or none");
  return settings;
}

ChannelSettings losing(const Json& parameters, bool memory) {
  ChannelSettings settings = noisy(parameters);
  if (parameters.at("noiseless").get<bool>()) settings = noiseless(std::move(settings));
  LossLaw law;
  if (memory) {
    law.good_to_bad = parameters.at("good_to_bad").get<double>();
    law.bad_to_good = parameters.at("bad_to_good").get<double>();
    law.loss_good = parameters.at("loss_good").get<double>();
    law.loss_bad = parameters.at("loss_bad").get<double>();
  } else {
    law.loss_good = parameters.at("loss").get<double>();
  }
  law.unit = parameters.at("of") == "packet" ? LossUnit::packet : LossUnit::token;
  law.packet_uses = parameters.at("packet_uses").get<std::int64_t>();
  law.header_too = parameters.at("header") == "lost too";
  settings.loss = law;
  read_csi(parameters, settings);
  return settings;
}

ChannelSettings impulsive(const Json& parameters) {
  ChannelSettings settings = awgn(parameters);
  settings.impulses = {parameters.at("probability").get<double>(),
                       linear(parameters.at("power_ratio_db"))};
  return settings;
}

ChannelSettings phase_noise(const Json& parameters) {
  ChannelSettings settings = awgn(parameters);
  settings.phase_step = parameters.at("deviation").get<double>();
  return settings;
}

ChannelSettings traced(const Json& parameters) {
  ChannelSettings settings = noisy(parameters);
  const std::string file = parameters.at("file").get<std::string>();
  if (file.empty())
    throw Error("@/file", "expected a CSV file with the columns slot,re,im or slot,snr_db");
  settings.trace = Trace::read(file, parameters.at("normalise").get<bool>());
  if (settings.trace->has_gains())
    settings.fading.kind = FadingKind::trace;
  else
    settings.snr = {settings.trace->lowest_snr_db(), settings.trace->highest_snr_db()};
  read_csi(parameters, settings);
  if (!settings.trace->has_gains() && settings.transmitter.kind == CsiKind::delayed)
    throw Error("@/csi/transmitter",
                "a trace of SNRs is known as of its own slot: in a timeline use feedback.delay");
  return settings;
}

ChannelSettings symmetric(const Json& parameters) {
  ChannelSettings settings;
  settings.noiseless = true;
  settings.crossover = parameters.at("crossover").get<double>();
  settings.snr = {Channel::symmetric_snr_db(*settings.crossover),
                  Channel::symmetric_snr_db(*settings.crossover)};
  return settings;
}

std::vector<Field> joined(std::vector<Field> first, const std::vector<Field>& second,
                          const std::vector<Field>& third = {}) {
  first.insert(first.end(), second.begin(), second.end());
  first.insert(first.end(), third.begin(), third.end());
  return first;
}

}  // namespace

const Registry<ChannelSettings>& channels() {
  static const Registry<ChannelSettings> registry = [] {
    Registry<ChannelSettings> all("channel");
    const std::vector<Field> rest{csi_field(), interference_field()};
    const auto add = [&](std::string name, std::string summary, std::vector<Field> fields,
                         Registry<ChannelSettings>::Factory factory) {
      all.add(std::move(name),
              {.summary = std::move(summary), .fields = joined(std::move(fields), rest)},
              std::move(factory));
    };
    const std::vector<Field> lasting{coherence_field(), block_field(), doppler_field()};
    add("ideal", "what is sent is heard: no noise, no fading; also the name of a real radio", {},
        ideal);
    add("awgn", "white Gaussian noise of variance N0 per complex symbol", {snr_field()}, awgn);
    add("rayleigh", "complex gain CN(0, 1), phase included, then white Gaussian noise",
        joined({snr_field()}, lasting),
        [](const Json& parameters) { return fading(parameters, FadingKind::rayleigh); });
    const Field k{.name = "k_db",
                  .type = FieldType::number,
                  .summary = "power of the line of sight over that of the scatter, dB",
                  .fallback = Json(6),
                  .minimum = -100,
                  .maximum = 100};
    add("rician",
        "a line of sight of constant gain and a scattered part CN(0, 1), together of unit power, "
        "then white Gaussian noise",
        joined({snr_field(), k}, lasting),
        [](const Json& parameters) { return fading(parameters, FadingKind::rician); });
    add("mimo",
        "several antennas, Rayleigh between each pair: maximum-ratio combining, or streams that a "
        "zero-forcing or LMMSE detector separates; snr_db is per receive branch",
        joined({snr_field()}, antennas_fields(), lasting), mimo);
    all.add(
        "tdl",
        {.summary = "a tapped delay line carried by OFDM with a cyclic prefix: the signal really "
                    "goes through the taps sample by sample",
         .fields = joined({snr_field()}, ofdm_fields(), {csi_field(false), interference_field()})},
        tdl);
    add("erasure",
        "tokens or packets are lost, each for itself, and known to be lost; white Gaussian noise "
        "on the rest",
        joined({snr_field(), probability("loss", 0.1, "share of tokens or packets lost")},
               loss_fields()),
        [](const Json& parameters) { return losing(parameters, false); });
    add("gilbert_elliott",
        "the same with memory: a good and a bad state, stepped once a token or packet in the order "
        "of sending",
        joined({snr_field()}, memory_fields(), loss_fields()),
        [](const Json& parameters) { return losing(parameters, true); });
    all.add("bsc",
            {.summary = "binary symmetric: each of the two bits of a QPSK symbol is flipped with "
                        "this probability, and nothing else happens; for bits only",
             .fields = {{.name = "crossover",
                         .type = FieldType::number,
                         .summary = "probability of a flip, which the receiver knows",
                         .fallback = Json(0.01),
                         .minimum = 0,
                         .maximum = 0.499}}},
            symmetric);
    add("impulsive",
        "Bernoulli-Gaussian noise: now and then a use has far more of it, the mean stays N0",
        joined({snr_field()}, impulse_fields()), impulsive);
    add("phase_noise", "an oscillator whose phase wanders (Wiener), then white Gaussian noise",
        {snr_field(), phase_field()}, phase_noise);
    add("trace", "complex gains or SNRs from a file, slot by slot, then white Gaussian noise",
        joined({snr_field()}, trace_fields()), traced);
    return all;
  }();
  return registry;
}

}  // namespace semwave
