// Realise, observe, apply: the way of a burst through the air.
#include "channel/channel.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "channel/header_codec.h"
#include "channel/signal.h"
#include "core/random.h"

namespace semwave {
namespace {

/// Mean squared error of one dimension of CN(0, 1), N(0, 1/2), in 2^bits cells over +-quantised_gain, whose outer cells reach on: cell by cell
/// the integral of (x - middle)^2. Fine cells leave width^2 / 12.
double quantised_error(int bits) {
  const double cells = std::exp2(bits), width = 2 * quantised_gain / cells;
  if (bits > 8) return width * width / 12;
  const auto below = [](double x) { return 0.5 * std::erfc(-x); };                                            // P(X < x)
  const auto density = [](double x) { return std::exp(-x * x) / std::sqrt(std::numbers::pi); };
  double sum = 0;
  for (int c = 0; c < static_cast<int>(cells); ++c) {
    const double a = c == 0 ? -10 : -quantised_gain + c * width, b = c + 1 == static_cast<int>(cells) ? 10 : -quantised_gain + (c + 1) * width, m = -quantised_gain + (c + 0.5) * width;
    const double mass = below(b) - below(a), first = (density(a) - density(b)) / 2, second = mass / 2 + (a * density(a) - b * density(b)) / 2;
    sum += second - 2 * m * first + m * m * mass;
  }
  return sum;
}

/// The gains of one image in the order of its uses, and what the receiver knows of them; each is made once for as long as it lasts.
class Gains {
 public:
  Gains(const Fading& fading, int image, const Csi& csi, const Draws& draws)
      : fading_(fading), image_(image), csi_(csi), draws_(draws), link_(fading, image), pilots_(fading.receiver_pilots_[static_cast<std::size_t>(image)]) {
    error_variance_ = pilots_ > 0 ? fading.noise_variance(image) / pilots_ : unestimated_error();
  }

  struct Gain {
    std::complex<double> true_gain, known;
  };
  const Gain& next() {
    const std::int64_t index = fading_.coherence_index(use_);
    if (use_ == 0 || index != index_) {
      gain_.true_gain = link_.at(index);
      gain_.known = known(index);
      index_ = index;
    }
    ++use_;
    power_ += std::norm(gain_.true_gain);
    return gain_;
  }
  void skip(std::int64_t uses) {
    for (std::int64_t u = 0; u < uses; ++u) next();
  }
  /// Mean |h|^2 over the uses so far; of the first use where there was none.
  double mean_power() const { return use_ > 0 ? power_ / static_cast<double>(use_) : std::norm(link_.at(0)); }
  /// E|h - known|^2.
  double error_variance() const { return error_variance_; }

 private:
  double unestimated_error() const {
    if (!fading_.fades()) return 0;
    switch (csi_.kind) {
      case CsiKind::delayed:
        return 2 * (1 - fading_.law.correlation(csi_.delay));
      case CsiKind::quantised:
        return 2 * quantised_error(csi_.bits);
      case CsiKind::none:
        return 2;  // the gain taken for 1: a phase that may be any
      case CsiKind::perfect:
      case CsiKind::estimated:
        return 0;
    }
    return 0;
  }
  std::complex<double> known(std::int64_t index) const {
    const std::complex<double> h = gain_.true_gain;
    if (pilots_ > 0) {
      // The mean of n pilots heard through one gain is the gain plus CN(0, N0/n): drawn at once.
      const auto place = static_cast<std::uint32_t>(index);
      return h + std::sqrt(error_variance_) * complex_normal(philox(draws_.seed, Purpose::pilot_noise, draws_.images[static_cast<std::size_t>(image_)], draws_.visit, place));
    }
    if (!fading_.fades()) return h;
    switch (csi_.kind) {
      case CsiKind::delayed:
        return link_.at(index, csi_.delay);
      case CsiKind::quantised:
        return {quantise(h.real(), -quantised_gain, quantised_gain, csi_.bits), quantise(h.imag(), -quantised_gain, quantised_gain, csi_.bits)};
      case CsiKind::none:
        return {1.0, 0.0};
      case CsiKind::perfect:
      case CsiKind::estimated:
        return h;
    }
    return h;
  }

