// Channel::apply: a burst through the air, image by image.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "channel/channel.h"
#include "channel/csi/known_gains.h"
#include "core/random/random.h"
#include "phy/header/header_codec.h"
#include "phy/signal/signal.h"

namespace semwave {
namespace {

std::complex<float> narrow(std::complex<double> value) {
  return std::complex<float>(value);
}

/// One burst on its way: what each image's symbols meet, gathered for the whole shard.
class Flight {
 public:
  Flight(const ChannelSettings& settings, const Channel& channel, Pass& pass, const Burst& burst,
         const Fading& fading)
      : settings_(settings), channel_(channel), pass_(pass), burst_(burst), fading_(fading) {
    const std::size_t images = burst.starts.empty() ? 0 : burst.starts.size() - 1;
    const auto total = static_cast<std::int64_t>(burst.places.size());
    assert(pass.draws.images.size() == images &&
           static_cast<std::size_t>(fading.images()) == images);
    assert(burst.headers.size() == images && burst.ledger.size() == images);
    assert(images == 0 || burst.starts.back() == total);
    assert(total == 0 || burst.symbols.value().size() == 2 * total);
    heard_.header_symbols.resize(images);
    heard_.header_gains.resize(images);
    heard_.header_noise_variance.resize(images);
    heard_.mean_gain.resize(images);
    heard_.starts = burst.starts;
    heard_.ledger = burst.ledger;
    heard_.values = burst.values;
    heard_.told = burst.told;
    if (pass.training) heard_.headers = burst.headers;
    known_apart_ = settings.passage || settings.fading.branches > 1 || settings.phase_step > 0 ||
                   settings.receiver.kind != CsiKind::perfect ||
                   std::any_of(fading.receiver_pilots.begin(), fading.receiver_pilots.end(),
                               [](int n) { return n > 0; });
    gains_.resize(burst.places.size());
    if (known_apart_) known_.resize(burst.places.size());
    noise_.resize(burst.places.size());
    variance_.resize(burst.places.size());
    if (settings.loss) heard_.erased.assign(burst.places.size(), 0);
    if (settings.loss && settings.loss->header_too) heard_.header_erased.assign(images, 0);
    if (settings.passage && total > 0) {
      payload_.resize(burst.places.size());
      pass.backend.to_host(burst.symbols.value(), reinterpret_cast<float*>(payload_.data()));
    }
  }

  Reception fly() {
    for (std::size_t i = 0; i < burst_.headers.size(); ++i) {
      const std::int64_t header = settings_.passage ? over_passage(i) : over_uses(i);
      if (settings_.loss) lose(i);
      count(i, header);
    }
    const auto total = static_cast<std::int64_t>(burst_.places.size());
    const auto device = [&](const PooledVector<std::complex<float>>& values) {
      return pass_.backend.from_host({total, 2}, reinterpret_cast<const float*>(values.data()));
    };
    const Tensor gains = device(gains_);
    heard_.gains = known_apart_ ? device(known_) : gains;
    heard_.noise_variance = pass_.backend.from_host({total}, variance_.data());
    heard_.symbols = burst_.symbols.defined()
                         ? fade_and_noise(pass_, burst_.symbols, gains, device(noise_))
                         : Var(pass_.backend.zeros({0, 2}));
    return std::move(heard_);
  }

 private:
  /// A symbol a use. Returns the symbols of the header.
  std::int64_t over_uses(std::size_t i) {
    const int image = static_cast<int>(i);
    const Disturbance disturbance(settings_.impulses, settings_.interference,
                                  fading_.noise_variance(image), pass_.draws, image);
    const bool adjusts = disturbance.more_than_white(), turns = settings_.phase_step > 0;
    PhaseWalk phase(settings_.phase_step, pass_.draws, image);
    Symbols symbols = pass_.training ? Symbols() : encode_header(burst_.headers[i]);
    const std::int64_t header =
        pass_.training ? header_uses(burst_.headers[i]) : static_cast<std::int64_t>(symbols.size());
    CombinedGains h(fading_, image, settings_.receiver, pass_.draws,
                    header + burst_.starts[i + 1] - burst_.starts[i]);
    const double variance = fading_.known_noise(image) + h.error_variance();
    std::int64_t use = 0;
    if (pass_.training) {
      use = header;
      h.skip(use);
      for (std::int64_t u = 0; turns && u < use; ++u) phase.next();
    } else {
      heard_.header_gains[i].reserve(symbols.size());
      for (std::complex<float>& symbol : symbols) {
        const KnownGains::Gain& gain = h.next();
        std::complex<double> noise = disturbance.white(Purpose::header_noise, use);
        if (adjusts) noise = disturbance.adjust(noise, use);
        symbol = narrow((turns ? gain.is * phase.next() : gain.is) * std::complex<double>(symbol) +
                        noise);
        heard_.header_gains[i].push_back(narrow(gain.known));
        ++use;
      }
      heard_.header_symbols[i] = std::move(symbols);
    }
    const auto first = static_cast<std::size_t>(burst_.starts[i]),
               last = static_cast<std::size_t>(burst_.starts[i + 1]);
    disturbance.white(std::span(burst_.places).subspan(first, last - first),
                      std::span(noise_).subspan(first, last - first));
    for (std::int64_t s = burst_.starts[i], lasts = 0; s < burst_.starts[i + 1]; s += lasts) {
      lasts = burst_.starts[i + 1] - s;
      const KnownGains::Gain& gain = h.next(lasts);
      std::fill_n(gains_.begin() + s, lasts, narrow(gain.is));
      if (known_apart_) std::fill_n(known_.begin() + s, lasts, narrow(gain.known));
    }
    std::fill(variance_.begin() + burst_.starts[i], variance_.begin() + burst_.starts[i + 1],
              static_cast<float>(variance));
    for (std::size_t s = first; (turns || adjusts) && s < last; ++s, ++use) {
      if (turns) gains_[s] = narrow(std::complex<double>(gains_[s]) * phase.next());
      if (adjusts) noise_[s] = narrow(disturbance.adjust(std::complex<double>(noise_[s]), use));
    }
    heard_.header_noise_variance[i] = variance;
    heard_.mean_gain[i] = h.mean_power();
    return header;
  }

