// Realise and observe: what a link is before anything is sent, and what it costs. Channel::apply
// stands in apply.cpp.
#include "channel/channel.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "channel/csi/known_gains.h"
#include "core/random/random.h"

namespace semwave {
namespace {

double to_db(double power) {
  return 10 * std::log10(std::max(power, 1e-12));
}

void follow(const SnrLaw& law, Fading& fading) {
  if (!law.source) return;
  for (std::size_t i = 0; i < fading.mean_snr_db.size(); ++i)
    fading.mean_snr_db[i] = law.source->snr_db(fading.links[i], fading.over_time, fading.slot);
}

}  // namespace

double quantise(double value, double from, double to, int bits) {
  const double cells = std::exp2(bits), width = (to - from) / cells;
  return from + (std::clamp(std::floor((value - from) / width), 0.0, cells - 1) + 0.5) * width;
}

Channel::Channel(ChannelSettings settings)
    : settings_(std::move(settings)),
      unestimated_(unestimated_error(settings_.fading, settings_.receiver)) {
  assert(!settings_.passage || settings_.fading.branches == settings_.passage->branches());
}

PooledVector<double> Channel::mean_snr_db(std::uint64_t seed,
                                          std::span<const std::uint32_t> links) const {
  PooledVector<double> snr_db(links.size(), settings_.snr.from_db);
  if (settings_.snr.from_db == settings_.snr.to_db) return snr_db;
  for (std::size_t i = 0; i < snr_db.size(); ++i)
    snr_db[i] += (settings_.snr.to_db - settings_.snr.from_db) *
                 uniform(philox(seed, Purpose::snr, links[i], 0, 0)[0]);
  return snr_db;
}

Fading Channel::realise(const Draws& draws) const {
  PooledVector<double> snr_db(draws.images.size(), settings_.snr.from_db);
  if (settings_.snr.from_db != settings_.snr.to_db)
    for (std::size_t i = 0; i < snr_db.size(); ++i)
      snr_db[i] += (settings_.snr.to_db - settings_.snr.from_db) *
                   uniform(philox(draws.seed, Purpose::snr, draws.images[i], draws.visit, 0)[0]);
  return realise(draws, std::move(snr_db));
}

Fading Channel::realise(const Draws& draws, PooledVector<double> snr_db) const {
  Fading fading = realise(draws, draws.images, std::move(snr_db));
  fading.over_time = false;
  follow(settings_.snr, fading);
  return fading;
}

Fading Channel::realise(const Draws& draws, PooledVector<std::uint32_t> links,
                        PooledVector<double> snr_db) const {
  assert(snr_db.size() == draws.images.size() && links.size() == draws.images.size());
  Fading fading;
  fading.law = settings_.fading;
  const bool estimates = settings_.receiver.kind == CsiKind::estimated;
  if (estimates && fading.law.coherence == Coherence::block)
    fading.law.block = std::max<std::int64_t>(
        1, fading.law.block - settings_.streams() * settings_.receiver.pilots);
  fading.unestimated = unestimated_;
  fading.over_time = true;
  fading.snr_offset_db = settings_.snr_offset_db;
  if (settings_.interference.known) fading.known_interference = settings_.interference.power;
  fading.noiseless = settings_.noiseless;
  fading.seed = draws.seed;
  fading.slot = draws.visit;
  fading.links = std::move(links);
  fading.mean_snr_db = std::move(snr_db);
  fading.receiver_pilots =
      PooledVector<std::int32_t>(draws.images.size(), estimates ? settings_.receiver.pilots : 0);
  follow(settings_.snr, fading);
  return fading;
}

PooledVector<ChannelState> Channel::observe(const Fading& fading) const {
  const Csi& csi = settings_.transmitter;
  PooledVector<ChannelState> states(static_cast<std::size_t>(fading.images()));
  const bool one_gain = fading.fades() && fading.law.coherence == Coherence::image;
  const double mean_power = mean_power_gain();
  PooledVector<std::complex<double>> branches;
  for (int i = 0; i < fading.images(); ++i) {
    ChannelState& state = states[static_cast<std::size_t>(i)];
    if (csi.kind == CsiKind::none) {
      state = unheard();
      continue;
    }
    const double noise = fading.known_noise(i);
    state.how = csi.kind;
    state.snr_db =
        fading.known_interference > 0 ? -to_db(noise) : fading.snr_db(i) + fading.snr_offset_db;
    if (csi.kind == CsiKind::estimated) {
      const double deviation = std::sqrt(noise / csi.pilots);
      if (one_gain || !fading.fades()) {
        branches.clear();
        for (int b = 0; b < fading.law.branches; ++b) {
          const RandomWords words =
              philox(fading.seed, Purpose::sounding, fading.links[static_cast<std::size_t>(i)],
                     fading.slot, static_cast<std::uint32_t>(b));
          branches.push_back(LinkGains(fading, i, b).at(0) + deviation * complex_normal(words));
        }
        state.snr_db += to_db(power_of(branches, noise));
      }
    } else if (one_gain) {
      state.age = csi.kind == CsiKind::delayed ? csi.delay : 0;
      branches.clear();
      for (int b = 0; b < fading.law.branches; ++b)
        branches.push_back(LinkGains(fading, i, b).at(0, state.age));
      state.snr_db += to_db(power_of(branches, noise));
    } else if (fading.fades()) {
      state.snr_db += to_db(mean_power);
    }
    if (settings_.flips_bits())
      state.snr_db = *settings_.passage->believed_snr_db();
    else if (fading.noiseless)
      state.snr_db =
          fading.known_interference > 0 ? std::min(ideal_snr_db, state.snr_db) : ideal_snr_db;
    if (csi.kind == CsiKind::quantised)
      state.snr_db = quantise(state.snr_db, quantised_from_db, quantised_to_db, csi.bits);
  }
  return states;
}

ChannelState Channel::unheard() const {
  ChannelState state{
      .snr_db = (settings_.snr.from_db + settings_.snr.to_db) / 2 + settings_.snr_offset_db,
      .age = 0,
      .how = CsiKind::none};
  if (settings_.flips_bits()) {
    state.snr_db = *settings_.passage->believed_snr_db();
    return state;
  }
  const double noise = settings_.noiseless ? 0 : std::pow(10.0, -state.snr_db / 10);
  if (settings_.interference.known) state.snr_db = -to_db(noise + settings_.interference.power);
  if (settings_.noiseless)
    state.snr_db =
        settings_.interference.known ? std::min(ideal_snr_db, state.snr_db) : ideal_snr_db;
  return state;
}

double Channel::power_of(std::span<const std::complex<double>> branches, double noise) const {
  if (settings_.passage) return settings_.passage->power(branches, noise);
  double power = 0;
  for (const std::complex<double> h : branches) power += std::norm(h);
  return power;
}

double Channel::power_gain(const Fading& fading, int image, std::int64_t coherence_index) const {
  PooledVector<std::complex<double>> branches;
  for (int b = 0; b < fading.law.branches; ++b)
    branches.push_back(LinkGains(fading, image, b).at(coherence_index));
  return power_of(branches, fading.known_noise(image));
}

double Channel::mean_power_gain() const {
  if (settings_.passage) return settings_.passage->mean_power();
  return settings_.fading.branches *
         (settings_.fading.gains ? settings_.fading.gains->mean_power() : 1);
}

std::int64_t Channel::sounding_uses() const {
  return settings_.transmitter.kind == CsiKind::estimated
             ? std::int64_t{settings_.streams()} * settings_.transmitter.pilots
             : 0;
}

Ledger Channel::uses(const Ledger& symbols, int receiver_pilots) const {
  const std::int64_t header = symbols.header, payload = symbols.payload + symbols.parity;
  Ledger uses = settings_.passage
                    ? settings_.passage->uses(header, payload, settings_.fading, receiver_pilots)
                    : uses_of_symbols(header, payload, 1, settings_.fading, receiver_pilots);
  uses.pilots += sounding_uses();
  // Several symbols a use: parity keeps its share of them.
  if (symbols.parity > 0) uses.parity = (uses.payload * symbols.parity + payload / 2) / payload;
  uses.payload -= uses.parity;
  return uses;
}

}  // namespace semwave
