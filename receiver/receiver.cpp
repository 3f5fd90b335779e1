#include "receiver/receiver.h"

#include <algorithm>

namespace semwave {

PooledVector<std::int32_t> decisions(Backend& backend, const Result& result) {
  const std::size_t count = result.lost.size();
  PooledVector<float> logits(static_cast<std::size_t>(result.logits.value().size()));
  backend.to_host(result.logits.value(), logits.data());
  const std::size_t classes = count == 0 ? 0 : logits.size() / count;
  PooledVector<std::int32_t> decided;
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = logits.data() + i * classes;
    const auto best = static_cast<std::int32_t>(std::max_element(row, row + classes) - row);
    const std::int32_t said = result.answers.empty() ? -1 : result.answers[i];
    decided.push_back(result.lost[i] ? -1 : said >= 0 ? said : best);
  }
  return decided;
}

}  // namespace semwave