  const Fading& fading_;
  int image_;
  const Csi& csi_;
  const Draws& draws_;
  LinkGains link_;
  int pilots_;
  double error_variance_ = 0;
  std::int64_t use_ = 0, index_ = 0;
  Gain gain_;
  double power_ = 0;
};

double to_db(double power) { return 10 * std::log10(std::max(power, 1e-12)); }

}  // namespace

double quantise(double value, double from, double to, int bits) {
  const double cells = std::exp2(bits), width = (to - from) / cells;
  return from + (std::clamp(std::floor((value - from) / width), 0.0, cells - 1) + 0.5) * width;
}

List<double> Channel::mean_snr_db(std::uint64_t seed, std::span<const std::uint32_t> links) const {
  List<double> snr_db(links.size(), settings_.snr.from_db);
  if (settings_.snr.from_db == settings_.snr.to_db) return snr_db;
  for (std::size_t i = 0; i < snr_db.size(); ++i)
    snr_db[i] += (settings_.snr.to_db - settings_.snr.from_db) * uniform(philox(seed, Purpose::snr, links[i], 0, 0)[0]);
  return snr_db;
}

Fading Channel::realise(const Draws& draws) const {
  List<double> snr_db(draws.images.size(), settings_.snr.from_db);
  if (settings_.snr.from_db != settings_.snr.to_db)
    for (std::size_t i = 0; i < snr_db.size(); ++i)
      snr_db[i] += (settings_.snr.to_db - settings_.snr.from_db) * uniform(philox(draws.seed, Purpose::snr, draws.images[i], draws.visit, 0)[0]);
  return realise(draws, std::move(snr_db));
}

Fading Channel::realise(const Draws& draws, List<double> snr_db) const { return realise(draws, draws.images, std::move(snr_db)); }

Fading Channel::realise(const Draws& draws, List<std::uint32_t> links, List<double> snr_db) const {
  assert(snr_db.size() == draws.images.size() && links.size() == draws.images.size());
  Fading fading;
  fading.law = settings_.fading;
  const bool estimates = settings_.receiver.kind == CsiKind::estimated;
  if (estimates && fading.law.coherence == Coherence::block) fading.law.block = std::max<std::int64_t>(1, fading.law.block - settings_.receiver.pilots);
  fading.noiseless = settings_.noiseless;
  fading.seed = draws.seed;
  fading.slot = draws.visit;
  fading.links_ = std::move(links);
  fading.snr_db_ = std::move(snr_db);
  fading.receiver_pilots_ = List<std::int32_t>(draws.images.size(), estimates ? settings_.receiver.pilots : 0);
  return fading;
}

List<ChannelState> Channel::observe(const Fading& fading) const {
  const Csi& csi = settings_.transmitter;
  List<ChannelState> states(static_cast<std::size_t>(fading.images()));
  const bool one_gain = fading.fades() && fading.law.coherence == Coherence::image;
  for (int i = 0; i < fading.images(); ++i) {
    ChannelState& state = states[static_cast<std::size_t>(i)];
    state.how = csi.kind;
    state.snr_db = fading.snr_db(i);
    if (csi.kind == CsiKind::none) {
      state.snr_db = (settings_.snr.from_db + settings_.snr.to_db) / 2;
    } else if (csi.kind == CsiKind::estimated) {
      const double deviation = std::sqrt(fading.noise_variance(i) / csi.pilots);
      const RandomWords words = philox(fading.seed, Purpose::sounding, fading.links_[static_cast<std::size_t>(i)], fading.slot, 0);
      if (one_gain || !fading.fades()) state.snr_db += to_db(std::norm(fading.gain(i, 0) + deviation * complex_normal(words)));
    } else if (one_gain) {
      state.age = csi.kind == CsiKind::delayed ? csi.delay : 0;
      state.snr_db += to_db(std::norm(fading.gain_before(i, 0, state.age)));
    }
    if (fading.noiseless) state.snr_db = ideal_snr_db;
    if (csi.kind == CsiKind::quantised) state.snr_db = quantise(state.snr_db, quantised_from_db, quantised_to_db, csi.bits);
  }
  return states;
}

std::int64_t Channel::pilot_uses(std::int64_t data_uses, int receiver_pilots) const {
  std::int64_t gains = 1;
  if (settings_.fading.kind != FadingKind::none && settings_.fading.coherence == Coherence::block) {
    const std::int64_t usable = std::max<std::int64_t>(1, settings_.fading.block - receiver_pilots);
    gains = (data_uses + usable - 1) / usable;
  }
  return gains * receiver_pilots + (settings_.transmitter.kind == CsiKind::estimated ? settings_.transmitter.pilots : 0);
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

  const bool known_apart = settings_.receiver.kind != CsiKind::perfect || std::any_of(fading.receiver_pilots_.begin(), fading.receiver_pilots_.end(), [](int n) { return n > 0; });
  List<float> gains, known, noise, variance;
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
    Gains h(fading, static_cast<int>(i), settings_.receiver, pass.draws);
    const double heard_variance = noise_variance + h.error_variance();
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
        const Gains::Gain& gain = h.next();
        symbols[u] = std::complex<float>(gain.true_gain * std::complex<double>(symbols[u]) + draw(Purpose::header_noise, static_cast<std::int64_t>(u)));
        heard.header_gains[i].emplace_back(gain.known);
      }
      heard.header_symbols[i] = std::move(symbols);
    }
    for (std::int32_t s = burst.starts[i]; s < burst.starts[i + 1]; ++s) {
      const std::complex<double> n = draw(Purpose::noise, burst.places[static_cast<std::size_t>(s)]);
      const Gains::Gain& gain = h.next();
      gains.push_back(static_cast<float>(gain.true_gain.real()));
      gains.push_back(static_cast<float>(gain.true_gain.imag()));
      if (known_apart) {
        known.push_back(static_cast<float>(gain.known.real()));
        known.push_back(static_cast<float>(gain.known.imag()));
      }
      noise.push_back(static_cast<float>(n.real()));
      noise.push_back(static_cast<float>(n.imag()));
      variance.push_back(static_cast<float>(heard_variance));
    }
    // What was really sent is what is counted; a sender that counted otherwise is a bug.
    Ledger& ledger = heard.ledger[i];
    const std::int64_t payload = burst.starts[i + 1] - burst.starts[i];
    assert(ledger.header == 0 || ledger.header == uses);
    assert(ledger.payload == 0 || ledger.payload == payload);
    ledger.header = uses;
    ledger.payload = payload;
    ledger.pilots = pilot_uses(uses + payload, fading.receiver_pilots_[i]);
    heard.header_noise_variance[i] = heard_variance;
    heard.mean_gain[i] = h.mean_power();
  }
  const Tensor true_gains = pass.backend.from_host({total, 2}, gains.data());
  heard.gains = known_apart ? pass.backend.from_host({total, 2}, known.data()) : true_gains;
  heard.noise_variance = pass.backend.from_host({total}, variance.data());
  heard.symbols = burst.symbols.defined() ? fade_and_noise(pass, burst.symbols, true_gains, pass.backend.from_host({total, 2}, noise.data()))
                                          : Var(pass.backend.zeros({0, 2}));
  return heard;
}

}  // namespace semwave
