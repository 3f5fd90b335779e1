#include "experiment/results/record.h"

#include <cmath>

namespace semwave {

void PointTotals::add(const ImageRecord& image) {
  ++images;
  uses += image.uses;
  correct += image.right();
  tokens += image.tokens;
  tokens_lost += image.tokens_lost;
  depth += image.exit_depth;
  lost += image.header_lost;
  answered += image.answered;
  ++exits.at(static_cast<std::size_t>(image.exit_depth));
  if (pair) pair->add(image);
  for (std::size_t m = 0, place = 0; m < metrics.size(); ++m) {
    const double score =
        metrics[m]->needs() == Metric::Needs::image
            ? image.scores[place++]
            : metrics[m]->score({.label = image.label, .decision = image.decision_in_time()});
    if (std::isnan(score)) continue;
    ++scores[m].images;
    scores[m].sum += score;
  }
}

void PointResult::add(const ShardCost& cost) {
  transmitter_operations += cost.transmitter_operations;
  receiver_operations += cost.receiver_operations;
  transmitter_seconds += cost.transmitter_seconds;
  channel_seconds += cost.channel_seconds;
  receiver_seconds += cost.receiver_seconds;
}

}  // namespace semwave
