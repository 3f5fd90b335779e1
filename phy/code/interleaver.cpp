// The permutation of each length.
#include "phy/code/interleaver.h"

#include <numeric>
#include <utility>

#include "core/random/random.h"

namespace semwave {
namespace {

constexpr std::uint64_t interleaver_seed =
    0x696E7465726C6561;  // part of the air interface: never changed

}  // namespace

Interleaver::Interleaver(std::size_t length) : order_(length) {
  std::iota(order_.begin(), order_.end(), 0u);
  for (std::size_t i = length; i > 1; --i) {
    const std::uint64_t word =
        philox(interleaver_seed, Purpose::shuffle, static_cast<std::uint32_t>(length), 0,
               static_cast<std::uint32_t>(i))[0];
    std::swap(order_[i - 1],
              order_[(word * i) >> 32]);  // the high half of the product: uniform to 2^-32
  }
}

}  // namespace semwave
