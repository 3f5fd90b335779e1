#include "experiment/link/link_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/random/random.h"
#include "phy/transport/transport.h"

namespace semwave {
namespace {

constexpr std::int64_t largest_chunk = 64;  // frames; what the LDPC decoder likes at once
constexpr std::int64_t chunk_uses = std::int64_t{1} << 16;
constexpr int longest_wave = 64;  // chunks a thread between looks at the stopping rule

using Clock = std::chrono::steady_clock;

/// Frames [first, first + count), whatever else runs.
LinkCounts run_chunk(const Scenario& scenario, const Channel& channel, const Transport& transport,
                     Backend& backend, std::uint32_t first, std::size_t count) {
  const std::size_t bits = transport.bits(), uses = transport.uses(),
                    air_bits = transport.air_bits(), width = air_bits / uses;
  Pass pass{.backend = backend,
            .draws = {.seed = scenario.seed,
                      .visit = scenario.repeat,
                      .images = PooledVector<std::uint32_t>(count)}};
  Burst burst{.headers = PooledVector<HeaderOnAir>(count),
              .symbols = {},
              .starts = {0},
              .places = PooledVector<std::int32_t>(count * uses),
              .ledger = PooledVector<Ledger>(count),
              .values = {}};
  Bits sent(count * bits), air(count * air_bits);
  for (std::size_t f = 0; f < count; ++f) {
    const std::uint32_t frame = pass.draws.images[f] = first + static_cast<std::uint32_t>(f);
    const std::span message = std::span(sent).subspan(f * bits, bits);
    RandomWords words{};
    for (std::size_t b = 0; b < bits; ++b) {
      if (b % 128 == 0)
        words = philox(scenario.seed, Purpose::data_bits, frame, scenario.repeat,
                       static_cast<std::uint32_t>(b / 128));
      message[b] = (words[b % 128 / 32] >> (b % 32)) & 1u;
    }
    transport.encode_bits(message, std::span(air).subspan(f * air_bits, air_bits));
    for (std::size_t s = 0; s < uses; ++s)
      burst.places[f * uses + s] = static_cast<std::int32_t>(s);
    burst.starts.push_back(static_cast<std::int32_t>((f + 1) * uses));
    burst.ledger[f].payload = transport.layout().payload_uses();
    burst.ledger[f].parity = transport.layout().parity_uses();
  }
  const Symbols symbols = modulate(transport.layout().modulation, air);
  burst.symbols = Var(backend.from_host({static_cast<std::int64_t>(symbols.size()), 2},
                                        reinterpret_cast<const float*>(symbols.data())));
  const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));

  Symbols y(symbols.size()), gains(symbols.size());
  PooledVector<float> variance(symbols.size()), soft(air.size());
  backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(y.data()));
  backend.to_host(heard.gains, reinterpret_cast<float*>(gains.data()));
  backend.to_host(heard.noise_variance, variance.data());
  transport.demap(y, gains, variance, soft);
  Bits decided(sent.size()), held(count * transport.blocks());
  PooledVector<std::int32_t> iterations(held.size());
  transport.decode_soft(soft, decided, held, iterations);

  LinkCounts counts{.frames = static_cast<std::int64_t>(count),
                    .bits = static_cast<std::int64_t>(sent.size()),
                    .symbols = static_cast<std::int64_t>(symbols.size()),
                    .blocks = static_cast<std::int64_t>(held.size())};
  for (std::size_t s = 0; s < symbols.size(); ++s) {
    bool wrong = false;
    for (std::size_t b = s * width; b < (s + 1) * width; ++b)
      wrong = wrong || (soft[b] < 0) != (air[b] != 0);
    counts.symbol_errors += wrong;
  }
  for (std::size_t f = 0; f < count; ++f) {
    std::int64_t wrong = 0;
    for (std::size_t b = f * bits; b < (f + 1) * bits; ++b) wrong += decided[b] != sent[b];
    const auto first_block = held.begin() + static_cast<std::ptrdiff_t>(f * transport.blocks());
    const bool all_held =
        std::find(first_block, first_block + static_cast<std::ptrdiff_t>(transport.blocks()), 0) ==
        first_block + static_cast<std::ptrdiff_t>(transport.blocks());
    counts.bit_errors += wrong;
    counts.bit_errors_squared += wrong * wrong;
    counts.frame_errors += wrong > 0;
    counts.frame_losses += wrong > 0 || !all_held;
    counts.undetected += wrong > 0 && all_held;
    const Ledger& uses_of = heard.ledger[f];
    counts.uses.payload += uses_of.payload;
    counts.uses.pilots += uses_of.pilots;
    counts.uses.parity += uses_of.parity;
    counts.uses.prefix += uses_of.prefix;
  }
  for (const std::int32_t taken : iterations) counts.iterations += taken;
  return counts;
}

}  // namespace

