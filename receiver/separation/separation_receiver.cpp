#include "receiver/separation/separation_receiver.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/random/random.h"
#include "phy/bounds/capacity.h"
#include "phy/header/header_codec.h"
#include "phy/header/separation_header.h"

namespace semwave {

/// What was heard of one image.
struct SeparationReceiver::Frame {
  std::span<const std::complex<float>> header, header_gains;
  double header_variance = 0;
  std::span<const std::complex<float>> symbols, gains;
  std::span<const float> variance;
};

SeparationReceiver::SeparationReceiver(const SeparationSettings& settings,
                                       const Classifier* classifier, int classes, Backend& backend,
                                       const Parameter& mean_image, const Place& place)
    : settings_(settings),
      classifier_(classifier),
      classes_(classes),
      backend_(backend),
      mean_image_(mean_image),
      codec_(image_codecs().make(settings.codec, place / "codec")) {}

std::optional<SeparationHeader> SeparationReceiver::header_of(const Bits& word) const {
  return read_separation_header(word, settings_.budget,
                                static_cast<int>(modulation_codings(settings_.codings).size()));
}

std::optional<std::vector<std::uint8_t>> SeparationReceiver::decode(const Frame& frame,
                                                                    bool& header_read) const {
  const std::int64_t budget = settings_.budget;
  Symbols whole(frame.header.begin(), frame.header.end()),
      gains(frame.header_gains.begin(), frame.header_gains.end());
  whole.insert(whole.end(), frame.symbols.begin(), frame.symbols.end());
  gains.insert(gains.end(), frame.gains.begin(), frame.gains.end());
  const std::optional<FoundHeader> found = find_header(
      whole, gains, frame.header_variance, separation_word_bits(budget),
      [this](const Bits& word) { return header_of(word) ? std::optional<int>(0) : std::nullopt; },
      [this](const Bits& word) {
        const SeparationHeader said = *header_of(word);
        return transport_uses(
            8 * std::int64_t{said.bytes},
            modulation_codings(settings_.codings)[static_cast<std::size_t>(said.coding)]);
      });
  // A header read wrongly that puts the payload elsewhere yields nothing but noise: as good as
  // lost.
  header_read = found && found->uses == static_cast<std::int64_t>(frame.header.size());
  if (!header_read) return std::nullopt;
  const SeparationHeader header = *header_of(found->parts[0]);
  const std::shared_ptr<const Transport> transport =
      transports_.of(8 * std::int64_t{header.bytes}, header.coding, settings_.codings);
  Bits bits(transport->bits()), held(transport->blocks());
  transport->decode(frame.symbols, frame.gains, frame.variance, bits, held);
  if (std::find(held.begin(), held.end(), 0) != held.end()) return std::nullopt;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(header.bytes));
  for (std::size_t b = 0; b < bits.size(); ++b)
    bytes[b / 8] = static_cast<std::uint8_t>(bytes[b / 8] << 1 | bits[b]);
  return bytes;
}

bool SeparationReceiver::carries(const Frame& frame, const Draws& draws, std::size_t image,
                                 std::size_t bits) const {
  const auto uses = static_cast<double>(frame.symbols.size());
  Information sum;
  for (std::size_t u = 0; u < frame.symbols.size(); ++u) {
    if (frame.variance[u] <= 0) return true;
    const Information one =
        gaussian_information(std::norm(std::complex<double>(frame.gains[u])) / frame.variance[u]);
    sum.capacity += one.capacity / uses;
    sum.dispersion += one.dispersion / uses;
  }
  const double rate = static_cast<double>(bits) / uses;
  constexpr double rounding = 1e-5;  // gains and variances are floats
  if (settings_.transport_model == TransportModel::capacity)
    return rate <= sum.capacity * (1 + rounding);
  return uniform(philox(draws.seed, Purpose::bound_loss, draws.images[image], draws.visit, 0)[0]) >=
         normal_approximation_error(sum, uses, rate);
}