  /// The whole burst of the image is carried at once.
  std::int64_t over_passage(std::size_t i) {
    const int image = static_cast<int>(i);
    const Symbols header = encode_header(burst_.headers[i]);
    const auto first = static_cast<std::size_t>(burst_.starts[i]),
               last = static_cast<std::size_t>(burst_.starts[i + 1]);
    PooledVector<std::complex<double>> x;
    x.reserve(header.size() + last - first);
    x.assign(header.begin(), header.end());
    for (std::size_t s = first; s < last; ++s) x.push_back(std::complex<double>(payload_[s]));
    PooledVector<Carried> carried(x.size());
    const Disturbance disturbance(settings_.impulses, settings_.interference,
                                  fading_.noise_variance(image), pass_.draws, image);
    settings_.passage->carry({fading_, image, pass_.draws, settings_.receiver, disturbance}, x,
                             carried);
    double power = 0, largest = fading_.known_noise(image);
    for (std::size_t u = 0; u < x.size(); ++u) {
      const Carried& one = carried[u];
      power += std::norm(one.gain);
      if (u >= header.size()) {
        const std::size_t s = first + u - header.size();
        gains_[s] = narrow(one.gain);
        known_[s] = narrow(one.known);
        noise_[s] = narrow(one.residue);
        variance_[s] = static_cast<float>(one.variance);
        continue;
      }
      largest = std::max(largest, one.variance);
      if (pass_.training) continue;
      heard_.header_symbols[i].push_back(narrow(one.gain * x[u] + one.residue));
      heard_.header_gains[i].push_back(narrow(one.known));
    }
    heard_.header_noise_variance[i] = largest;
    heard_.mean_gain[i] =
        x.empty() ? channel_.power_gain(fading_, image) : power / static_cast<double>(x.size());
    return static_cast<std::int64_t>(header.size());
  }

  /// Lost units are silence, and known to be.
  void lose(std::size_t i) {
    const LossLaw& law = *settings_.loss;
    LossWalk walk(law, pass_.draws, static_cast<int>(i));
    const std::int64_t first = burst_.starts[i], last = burst_.starts[i + 1],
                       payload = last - first;
    const std::int64_t header = law.header_too ? header_uses(burst_.headers[i]) : 0;
    const bool tokens = law.unit == LossUnit::token;
    const std::int64_t token = burst_.symbols_per_token.empty() ? std::max<std::int64_t>(1, payload)
                                                                : burst_.symbols_per_token[i];
    // Token by token the header is a unit by itself; packets do not know where it ends.
    for (std::int64_t use = 0; use < header + payload;) {
      const std::int64_t end = std::min(
          header + payload, tokens ? (use < header ? header : use + token) : use + law.packet_uses);
      const bool lost = walk.next();
      if (lost && use < header) {
        heard_.header_erased[i] = 1;
        for (Symbols* symbols : {&heard_.header_symbols[i], &heard_.header_gains[i]})
          std::fill(symbols->begin(), symbols->end(), std::complex<float>());
      }
      for (std::int64_t u = std::max(use, header); lost && u < end; ++u) {
        const auto s = static_cast<std::size_t>(first + u - header);
        heard_.erased[s] = 1;
        gains_[s] = noise_[s] = {};
        if (known_apart_) known_[s] = {};
      }
      use = end;
    }
  }

  /// What was really sent is what is counted; a sender that counted otherwise is a bug.
  void count(std::size_t i, std::int64_t header) {
    const std::int64_t payload = burst_.starts[i + 1] - burst_.starts[i];
    const Ledger said = burst_.ledger[i];
    assert(said.header == 0 || said.header == header);
    assert(said.parity <= payload && (said.payload == 0 || said.payload + said.parity == payload));
    heard_.ledger[i] =
        channel_.uses({.payload = payload - said.parity, .header = header, .parity = said.parity},
                      fading_.receiver_pilots[i]);
  }

  const ChannelSettings& settings_;
  const Channel& channel_;
  Pass& pass_;
  const Burst& burst_;
  const Fading& fading_;
  bool known_apart_ = false;
  Reception heard_;
  Symbols payload_;                // where a passage needs it
  Symbols gains_, known_, noise_;  // [total]
  PooledVector<float> variance_;   // [total]
};

}  // namespace

Reception Channel::apply(Pass& pass, const Burst& burst, const Fading& fading) const {
  return Flight(settings_, *this, pass, burst, fading).fly();
}

}  // namespace semwave
