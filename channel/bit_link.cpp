// Random bits, modulated, through Channel::apply as the payload of a burst without header, decided and counted.
#include "channel/bit_link.h"

#include <algorithm>
#include <cmath>

#include "core/backend.h"
#include "core/random.h"

namespace semwave {
namespace {

constexpr double smallest_noise_variance = 1e-6;  // stands for none in the soft bits; only their signs are used

/// 128 bits a draw.
Bits draw_bits(const BitLinkSettings& settings, std::uint32_t frame, std::size_t count) {
  Bits bits(count);
  RandomWords words{};
  for (std::size_t b = 0; b < count; ++b) {
    if (b % 128 == 0) words = philox(settings.seed, Purpose::data_bits, frame, settings.visit, static_cast<std::uint32_t>(b / 128));
    bits[b] = (words[b % 128 / 32] >> (b % 32)) & 1u;
  }
  return bits;
}

BitErrors run_frame(Backend& backend, const BitLinkSettings& settings, const Channel& channel, std::uint32_t frame) {
  const auto width = static_cast<std::size_t>(bits_per_symbol(settings.modulation));
  const auto symbols = static_cast<std::size_t>(settings.frame_symbols);
  const Bits bits = draw_bits(settings, frame, symbols * width);
  const Symbols sent = modulate(settings.modulation, bits);

  Pass pass{.backend = backend, .draws = {.seed = settings.seed, .visit = settings.visit, .images = {frame}}};
  Burst burst{.headers = {HeaderOnAir{}},
              .symbols = Var(backend.from_host({settings.frame_symbols, 2}, reinterpret_cast<const float*>(sent.data()))),
              .starts = {0, settings.frame_symbols},
              .places = List<std::int32_t>(symbols),
              .ledger = {Ledger{}}};
  for (std::size_t s = 0; s < symbols; ++s) burst.places[s] = static_cast<std::int32_t>(s);
  const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));

  Symbols y(symbols), gains(symbols);
  backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(y.data()));
  backend.to_host(heard.gains, reinterpret_cast<float*>(gains.data()));
  List<float> soft(bits.size());
  demodulate(settings.modulation, y, gains, std::max(heard.header_noise_variance[0], smallest_noise_variance), soft);

  BitErrors count{.bits = static_cast<std::int64_t>(bits.size()), .symbols = settings.frame_symbols, .frames = 1};
  for (std::size_t s = 0; s < symbols; ++s) {
    std::int64_t wrong = 0;
    for (std::size_t b = s * width; b < (s + 1) * width; ++b) wrong += (soft[b] < 0) != (bits[b] != 0);
    count.bit_errors += wrong;
    count.symbol_errors += wrong > 0;
  }
  count.frame_errors = count.bit_errors > 0;
  return count;
}

}  // namespace

BitErrors& BitErrors::operator+=(const BitErrors& other) {
  bits += other.bits;
  bit_errors += other.bit_errors;
  symbols += other.symbols;
  symbol_errors += other.symbol_errors;
  frames += other.frames;
  frame_errors += other.frame_errors;
  return *this;
}

BitErrors run_bit_link(Backend& backend, const BitLinkSettings& settings, std::uint32_t first, std::uint32_t count) {
  const Channel channel(settings.channel);
  BitErrors total;
  for (std::uint32_t f = 0; f < count; ++f) total += run_frame(backend, settings, channel, first + f);
  return total;
}

double es_n0_db(double eb_n0_db, Modulation modulation, double code_rate) {
  return eb_n0_db + 10 * std::log10(code_rate * bits_per_symbol(modulation));
}

}  // namespace semwave
