#include "node/transmitter/sending.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "core/data/picture.h"
#include "experiment/run/images.h"
#include "experiment/run/shard_run.h"

namespace semwave {

double share_of(double sum, std::size_t at, std::size_t count) {
  const double each = std::floor(sum / static_cast<double>(count));
  return at == 0 ? sum - each * static_cast<double>(count - 1) : each;
}

Sending::Sending(const Station& station, std::size_t point, const Dataset& data,
                 const SendingOptions& options)
    : station_(station),
      point_(point),
      scenario_(station.points()[point].scenario),
      model_(station.model(point)),
      data_(data),
      options_(options),
      channel_(scenario_.channel),
      policy_(make_policy(scenario_, model_.architecture)) {
  check_point(scenario_, model_, data_);
  if (!has_own_size(model_.architecture, data_))
    throw Error(scenario_.place("/source").str(),
                "images between nodes have the size of the model, " +
                    size_text(model_.architecture.height, model_.architecture.width,
                              model_.architecture.channels));
}

std::vector<Outgoing> Sending::send(ThreadPool& pool, std::span<const std::int32_t> indices,
                                    std::span<const std::uint32_t> ids,
                                    const std::optional<ChannelState>& believed) const {
  std::vector<Outgoing> made(indices.size());
  const std::size_t shard = static_cast<std::size_t>(std::max(1, options_.shard)),
                    shards = (made.size() + shard - 1) / shard;
  pool.run(static_cast<int>(shards), [&](int s) {
    const std::size_t begin = static_cast<std::size_t>(s) * shard,
                      count = std::min(shard, made.size() - begin);
    send_shard(indices.subspan(begin, count), ids.subspan(begin, count), believed,
               made.data() + begin);
  });
  return made;
}

void Sending::send_shard(std::span<const std::int32_t> indices, std::span<const std::uint32_t> ids,
                         const std::optional<ChannelState>& believed, Outgoing* out) const {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t count = ids.size();
  Backend& backend = station_.backend();
  Pass pass{.backend = backend};
  pass.draws = {scenario_.seed, scenario_.repeat, {ids.begin(), ids.end()}};
  const ShardPlan planned = plan_images(channel_, pass.draws, *policy_, believed);
  const auto [burst, trace] =
      send_images(pass, model_, image_tensor(backend, data_, indices), planned);
  PooledVector<float> symbols(2 * burst.places.size());
  if (!burst.places.empty()) backend.to_host(burst.symbols.value(), symbols.data());

  const auto ns =
      static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count()) / count;
  const bool originals = scenario_.measures(Metric::Needs::image) && model_.rebuilds;
  for (std::size_t i = 0; i < count; ++i) {
    BurstMessage& message = out[i].burst;
    message.point = static_cast<std::uint32_t>(point_);
    message.image = ids[i];
    message.header = burst.headers[i];
    message.format = options_.format;
    const std::int32_t begin = burst.starts[i], end = burst.starts[i + 1];
    message.count = static_cast<std::uint32_t>(end - begin);
    message.symbols.resize(message.count);
    std::copy(symbols.begin() + 2 * begin, symbols.begin() + 2 * end,
              reinterpret_cast<float*>(message.symbols.data()));
    if (!burst.symbols_per_token.empty())
      message.piece = static_cast<std::uint16_t>(burst.symbols_per_token[i]);
    message.parity = static_cast<std::uint32_t>(burst.ledger[i].parity);
    if (!burst.told.empty()) message.told = burst.told[i];
    if (scenario_.channel.has_noise())
      message.places.assign(burst.places.begin() + begin, burst.places.begin() + end);

    Record& record = out[i].record;
    record.point = message.point;
    record.data = digest_of(data_.sha256);
    record.truth = options_.truth;
    record_sent(planned, trace, i, record.image);
    record.image.image = ids[i];
    record.image.label =
        data_.labels.empty() ? -1 : data_.labels[static_cast<std::size_t>(indices[i])];
    record.transmitter_operations = share_of(pass.operations, i, count);
    record.ns[0] = ns;
    if (!options_.truth) continue;
    message.truth = truth_of(record);
    if (originals)
      message.truth->original.assign(reinterpret_cast<const char*>(data_.image(indices[i])),
                                     static_cast<std::size_t>(data_.values()));
  }
}

}  // namespace semwave
