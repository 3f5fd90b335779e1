// Header and payload of one image, one after the other.
#include "phy/header/serialise.h"

#include <cassert>

#include "core/tensor/backend.h"
#include "phy/header/header_codec.h"

namespace semwave {

Symbols serialise(const Backend& backend, const Burst& burst, int image) {
  const auto i = static_cast<std::size_t>(image);
  assert(i < burst.headers.size() && i + 1 < burst.starts.size());
  Symbols sequence = encode_header(burst.headers[i]);
  const std::int32_t begin = burst.starts[i], end = burst.starts[i + 1];
  if (begin == end) return sequence;
  PooledVector<float> payload(2 * static_cast<std::size_t>(end - begin));
  backend.to_host(burst.symbols.value().row_range(begin, end), payload.data());
  for (std::size_t s = 0; s < payload.size(); s += 2)
    sequence.emplace_back(payload[s], payload[s + 1]);
  return sequence;
}

}  // namespace semwave
