// Realise, observe, apply: the way of a burst through the air.
#include "channel/channel.h"

#include <cassert>
#include <cmath>

#include "channel/header_codec.h"
#include "channel/signal.h"
#include "core/random.h"

namespace semwave {
namespace {

/// The gains of one image in the order of its uses; a gain is drawn once for as long as it lasts.
class Gains {
 public:
  Gains(const Fading& fading, int image) : fading_(fading), image_(image) {}

  std::complex<double> next() {
    const std::int64_t index = fading_.coherence_index(use_);
    if (use_ == 0 || index != index_) {
      gain_ = fading_.gain(image_, use_);
      index_ = index;
    }
    ++use_;
    power_ += std::norm(gain_);
    return gain_;
  }
  void skip(std::int64_t uses) {
    for (std::int64_t u = 0; u < uses; ++u) next();
  }
  /// Mean |h|^2 over the uses so far; of the first use where there was none.
  double mean_power() const { return use_ > 0 ? power_ / static_cast<double>(use_) : std::norm(fading_.gain(image_, 0)); }

 private:
  const Fading& fading_;
  int image_;
  std::int64_t use_ = 0, index_ = 0;
  std::complex<double> gain_;
  double power_ = 0;
};

}  // namespace

Fading Channel::realise(const Draws& draws) const {
  List<double> snr_db(draws.images.size(), settings_.snr.from_db);
  if (settings_.snr.from_db != settings_.snr.to_db)
    for (std::size_t i = 0; i < snr_db.size(); ++i)
      snr_db[i] += (settings_.snr.to_db - settings_.snr.from_db) * uniform(philox(draws.seed, Purpose::snr, draws.images[i], draws.visit, 0)[0]);
  return realise(draws, std::move(snr_db));
}

Fading Channel::realise(const Draws& draws, List<double> snr_db) const {
  assert(snr_db.size() == draws.images.size());
  Fading fading;
  fading.kind = settings_.fading;
  fading.coherence = settings_.coherence;
  fading.block = settings_.block;
  fading.noiseless = settings_.noiseless;
  fading.seed = draws.seed;
  fading.slot = draws.visit;
  fading.links_ = draws.images;
  fading.snr_db_ = std::move(snr_db);
  return fading;
}

List<ChannelState> Channel::observe(const Fading& fading) const {
  List<ChannelState> states(static_cast<std::size_t>(fading.images()));
  for (int i = 0; i < fading.images(); ++i) {
    double& snr_db = states[static_cast<std::size_t>(i)].snr_db;
    snr_db = fading.noiseless ? ideal_snr_db : fading.snr_db(i);
    const bool one_gain = !fading.noiseless && fading.kind != FadingKind::none && fading.coherence == Coherence::image;
    if (one_gain) snr_db += 10 * std::log10(std::norm(fading.gain(i, 0)));
  }
  return states;
}

Reception Channel::apply(Pass& pass, const Burst& burst, const Fading& fading) const {
  const std::size_t images = burst.starts.empty() ? 0 : burst.starts.size() - 1;
  const auto total = static_cast<std::int64_t>(burst.places.size());
  assert(pass.draws.images.size() == images && static_cast<std::size_t>(fading.images()) == images);
  assert(burst.headers.size() == images && burst.ledger.size() == images);
  assert(images == 0 || burst.starts.back() == total);
  assert(total == 0 || burst.symbols.value().size() == 2 * total);

  Reception heard;
  heard.header_symbols.resize(images);
  heard.header_gains.resize(images);
  heard.header_noise_variance.resize(images);
  heard.mean_gain.resize(images);
  heard.starts = burst.starts;
  heard.ledger = burst.ledger;
  if (pass.training) heard.headers = burst.headers;

  List<float> gains, noise, variance;
  gains.reserve(static_cast<std::size_t>(2 * total));
  noise.reserve(static_cast<std::size_t>(2 * total));
  variance.reserve(static_cast<std::size_t>(total));
  for (std::size_t i = 0; i < images; ++i) {
    const double noise_variance = fading.noise_variance(static_cast<int>(i));
    const double deviation = std::sqrt(noise_variance);
    const std::uint32_t image = pass.draws.images[i];
    const auto draw = [&](Purpose purpose, std::int64_t place) {
      if (fading.noiseless) return std::complex<double>{};
      return deviation * complex_normal(philox(pass.draws.seed, purpose, image, pass.draws.visit, static_cast<std::uint32_t>(place)));
    };
    Gains h(fading, static_cast<int>(i));
    std::int64_t uses = 0;
    if (pass.training) {
      List<int> part_bits;
      for (const Bits& part : burst.headers[i].parts) part_bits.push_back(static_cast<int>(part.size()));
      uses = header_uses(part_bits, burst.headers[i].format);
      h.skip(uses);
    } else {
      Symbols symbols = encode_header(burst.headers[i]);
      uses = static_cast<std::int64_t>(symbols.size());
      heard.header_gains[i].reserve(symbols.size());
      for (std::size_t u = 0; u < symbols.size(); ++u) {
        const std::complex<double> gain = h.next();
        symbols[u] = std::complex<float>(gain * std::complex<double>(symbols[u]) + draw(Purpose::header_noise, static_cast<std::int64_t>(u)));
        heard.header_gains[i].emplace_back(gain);
      }
      heard.header_symbols[i] = std::move(symbols);
    }
    for (std::int32_t s = burst.starts[i]; s < burst.starts[i + 1]; ++s) {
      const std::complex<double> gain = h.next(), n = draw(Purpose::noise, burst.places[static_cast<std::size_t>(s)]);
      gains.push_back(static_cast<float>(gain.real()));
      gains.push_back(static_cast<float>(gain.imag()));
      noise.push_back(static_cast<float>(n.real()));
      noise.push_back(static_cast<float>(n.imag()));
      variance.push_back(static_cast<float>(noise_variance));
    }
    // What was really sent is what is counted; a sender that counted otherwise is a bug.
    Ledger& ledger = heard.ledger[i];
    const std::int64_t payload = burst.starts[i + 1] - burst.starts[i];
    assert(ledger.header == 0 || ledger.header == uses);
    assert(ledger.payload == 0 || ledger.payload == payload);
    ledger.header = uses;
    ledger.payload = payload;
    heard.header_noise_variance[i] = noise_variance;
    heard.mean_gain[i] = h.mean_power();
  }
  heard.gains = pass.backend.from_host({total, 2}, gains.data());
  heard.noise_variance = pass.backend.from_host({total}, variance.data());
  heard.symbols = burst.symbols.defined() ? fade_and_noise(pass, burst.symbols, heard.gains, pass.backend.from_host({total, 2}, noise.data()))
                                          : Var(pass.backend.zeros({0, 2}));
  return heard;
}

}  // namespace semwave
