#include "node/receiver/hearing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "experiment/run/shard_run.h"
#include "node/transmitter/sending.h"
#include "phy/header/header_codec.h"

namespace semwave {
namespace {

using Clock = std::chrono::steady_clock;
std::uint64_t ns_since(Clock::time_point start) {
  return static_cast<std::uint64_t>((Clock::now() - start).count());
}

/// Signal and noise power of a header that was read, its symbols as pilots: of one gain fitted by
/// least squares, or of the gains as the receiver knows them (they may change within the header),
/// whichever leaves less.
void measure(const Symbols& heard, const Symbols& gains, const HeaderOnAir& header, double& signal,
             double& noise) {
  const Symbols sent = encode_header(header);
  if (sent.size() != heard.size() || sent.size() < 2) return;
  std::complex<double> product;
  double power = 0, known_noise = 0, known_signal = 0;
  for (std::size_t s = 0; s < sent.size(); ++s) {
    const std::complex<double> x(sent[s]), y(heard[s]), h(gains[s]);
    product += y * std::conj(x);
    power += std::norm(x);
    known_signal += std::norm(h * x);
    known_noise += std::norm(y - h * x);
  }
  const std::complex<double> fitted = product / power;
  double fitted_noise = 0;
  for (std::size_t s = 0; s < sent.size(); ++s)
    fitted_noise +=
        std::norm(std::complex<double>(heard[s]) - fitted * std::complex<double>(sent[s]));
  const double count = static_cast<double>(sent.size());
  fitted_noise *= count / (count - 1);  // one gain was fitted
  const bool one_gain = fitted_noise <= known_noise;
  signal = (one_gain ? std::norm(fitted) * power : known_signal) / count;
  noise = std::min(fitted_noise, known_noise) / count;
}

/// What no datagram brought has not arrived, whatever the simulated channel did to the rest:
/// silence, gain and all, as what an `erasure` channel loses. Noise under a known gain would be
/// taken for sure bits.
void erase(Backend& backend, std::span<const Incoming> shard, Reception& heard) {
  const auto total = static_cast<std::size_t>(heard.starts.back());
  Symbols symbols, gains;
  for (std::size_t i = 0; i < shard.size(); ++i) {
    const std::vector<std::uint8_t>& missing = shard[i].erased;
    if (std::find(missing.begin(), missing.end(), 1) == missing.end()) continue;
    if (symbols.empty()) {
      symbols.resize(total);
      gains.resize(total);
      backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(symbols.data()));
      backend.to_host(heard.gains, reinterpret_cast<float*>(gains.data()));
    }
    if (heard.erased.empty()) heard.erased.assign(total, 0);
    for (std::size_t s = 0; s < missing.size(); ++s) {
      if (!missing[s]) continue;
      const std::size_t at = static_cast<std::size_t>(heard.starts[i]) + s;
      heard.erased[at] = 1;
      symbols[at] = gains[at] = {};
    }
  }
  if (symbols.empty()) return;
  const auto device = [&](const Symbols& values) {
    return backend.from_host({static_cast<std::int64_t>(total), 2},
                             reinterpret_cast<const float*>(values.data()));
  };
  heard.symbols = Var(device(symbols));
  heard.gains = device(gains);
}

}  // namespace

Hearing::Hearing(const Station& station, int shard)
    : station_(station), shard_(static_cast<std::size_t>(std::max(1, shard))) {
  for (std::size_t p = 0; p < station.points().size(); ++p) {
    channels_.emplace_back(station.points()[p].scenario.channel);
    means_.push_back(station.model(p).receiver->mean_image());
  }
}

void Hearing::hear(ThreadPool& pool, std::span<Incoming> batch) const {
  std::vector<std::span<Incoming>> shards;
  for (std::size_t begin = 0; begin < batch.size();) {
    std::size_t end = begin + 1;
    while (end < batch.size() && end - begin < shard_ &&
           batch[end].burst.point == batch[begin].burst.point)
      ++end;
    shards.push_back(batch.subspan(begin, end - begin));
    begin = end;
  }
  pool.run(static_cast<int>(shards.size()),
           [&](int s) { hear_shard(shards[static_cast<std::size_t>(s)]); });
}

