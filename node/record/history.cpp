#include "node/record/history.h"

#include <algorithm>
#include <cmath>

#include "node/record/measured_snr.h"

namespace semwave {

std::int64_t History::second_of(NodeClock::time_point now) const {
  return static_cast<std::int64_t>(std::max(0.0, std::floor(seconds_between(start_, now))));
}

History::Second History::of(std::int64_t second) const {
  const Second& kept = ring_[static_cast<std::size_t>(second) % ring_.size()];
  return kept.at == second ? kept : Second{};
}

void History::add(const ImageRecord& image, double signal, double noise,
                  NodeClock::time_point now) {
  const std::int64_t at = second_of(now);
  Second& second = ring_[static_cast<std::size_t>(at) % ring_.size()];
  if (second.at != at) second = {.at = at};
  ++second.images;
  if (image.label >= 0) {
    ++second.labelled;
    second.correct += image.decision == image.label;
  }
  second.signal += signal;
  second.noise += noise;
}

double History::rate(NodeClock::time_point now) const {
  const std::int64_t end = second_of(now), begin = std::max<std::int64_t>(0, end - rate_seconds);
  if (end == 0) {  // the first second is not over
    const double since = seconds_between(start_, now);
    return since > 0 ? static_cast<double>(of(0).images) / since : 0;
  }
  std::int64_t images = 0;
  for (std::int64_t second = begin; second < end; ++second) images += of(second).images;
  return static_cast<double>(images) / static_cast<double>(end - begin);
}

OrderedJson History::json(NodeClock::time_point now) const {
  OrderedJson images = OrderedJson::array(), accuracy = images, snr_db = images;
  const std::int64_t end = second_of(now);
  for (std::int64_t at = std::max<std::int64_t>(0, end - seconds); at < end; ++at) {
    const Second second = of(at);
    images.push_back(second.images);
    const double right = static_cast<double>(second.correct) / static_cast<double>(second.labelled);
    accuracy.push_back(second.labelled > 0 ? OrderedJson(right) : OrderedJson());
    snr_db.push_back(second.signal > 0 ? OrderedJson(measured_snr_db(second.signal, second.noise))
                                       : OrderedJson());
  }
  return {{"images", images}, {"accuracy", accuracy}, {"snr_db", snr_db}};
}

}  // namespace semwave
