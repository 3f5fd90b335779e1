// An image codec, a channel code and a modulation, chosen apart from each other.
#include "channel/separation_settings.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "core/data/codec/image_codec.h"
#include "experiment/pair/pair.h"
#include "experiment/pair/used_parts.h"
#include "phy/digital/link_fields.h"
#include "phy/transport/modulation_coding.h"
#include "receiver/separation/separation_receiver.h"
#include "transmitter/separation/sent_stream.h"
#include "transmitter/separation/separation_transmitter.h"
#include "transmitter/separation/stream_fit.h"

#include <algorithm>
#include <map>

namespace semwave {
namespace {

constexpr auto most_stream_bytes = static_cast<std::int32_t>(transport_largest_bits / 8);

Fields keys() {
  Field codec = image_codecs().field("codec");
  codec.fallback = Json{{"kind", "jpeg"}};
  codec.summary = "how the image becomes bits; the best quality that fits is sent";
  return {
      .summary = "image codec, channel code, modulation; the received image goes to a classifier",
      .fields = {
          codec,
          {.name = "budget",
           .type = FieldType::integer,
           .summary = "channel uses an image may take, everything counted",
           .minimum = 1,
           .maximum = 1e7},
          fields::choice("transport", "coded", {"coded", "capacity", "normal_approximation"},
                         "how the bits are carried: by the code and modulation that the believed "
                         "SNR allows; or a bound, which no code reaches: at capacity, or at the "
                         "normal approximation of the finite length"),
          fields::number("outage", 0.01, 1e-6, 0.5,
                         "largest predicted share of lost images that a choice may have"),
          {.name = "design_snr_db",
           .type = FieldType::number,
           .summary = "SNR that the sender believes in whatever it observes, as a link does that "
                      "is designed for it and does not adapt; default: what csi.transmitter says",
           .optional = true,
           .minimum = -100,
           .maximum = 200},
          coding_list_field()}};
}

/// What carried a stream: "QPSK 1/2 polar"; "bound" where no code did.
std::string coding_name(const SentStream& stream, CodingList list) {
  if (stream.coding < 0) return "bound";
  return lay_blocks(8 * std::int64_t{stream.bytes},
                    modulation_codings(list)[static_cast<std::size_t>(stream.coding)])
      .name();
}

class StreamTotals final : public PairTotals {
 public:
  StreamTotals(std::string codec, std::string transport, std::int64_t budget, CodingList list)
      : codec_(std::move(codec)), transport_(std::move(transport)), budget_(budget), list_(list) {}

  void add(const ImageRecord& image) override {
    const SentStream stream = stream_of(image.notes);
    ++images_;
    block_losses_ += image.block_lost;
    bytes_ += stream.bytes;
    quality_ += stream.quality;
    if (stream.bytes == 0)
      ++unfit_;
    else
      ++codings_[coding_name(stream, list_)];
  }

  void add_to(OrderedJson& row, std::int64_t images) const override {
    if (images_ == 0) return;
    const auto sent = static_cast<double>(std::max<std::int64_t>(1, images_ - unfit_));
    row["separation"] = {{"codec", codec_},
                         {"transport", transport_},
                         {"budget", budget_},
                         {"unfit", static_cast<double>(unfit_) / static_cast<double>(images)},
                         {"block_losses", block_losses_},
                         {"stream_bytes", static_cast<double>(bytes_) / sent},
                         {"quality", static_cast<double>(quality_) / sent},
                         {"codings", codings_}};
  }

 private:
  std::string codec_, transport_;
  std::int64_t budget_, images_ = 0, unfit_ = 0, block_losses_ = 0, bytes_ = 0, quality_ = 0;
  CodingList list_;
  std::map<std::string, std::int64_t> codings_;  // images by the name of modulation and code
};

class SeparationPair final : public Pair {
 public:
  explicit SeparationPair(const Json& transmitter)
      : codec_(transmitter.at("codec")),
        budget_(transmitter.at("budget").get<std::int64_t>()),
        transport_(transport_model_named(transmitter.at("transport").get<std::string>())),
        outage_(transmitter.at("outage").get<double>()),
        codings_(read_coding_list(transmitter)) {
    if (transmitter.contains("design_snr_db"))
      design_snr_db_ = transmitter.at("design_snr_db").get<double>();
  }

  void build(const PairContext& context, Model& model) const override {
    const Architecture& a = model.architecture;
    Backend& backend = model.parameters->backend();
    if (!context.image) model.classifier = std::make_unique<Classifier>(*model.parameters, a);
    const Parameter& mean =
        model.parameters->add("receiver.mean_image", {a.height, a.width, a.channels}, Init::zeros);
    if (context.image) {  // nothing was seen in training: mid-grey
      const std::vector<float> grey(static_cast<std::size_t>(mean.value.size()), 0.5f);
      backend.copy(mean.value, backend.from_host(mean.value.shape(), grey.data()));
    }
    const Place place = context.place / "transmitter";
    model.rebuilds = true;
    model.transmitter = std::make_unique<SeparationTransmitter>(settings(context), place);
    model.receiver = std::make_unique<SeparationReceiver>(settings(context), model.classifier.get(),
                                                          a.classes, backend, mean, place);
  }

