#include "phy/digital/digital_link.h"

#include <algorithm>
#include <cassert>

namespace semwave {

Ledger DigitalLink::ledger(std::int64_t bits, int index) const {
  const BlockLayout layout = lay_blocks(bits, coding(index));
  Ledger ledger;
  ledger.payload = layout.payload_uses();
  ledger.parity = layout.parity_uses();
  return ledger;
}

Symbols DigitalLink::send(std::span<const float> values, int index) const {
  Bits bits(values.size() * static_cast<std::size_t>(quantiser().bits()));
  quantiser().write(values, bits);
  return transport(static_cast<std::int64_t>(bits.size()), index)->encode(bits);
}

DigitalLink::Heard DigitalLink::receive(std::span<const std::complex<float>> y,
                                        std::span<const std::complex<float>> gains,
                                        std::span<const float> noise_variance, std::int64_t bits,
                                        int index) const {
  const std::shared_ptr<const Transport> transport = this->transport(bits, index);
  assert(y.size() == transport->uses());
  const auto width = static_cast<std::size_t>(quantiser().bits());
  Bits decided(transport->bits()), blocks(transport->blocks());
  transport->decode(y, gains, noise_variance, decided, blocks);
  Heard heard{.values = PooledVector<float>(decided.size() / width),
              .held = PooledVector<std::uint8_t>(decided.size() / width, 1)};
  quantiser().read(decided, heard.values);
  for (int b = 0; b < transport->layout().blocks; ++b) {
    if (blocks[static_cast<std::size_t>(b)]) continue;
    const auto first = static_cast<std::size_t>(transport->layout().block_start(b)),
               last = first + static_cast<std::size_t>(transport->layout().block_bits(b)) - 1;
    for (std::size_t v = first / width; v <= last / width; ++v) heard.held[v] = 0;
  }
  return heard;
}

}  // namespace semwave
