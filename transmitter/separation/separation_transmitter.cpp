#include "transmitter/separation/separation_transmitter.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "phy/header/header_codec.h"
#include "phy/header/separation_header.h"
#include "transmitter/separation/sent_stream.h"

namespace semwave {
namespace {

constexpr std::size_t most_fitters = 4096;
constexpr double believed_step_db = 0.1;

/// Codes are chosen on steps of the SNR, rounded down, so that what was chosen once serves many
/// images. A bound stays exact.
ChannelState on_a_step(ChannelState state, TransportModel transport_model) {
  if (transport_model == TransportModel::coded)
    state.snr_db = std::floor(state.snr_db / believed_step_db + 1e-6) * believed_step_db;
  return state;
}

/// Of any coding that a sender may choose.
std::int64_t fewest_uses(std::int64_t bits, CodingList list) {
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (const ModulationCoding& coding : modulation_codings(list))
    fewest = std::min(fewest, transport_uses(bits, coding));
  return fewest;
}

}  // namespace

SeparationTransmitter::SeparationTransmitter(const SeparationSettings& settings, const Place& place)
    : settings_(settings),
      kind_(settings.codec.at("kind")),
      codec_(image_codecs().make(settings.codec, place / "codec")),
      outlook_(settings.channel, settings.budget) {
  check(settings, place);
}

void SeparationTransmitter::check(const SeparationSettings& settings, const Place& place) {
  const std::array<int, 1> word{separation_word_bits(settings.budget)};
  const bool coded = settings.transport_model == TransportModel::coded;
  const std::int64_t header = coded ? header_uses(word, 0) : 0,
                     least = coded ? fewest_uses(8, settings.codings) : 1;
  if (StreamFitter::symbols_within(settings, header) < least)
    throw Error((place / "budget").str(),
                "a budget of " + std::to_string(settings.budget) +
                    " channel uses cannot be kept: at the best SNR the header takes " +
                    std::to_string(header) + " and one byte " + std::to_string(least) +
                    ", pilots and prefixes apart");
}

SeparationTransmitter::Sent SeparationTransmitter::choose(
    const Picture& picture, const ChannelState& believed_state) const {
  const ChannelState state = on_a_step(believed_state, settings_.transport_model);
  const EncodedImages::One image(EncodedImages::of_process(), *codec_, kind_, picture);
  Sent best;
  const auto tries = [&](int quality) {
    const Stream stream = image.at(quality);
    const std::lock_guard lock(mutex_);
    const std::pair believed{state.snr_db, state.how};
    auto found = fitters_.find(believed);
    if (found == fitters_.end()) {
      if (fitters_.size() >= most_fitters) fitters_.clear();
      found = fitters_.emplace(believed, std::make_unique<StreamFitter>(settings_, outlook_, state))
                  .first;
    }
    if (stream->size() > static_cast<std::size_t>(transport_largest_bits / 8)) return false;
    const std::optional<StreamFit>& fit = found->second->fit(static_cast<int>(stream->size()));
    if (fit) best = {stream, *fit, quality, found->second->header_format()};
    return fit.has_value();
  };
  if (!tries(0)) return best;
  int low = 0, high = settings_.codec.value("most_quality", ImageCodec::best_quality) + 1;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (tries(middle) ? low : high) = middle;
  }
  return best;
}

Burst SeparationTransmitter::transmit(Pass& pass, const Tensor& images,
                                      const PooledVector<ChannelState>& states,
                                      const PooledVector<Plan>&, TransmitTrace* trace) const {
  assert(!pass.training);
  const std::size_t count = states.size();
  const int height = static_cast<int>(images.shape()[1]),
            width = static_cast<int>(images.shape()[2]),
            channels = static_cast<int>(images.shape()[3]);
  const std::size_t values = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                             static_cast<std::size_t>(channels);
  PooledVector<float> pixels(count * values);
  pass.backend.to_host(images, pixels.data());

  Burst burst;
  burst.starts.push_back(0);
  burst.ledger.resize(count);
  Symbols symbols;
  PooledVector<PairNotes> notes;
  for (std::size_t i = 0; i < count; ++i) {
    Picture picture{height, width, channels, std::vector<std::uint8_t>(values)};
    for (std::size_t v = 0; v < values; ++v)
      picture.pixels[v] = static_cast<std::uint8_t>(
          std::lround(255 * std::clamp(pixels[i * values + v], 0.0f, 1.0f)));
    const Sent sent =
        choose(picture, settings_.design_snr_db ? ChannelState{.snr_db = *settings_.design_snr_db}
                                                : states[i]);
    HeaderOnAir header;
    Bits bits;
    if (sent.stream) {
      const int bytes = static_cast<int>(sent.stream->size());
      bits.reserve(8 * sent.stream->size());
      for (const std::uint8_t byte : *sent.stream)
        for (int b = 7; b >= 0; --b) bits.push_back((byte >> b) & 1);
      if (sent.fit.coding >= 0) {
        header = {.parts = {write_separation_header({sent.fit.coding, bytes}, settings_.budget)},
                  .format = sent.header_format};
        const std::shared_ptr<const Transport> transport = transports_.of(
            static_cast<std::int64_t>(bits.size()), sent.fit.coding, settings_.codings);
        const Symbols coded = transport->encode(bits);
        assert(static_cast<std::int64_t>(coded.size()) == sent.fit.uses);
        symbols.insert(symbols.end(), coded.begin(), coded.end());
        burst.ledger[i].header = header_uses(header);
        burst.ledger[i].parity = transport->layout().parity_uses();
      } else {
        symbols.insert(symbols.end(), static_cast<std::size_t>(sent.fit.uses), {1.0f, 0.0f});
      }
      burst.ledger[i].payload = sent.fit.uses - burst.ledger[i].parity;
      notes.push_back(
          notes_of({.bytes = bytes, .quality = sent.quality, .coding = sent.fit.coding}));
    } else {
      notes.push_back(notes_of({}));
    }
    if (settings_.transport_model != TransportModel::coded) burst.told.push_back(std::move(bits));
    burst.headers.push_back(std::move(header));
    for (std::int64_t s = 0; sent.stream && s < sent.fit.uses; ++s)
      burst.places.push_back(static_cast<std::int32_t>(s));
    burst.starts.push_back(static_cast<std::int32_t>(burst.places.size()));
  }
  if (!symbols.empty())
    burst.symbols = Var(pass.backend.from_host({static_cast<std::int64_t>(symbols.size()), 2},
                                               reinterpret_cast<const float*>(symbols.data())));
  if (trace) {
    trace->layout = Ragged::full(static_cast<int>(count), 0);
    trace->exit_depth.assign(count, 0);
    trace->answer.assign(count, -1);
    trace->notes = std::move(notes);
  }
  return burst;
}

}  // namespace semwave