  std::vector<Component> components(const PairContext& context, DeviceKind device,
                                    bool runs) const override {
    UsedParts used;
    used.add(part::separation_transmitter, part::separation_receiver, part::separation_header,
             part::gain_outlook, part::capacity);
    used.add(image_codecs().make(codec_, context.place / "transmitter" / "codec")->component());
    if (coded()) {
      used.header();
      used.chosen_blocks(codings_);
    }
    if (context.image) return used.list();  // no network looks at what comes out
    used.add(part::classifier);
    used.network(device, runs);
    return used.list();
  }

  double least_parameters(const Architecture& architecture) const override {
    return Classifier::least_parameters(architecture);
  }

  void check(const PairContext& context) const override {
    SeparationTransmitter::check(settings(context), context.place / "transmitter");
  }

  void check_training(const Json&, const Place& place) const override {
    throw Error(place.str(),
                "nothing of the separation pair is trained; its classifier is, with "
                "\"transmitter\": \"label\"");
  }

  void check_qpsk_alone(const Place& root, const std::string& channel) const override {
    throw Error((root / "channel" / "kind").str(),
                "'" + channel +
                    "' flips the bits of QPSK symbols, and a separation transmitter chooses its "
                    "modulation: choose another channel");
  }

  bool works_without_network() const override { return true; }
  bool classifies_whole_images() const override { return true; }
  std::string looks_at_images() const override {
    return "what an image codec sends depends on the image: ask for a metric";
  }
  bool chance_at_receiver() const override { return true; }
  bool sends_parity() const override { return true; }

  std::unique_ptr<PairTotals> totals() const override {
    return std::make_unique<StreamTotals>(codec_.at("kind").get<std::string>(), name_of(transport_),
                                          budget_, codings_);
  }

  void add_to_record(OrderedJson& line, const ImageRecord& image) const override {
    const SentStream stream = stream_of(image.notes);
    line["stream"] = {{"bytes", stream.bytes},
                      {"quality", stream.quality},
                      {"coding", stream.bytes == 0 ? OrderedJson(nullptr)
                                                   : OrderedJson(coding_name(stream, codings_))},
                      {"lost", image.block_lost}};
  }

  std::vector<ScoreColumn> columns() const override {
    return {{"streams", "unfit", 6, "/separation/unfit", 4},
            {"streams", "lost", 5, "/separation/block_losses", 0, false},
            {"streams", "bytes", 7, "/separation/stream_bytes", 1, false}};
  }

  std::int64_t most_symbols(const PairContext& context, const Architecture&) const override {
    return StreamFitter::symbols_within(settings(context), 0);
  }

  /// Without a header goes what did not fit, and a bound, which needs none. What a bound is told
  /// are whole bytes.
  std::string fault_of(const BurstClaim& claim, const Architecture&) const override {
    if (claim.lost_together > 0)
      return outside("symbols that are lost together", claim.lost_together, 0, 0);
    if (!claim.header && coded() && claim.symbols > 0) return "it has no header";
    if (claim.told_bits > 0 && (coded() || claim.told_bits % 8 != 0))
      return "bits are told that this scenario does not tell";
    return {};
  }

  std::string fault_of(const SentHalf& sent, const Architecture&) const override {
    if (sent.tokens != 0) return outside("tokens", sent.tokens, 0, 0);
    const SentStream stream = stream_of(sent.notes);
    const std::int64_t most = coded() ? std::min<std::int64_t>(budget_, most_stream_bytes)
                                      : std::int64_t{most_stream_bytes};
    if (stream.bytes < 0 || stream.bytes > most)
      return outside("stream bytes", stream.bytes, 0, static_cast<double>(most));
    if (stream.bytes == 0 || !coded()) {
      if (stream.coding != -1) return "a coding is named, and no code carries the stream";
    } else {
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this out and sees to it that the
                               // fuzzers notice
      const auto codings = static_cast<std::int32_t>(modulation_codings(codings_).size());
      if (stream.coding < 0 || stream.coding >= codings)
        return outside("coding", stream.coding, 0, codings - 1);
#endif
    }
    if (stream.quality < 0 || stream.quality > ImageCodec::best_quality)
      return outside("quality", stream.quality, 0, ImageCodec::best_quality);
    return {};
  }

  bool tells() const override {
    return !coded();
  }

 private:
  bool coded() const {
    return transport_ == TransportModel::coded;
  }
  SeparationSettings settings(const PairContext& context) const {
    return {codec_, budget_, transport_, outage_, context.channel, design_snr_db_, codings_};
  }

  Json codec_;               // for image_codecs()
  std::int64_t budget_ = 0;  // channel uses an image may take
  TransportModel transport_ = TransportModel::coded;
  double outage_ = 0.01;
  CodingList codings_;
  std::optional<double> design_snr_db_;
};

}  // namespace

void add_separation(PairRegistry& registry) {
  registry.add("separation", keys(), [](const Json& transmitter, const PairInput&) {
    return std::make_shared<const SeparationPair>(transmitter);
  });
}

}  // namespace semwave