LinkCounts& LinkCounts::operator+=(const LinkCounts& other) {
  frames += other.frames;
  frame_errors += other.frame_errors;
  frame_losses += other.frame_losses;
  bits += other.bits;
  bit_errors += other.bit_errors;
  bit_errors_squared += other.bit_errors_squared;
  symbols += other.symbols;
  symbol_errors += other.symbol_errors;
  blocks += other.blocks;
  undetected += other.undetected;
  iterations += other.iterations;
  uses += other.uses;
  return *this;
}

LinkPoint run_link_point(const Scenario& scenario, Backend& backend, ThreadPool& pool,
                         const std::atomic<bool>* interrupt,
                         const std::function<void(const LinkPoint&)>& progress) {
  const auto start = Clock::now();
  const LinkSettings& link = scenario.link.value();
  const Transport transport(link.block_bits, link.coding, link.decoding);
  const Channel channel(scenario.channel);
  const std::int64_t chunk = std::clamp<std::int64_t>(
      chunk_uses / static_cast<std::int64_t>(transport.uses()), 1, largest_chunk);
  const std::int64_t chunks = (link.max_frames + chunk - 1) / chunk;
  LinkPoint point;
  std::vector<LinkCounts> wave;
  bool enough = false;
  for (std::int64_t done = 0; done < chunks && !enough && !point.interrupted;) {
    // Waves grow with what was done, so that few chunks are thrown away behind the one that ends
    // the point.
    const std::int64_t longest =
        std::clamp<std::int64_t>(done / (4 * pool.threads()), 1, longest_wave) * pool.threads();
    wave.assign(static_cast<std::size_t>(std::min(longest, chunks - done)), {});
    pool.run(static_cast<int>(wave.size()), [&](int task) {
      const std::int64_t first = (done + task) * chunk;
      wave[static_cast<std::size_t>(task)] =
          run_chunk(scenario, channel, transport, backend, static_cast<std::uint32_t>(first),
                    static_cast<std::size_t>(std::min(chunk, link.max_frames - first)));
    });
    for (std::size_t c = 0; c < wave.size() && !enough; ++c) {
      point.counts += wave[c];
      enough = link.frame_errors > 0 && point.counts.frame_errors >= link.frame_errors;
    }
    done += static_cast<std::int64_t>(wave.size());
    point.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (progress) progress(point);
    point.interrupted = interrupt && interrupt->load() && !enough && done < chunks;
  }
  return point;
}

LinkRun::LinkRun(const Scenario& scenario, Backend& backend, ThreadPool& pool)
    : scenario_(scenario), backend_(backend), pool_(pool) {
  if (!scenario.link)
    throw Error(scenario.file,
                "the key 'link' is missing: \"link\": {} is a block of 1000 bits by QPSK and a "
                "code of rate 1/2");
  points_ = expand(scenario);
}

void LinkRun::open(const std::string& out, const OrderedJson& about) {
  folder_.emplace(out, "code");
  folder_->write_scenario(scenario_);
  about_ = begun(about);
  folder_->write_run(about_);
}

RunSummary LinkRun::run(const LinkRunSettings& settings) {
  const auto start = Clock::now();
  RunSummary summary;
  std::vector<OrderedJson> rows;
  for (std::size_t i = 0; i < points_.size() && !summary.interrupted; ++i) {
    const Point& point = points_[i];
    const std::string sha = point_sha256(point.scenario, "", "", backend_.kind(),
                                         settings.components(point.scenario, backend_.kind()));
    if (const OrderedJson* row = folder_ ? folder_->find(sha, false) : nullptr) {
      rows.push_back(*row);
      rows.back()["point"] = swept_in_order(scenario_, point, folder_->path());
      ++summary.reused;
      if (settings.finished) settings.finished(i, rows.back(), true);
      continue;
    }
    OrderedJson made;
    try {
      const LinkPoint result = run_link_point(point.scenario, backend_, pool_, settings.interrupt,
                                              [&](const LinkPoint& so_far) {
                                                if (settings.progress) settings.progress(i, so_far);
                                              });
      summary.interrupted = result.interrupted;
      if (!result.interrupted) made = make_link_row(scenario_, point, result, sha);
      if (folder_ && !result.interrupted)
        made["point"] = swept_in_order(scenario_, point, folder_->path());
    } catch (const Error& problem) {
      ++summary.failed;
      if (settings.failed) settings.failed(i, problem);
      continue;
    }
    if (summary.interrupted) break;
    if (folder_) folder_->add(made, {}, nullptr);
    ++summary.done;
    if (settings.finished) settings.finished(i, made, false);
    rows.push_back(std::move(made));
  }
  if (folder_) close_folder(*folder_, about_, summary, points_.size(), rows, start);
  return summary;
}

}  // namespace semwave