Result SeparationReceiver::receive(Pass& pass, const Reception& heard) const {
  const std::size_t count = heard.starts.size() - 1;
  const Shape& size = mean_image_.value.shape();
  const int height = static_cast<int>(size[0]), width = static_cast<int>(size[1]),
            channels = static_cast<int>(size[2]);
  const auto total = static_cast<std::size_t>(heard.starts.back());
  Symbols symbols(total), gains(total);
  PooledVector<float> variance(total);
  pass.backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(symbols.data()));
  pass.backend.to_host(heard.gains, reinterpret_cast<float*>(gains.data()));
  pass.backend.to_host(heard.noise_variance, variance.data());

  Result result;
  result.lost.assign(count, 1);
  result.block_lost.assign(count, 0);
  result.expert_rows.assign(1, 0);
  PooledVector<std::int32_t> place(count, -1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = static_cast<std::size_t>(heard.starts[i]),
               length = static_cast<std::size_t>(heard.starts[i + 1]) - first;
    if (length == 0 || (!heard.header_erased.empty() && heard.header_erased[i]))
      continue;  // nothing fitted, or nothing arrived
    const Frame frame{heard.header_symbols[i],
                      heard.header_gains[i],
                      heard.header_noise_variance[i],
                      std::span(symbols).subspan(first, length),
                      std::span(gains).subspan(first, length),
                      std::span(variance).subspan(first, length)};
    bool header_read = true;
    std::optional<std::vector<std::uint8_t>> stream;
    if (settings_.transport_model == TransportModel::coded) {
      stream = decode(frame, header_read);
    } else if (!heard.told.empty() && !heard.told[i].empty() &&
               carries(frame, pass.draws, i,
                       heard.told[i].size())) {  // over a real radio nobody tells
      const Bits& told = heard.told[i];
      stream.emplace((told.size() + 7) / 8);
      for (std::size_t b = 0; b < told.size(); ++b)
        (*stream)[b / 8] = static_cast<std::uint8_t>((*stream)[b / 8] << 1 | told[b]);
    }
    std::optional<Picture> picture;
    try {
      if (stream) picture = codec_->decode(*stream, height, width, channels);
    } catch (const Error&) {
      // The CRCs held by chance and the stream is nonsense.
    }
    if (!picture) {
      result.block_lost[i] = header_read;
      continue;
    }
    result.lost[i] = 0;
    place[i] = static_cast<std::int32_t>(result.rebuilt.size());
    result.rebuilt.push_back(static_cast<std::int32_t>(i));
    for (const std::uint8_t value : picture->pixels)
      result.images.push_back(static_cast<float>(value) / 255.0f);
  }
  if (!classifier_ || result.rebuilt.empty()) {
    result.logits =
        Var(pass.backend.zeros({static_cast<std::int64_t>(count), classifier_ ? classes_ : 1}));
    return result;
  }
  const Var logits = (*classifier_)(
      pass, pass.backend.from_host(
                {static_cast<std::int64_t>(result.rebuilt.size()), height, width, channels},
                result.images.data()));
  result.logits = result.rebuilt.size() == count ? logits : gather_rows(pass, logits, place);
  return result;
}

std::vector<float> SeparationReceiver::mean_image() const {
  std::vector<float> out(static_cast<std::size_t>(mean_image_.value.size()));
  backend_.to_host(mean_image_.value, out.data());
  return out;
}

bool SeparationReceiver::reads(std::span<const std::complex<float>> symbols,
                               std::span<const std::complex<float>> gains,
                               double noise_variance) const {
  const std::int64_t budget = settings_.budget;
  return decode_header(symbols, gains, noise_variance, separation_word_bits(budget),
                       [this](const Bits& word) {
                         return header_of(word) ? std::optional<int>(0) : std::nullopt;
                       })
      .has_value();
}

}  // namespace semwave
