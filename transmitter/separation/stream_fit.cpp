#include "transmitter/separation/stream_fit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "phy/bounds/capacity.h"
#include "phy/header/header_codec.h"
#include "phy/header/separation_header.h"
#include "phy/transport/modulation_coding.h"

namespace semwave {
namespace {

constexpr double step_db = 0.1, negligible = 1e-9;  // of losses that are summed
constexpr double header_share = 0.1;  // of the outage that a header may take where the gain is not
                                      // known: 1e-3 of 1e-2, as elsewhere

double linear(double snr_db) {
  return std::pow(10.0, snr_db / 10);
}

}  // namespace

std::int64_t StreamFitter::symbols_within(const SeparationSettings& settings, std::int64_t header) {
  const Channel channel(settings.channel);
  const int pilots =
      settings.channel.receiver.kind == CsiKind::estimated ? settings.channel.receiver.pilots : 0;
  std::int64_t low = 0, high = settings.budget * settings.channel.streams() + 1;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (channel.uses({.payload = middle, .header = header}, pilots).total() <= settings.budget
         ? low
         : high) = middle;
  }
  return low;
}

StreamFitter::StreamFitter(const SeparationSettings& settings, const GainOutlook& outlook,
                           const ChannelState& state)
    : settings_(settings), snrs_db_(outlook.snrs_db(state)), stream_loss_(settings.outage) {
  if (settings.transport_model != TransportModel::coded) {
    symbols_ = symbols_within(settings, 0);
    return;
  }
  const std::array<int, 1> word{separation_word_bits(settings.budget)};
  const int formats = static_cast<int>(header_formats().size());
  double loss = 1;
  if (snrs_db_.size() == 1) {
    header_format_ = choose_header_format(word, snrs_db_[0]);
    loss = header_loss(word, header_format_, snrs_db_[0]);
  } else {
    for (header_format_ = 0;; ++header_format_) {
      loss = 0;
      for (const double snr_db : snrs_db_)
        loss += header_loss(word, header_format_, snr_db) / static_cast<double>(snrs_db_.size());
      if (loss <= header_share * settings.outage || header_format_ + 1 == formats) break;
    }
  }
  stream_loss_ -= loss;
  symbols_ = symbols_within(settings, header_uses(word, header_format_));
}

const std::optional<StreamFit>& StreamFitter::fit(int bytes) {
  const auto [found, added] = known_.try_emplace(bytes);
  if (added)
    found->second =
        settings_.transport_model == TransportModel::coded ? find(bytes) : find_bound(bytes);
  return found->second;
}

double StreamFitter::expected_loss(std::int64_t bits, int coding) const {
  const ModulationCoding& chosen =
      modulation_codings(settings_.codings)[static_cast<std::size_t>(coding)];
  const auto count = static_cast<double>(snrs_db_.size());
  if (snrs_db_.size() == 1) return predicted_loss(bits, chosen, snrs_db_[0]);
  // Losses fall as the SNR grows: where twice the share that may be lost has an even chance, it is
  // too much.
  const auto twice = static_cast<std::size_t>(2 * stream_loss_ * count) + 1;
  if (twice < snrs_db_.size() && predicted_loss(bits, chosen, snrs_db_[twice]) > 0.5) return 1;
  double sum = 0, at_db = 0, loss = 1;
  for (std::size_t i = 0; i < snrs_db_.size() && sum <= stream_loss_ && loss > negligible; ++i) {
    const double step =
        std::floor(snrs_db_[i] / step_db) * step_db;  // downwards: rather too much loss
    if (i == 0 || step != at_db) loss = predicted_loss(bits, chosen, step);
    at_db = step;
    sum += loss / count;
  }
  return sum;
}

std::optional<StreamFit> StreamFitter::find(int bytes) const {
  if (stream_loss_ <= 0 || bytes < 1 || bytes > settings_.budget) return std::nullopt;
  const std::int64_t bits = 8 * std::int64_t{bytes};
  if (bits > transport_largest_bits) return std::nullopt;
  const auto& codings = modulation_codings(settings_.codings);
  std::vector<StreamFit> fits;
  const double carried =
      gaussian_information(linear(snrs_db_.back())).capacity * static_cast<double>(symbols_);
  if (static_cast<double>(bits) > carried)
    return std::nullopt;  // beyond capacity even with the best of gains
  for (std::size_t c = 0; c < codings.size(); ++c)
    if (const std::int64_t uses = transport_uses(bits, codings[c]); uses <= symbols_)
      fits.push_back({static_cast<int>(c), uses});
  std::stable_sort(fits.begin(), fits.end(),
                   [](const StreamFit& a, const StreamFit& b) { return a.uses < b.uses; });
  for (const StreamFit& fit : fits)
    if (expected_loss(bits, fit.coding) <= stream_loss_) return fit;
  return std::nullopt;
}

std::optional<StreamFit> StreamFitter::find_bound(int bytes) const {
  if (bytes < 1 || bytes > transport_largest_bits / 8) return std::nullopt;
  const double bits = 8.0 * bytes;
  // Outage at capacity: of the SNRs that may be met, at most so many carry less.
  const auto worst =
      static_cast<std::size_t>(settings_.outage * static_cast<double>(snrs_db_.size()));
  const auto enough = [&](std::int64_t uses) {
    if (settings_.transport_model == TransportModel::capacity)
      return bits <=
             static_cast<double>(uses) * gaussian_information(linear(snrs_db_[worst])).capacity;
    double loss = 0;
    for (const double snr_db : snrs_db_)
      loss +=
          normal_approximation_error(gaussian_information(linear(snr_db)),
                                     static_cast<double>(uses), bits / static_cast<double>(uses)) /
          static_cast<double>(snrs_db_.size());
    return loss <= settings_.outage;
  };
  if (symbols_ < 1 || !enough(symbols_)) return std::nullopt;
  std::int64_t low = 0, high = symbols_;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return StreamFit{.coding = -1, .uses = high};
}

}  // namespace semwave