namespace {

/// The images of a shard on air, as their bursts say; their numbers go to `draws`.
Burst burst_of(Backend& backend, std::span<const Incoming> shard, bool tells, Draws& draws) {
  Burst burst;
  burst.starts.push_back(0);
  PooledVector<float> symbols;
  for (const Incoming& one : shard) {
    const BurstMessage& message = one.burst;
    draws.images.push_back(message.image);
    burst.headers.push_back(message.header);
    const auto* values = reinterpret_cast<const float*>(message.symbols.data());
    symbols.insert(symbols.end(), values, values + 2 * message.symbols.size());
    for (std::uint32_t s = 0; s < message.count; ++s)
      burst.places.push_back(message.places.empty() ? static_cast<std::int32_t>(s)
                                                    : message.places[s]);
    burst.starts.push_back(burst.starts.back() + static_cast<std::int32_t>(message.count));
    const std::uint32_t whole = std::max(1u, message.count);
    burst.symbols_per_token.push_back(
        static_cast<std::int32_t>(message.piece > 0 ? message.piece : whole));
    burst.ledger.push_back({.parity = message.parity});
    if (tells) burst.told.push_back(message.told);
  }
  burst.symbols = Var(
      burst.places.empty()
          ? backend.zeros({0, 2})
          : backend.from_host({static_cast<std::int64_t>(burst.places.size()), 2}, symbols.data()));
  return burst;
}

/// Scored is who brought its original; a black picture keeps the place of the others, which have no
/// score.
void score_brought(const Scenario& scenario, const Model& model, std::span<const Incoming> shard,
                   std::span<const float> mean, const Result& result, ImageRecord* records) {
  const auto brought = [](const Incoming& one) {
    return one.burst.truth && !one.burst.truth->original.empty();
  };
  if (std::none_of(shard.begin(), shard.end(), brought)) return;

  Dataset originals{.name = scenario.source.name,
                    .height = model.architecture.height,
                    .width = model.architecture.width,
                    .channels = model.architecture.channels};
  PooledVector<std::int32_t> indices;
  for (const Incoming& one : shard) {
    indices.push_back(static_cast<std::int32_t>(indices.size()));
    originals.labels.push_back(0);
    if (brought(one)) {
      const std::string& bytes = one.burst.truth->original;
      originals.pixels.insert(originals.pixels.end(), bytes.begin(), bytes.end());
    } else {
      originals.pixels.resize(originals.pixels.size() +
                              static_cast<std::size_t>(originals.values()));
    }
  }
  score_images(scenario, model, originals, indices, mean, result, records);
  for (std::size_t i = 0; i < shard.size(); ++i)
    if (!brought(shard[i])) records[i].scores = no_scores();
}

}  // namespace

void Hearing::hear_shard(std::span<Incoming> shard) const {
  const std::size_t point = shard.front().burst.point, count = shard.size();
  const Scenario& scenario = station_.points()[point].scenario;
  const Model& model = station_.model(point);
  Backend& backend = station_.backend();
  const Channel& channel = channels_[point];

  auto clock = Clock::now();
  Pass pass{.backend = backend};
  pass.draws = {scenario.seed, scenario.repeat, {}};
  const Burst burst = burst_of(backend, shard, scenario.pair->tells(), pass.draws);
  const Fading fading = channel.realise(pass.draws);
  Reception heard = channel.apply(pass, burst, fading);
  erase(backend, shard, heard);
  const std::uint64_t channel_ns = ns_since(clock);

  clock = Clock::now();
  pass.operations = 0;
  const auto [result, decided] = hear_images(pass, model, heard);
  const std::uint64_t decode_ns = ns_since(clock);

  std::vector<ImageRecord> records(count);
  score_brought(scenario, model, shard, means_[point], result, records.data());
  const auto experts = result.expert_rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    Incoming& one = shard[i];
    ImageRecord& image = records[i];
    image.image = one.burst.image;
    image.link = fading.links[i];
    image.slot = fading.slot;
    image.snr_db = fading.snr_db(static_cast<int>(i));
    if (one.burst.truth) static_cast<SentHalf&>(image) = *one.burst.truth;
    record_heard(heard, result, decided[i], i, image);
    Record& record = one.record;
    record = {.node = one.node,
              .point = one.burst.point,
              .data = one.data,
              .name = {},
              .truth = one.burst.truth.has_value(),
              .image = image,
              .transmitter_operations = one.burst.truth ? one.burst.truth->operations : 0,
              .receiver_operations = share_of(pass.operations, i, count),
              .expert_rows = {},
              .erased = 0,
              .ns = {one.burst.truth ? one.burst.truth->encode_ns : 0, one.queue_ns, 0,
                     channel_ns / count, decode_ns / count}};
    for (std::size_t e = 0; e < experts; ++e)
      record.expert_rows.push_back(static_cast<std::uint32_t>(
          share_of(static_cast<double>(result.expert_rows[e]), i, count)));
    record.erased = static_cast<std::uint32_t>(std::count(one.erased.begin(), one.erased.end(), 1));
    one.answer = answer_of(record);
    if (!result.lost[i])
      measure(heard.header_symbols[i], heard.header_gains[i], one.burst.header, one.signal,
              one.noise);
  }
}

}  // namespace semwave
