// What a separation sender chooses within a budget against the best it could have chosen, by
// simulation.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "phy/header/header_codec.h"
#include "phy/header/separation_header.h"
#include "tests/phy/transport/lost_frames.h"
#include "transmitter/separation/stream_fit.h"

namespace semwave {
namespace {

/// The largest stream in bytes that the sender takes: growing streams need growing uses.
std::pair<int, StreamFit> largest_stream(StreamFitter& fitter, int budget) {
  int low = 0, high = budget;
  StreamFit chosen;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    const std::optional<StreamFit>& fit = fitter.fit(middle);
    (fit ? low : high) = middle;
    if (fit) chosen = *fit;
  }
  return {low, chosen};
}

// Each coding in turn, the one of most bytes first, until one loses at most one block in a hundred.
TEST(CodingChoice, CarriesNearlyAsMuchAsTheBestCodingThatIsSafeEnough) {
  double worst = 1;
  for (const int budget : {128, 384, 1024})
    for (const double snr_db : {-2.5, 2.5, 7.5, 15.0}) {
      SeparationSettings settings{.budget = budget};
      settings.channel.snr = {snr_db, snr_db};
      StreamFitter fitter(settings, GainOutlook(settings.channel, budget), {.snr_db = snr_db});
      const auto [bytes, chosen] = largest_stream(fitter, budget);
      const std::int64_t header =
          header_uses(std::vector{separation_word_bits(budget)}, fitter.header_format());
      const std::int64_t symbols = StreamFitter::symbols_within(settings, header);

      std::vector<std::pair<std::int64_t, const ModulationCoding*>> candidates;
      for (const ModulationCoding& coding : modulation_codings())
        candidates.emplace_back(bits_within(symbols, coding) / 8, &coding);
      std::sort(candidates.begin(), candidates.end(),
                [](const auto& a, const auto& b) { return a.first > b.first; });
      std::int64_t best = 0;
      for (const auto& [possible, coding] : candidates) {
        if (possible == 0) break;
        constexpr int frames = 6000, most = 60;
        if (lose(Transport(8 * possible, *coding), snr_db, frames, most + 1).lost > most) continue;
        best = possible;
        break;
      }
      if (best == 0) {
        EXPECT_EQ(bytes, 0) << budget << " uses, " << snr_db << " dB";
        continue;
      }
      const double share = static_cast<double>(bytes) / static_cast<double>(best);
      worst = std::min(worst, share);
      EXPECT_GE(share, 0.95) << budget << " uses, " << snr_db << " dB: " << bytes
                             << " bytes, possible " << best;
      const ModulationCoding& taken = modulation_codings()[static_cast<std::size_t>(chosen.coding)];
      const LostFrames met = lose(Transport(8 * bytes, taken), snr_db, 6000);
      EXPECT_LE(met.share(), 0.015) << budget << " uses, " << snr_db << " dB: " << taken.name();
      RecordProperty(
          "bytes_" + std::to_string(budget) + "_" + std::to_string(static_cast<int>(10 * snr_db)),
          std::to_string(bytes) + " of " + std::to_string(best) + " by " + taken.name());
    }
  RecordProperty("worst_share", std::to_string(worst));
}

}  // namespace
}  // namespace semwave
