// Channel::apply on symbols that lie in memory: realised, applied, and all that is heard (symbols,
// gains, noise variances) written to buffers of the caller. What
// benchmarks/claims/python_channel.py holds the Python module against.
//
//   channel_apply --serve    answers lines "KIND IMAGES SYMBOLS AT_ONCE REPETITIONS" (images sent
//   together in one burst) with a line of JSON: the seconds of each repetition
#include <algorithm>
#include <complex>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "channel/channel.h"
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/base/stopwatch.h"

namespace {

using namespace semwave;
using Samples = std::vector<std::complex<float>>;

struct Buffers {
  Samples x, y, gains;
  std::vector<float> noise_variance;
};

/// Images [first, first + count) of the buffers.
void send(Backend& backend, const Channel& channel, Buffers& buffers, std::size_t first,
          std::size_t count, std::size_t symbols) {
  Pass pass{.backend = backend};
  pass.draws.seed = 7;
  Burst burst{
      .headers = PooledVector<HeaderOnAir>(count),
      .ledger = PooledVector<Ledger>(count, {.payload = static_cast<std::int64_t>(symbols)})};
  burst.starts.push_back(0);
  burst.places.reserve(count * symbols);
  for (std::size_t i = 0; i < count; ++i) {
    pass.draws.images.push_back(static_cast<std::uint32_t>(first + i));
    for (std::size_t s = 0; s < symbols; ++s) burst.places.push_back(static_cast<std::int32_t>(s));
    burst.starts.push_back(static_cast<std::int32_t>(burst.places.size()));
  }
  const std::size_t from = first * symbols, bytes = count * symbols * sizeof(buffers.x[0]);
  auto* const numbers = reinterpret_cast<float*>(buffers.x.data() + from);
  const auto lent = std::make_shared<Buffer>(Buffer{numbers, bytes, DeviceKind::cpu});
  burst.symbols = Var(Tensor(lent, {static_cast<std::int64_t>(count * symbols), 2}));
  const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
  const auto copy = [&](auto& to, const Tensor& numbers_heard) {
    std::memcpy(static_cast<void*>(to.data() + from), numbers_heard.data(),
                count * symbols * sizeof(to[0]));
  };
  copy(buffers.y, heard.symbols.value());
  copy(buffers.gains, heard.gains);
  copy(buffers.noise_variance, heard.noise_variance);
}

std::string answer(const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  std::size_t images = 0, symbols = 0, at_once = 0;
  int repetitions = 0;
  if (!(words >> kind >> images >> symbols >> at_once >> repetitions) || images < 1 ||
      symbols < 1 || at_once < 1 || images * symbols > (std::size_t{1} << 26) || repetitions < 1)
    return R"({"error": "expected: KIND IMAGES SYMBOLS AT_ONCE REPETITIONS"})";
  const Place place{"channel", ""};
  const Json settings =
      resolve(Json{{"kind", kind}, {"snr_db", 10}}, channels().field("channel"), place);
  const Channel channel(channels().make(settings, place));
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const std::size_t all = images * symbols;
  Buffers buffers{Samples(all, {0.6f, -0.8f}), Samples(all), Samples(all), std::vector<float>(all)};
  std::vector<double> seconds;
  for (int r = 0; r < repetitions; ++r) {
    const auto start = Clock::now();
    for (std::size_t first = 0; first < images; first += at_once)
      send(*backend, channel, buffers, first, std::min(at_once, images - first), symbols);
    seconds.push_back(seconds_since(start));
  }
  return fmt::format("{{\"seconds\": [{}]}}", fmt::join(seconds, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || std::string(argv[1]) != "--serve") {
    std::fputs("usage: channel_apply --serve\n", stderr);
    return 2;
  }
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << answer(line) << std::endl;
    } catch (const semwave::Error& mistake) {
      std::cout << Json{{"error", mistake.what()}}.dump() << std::endl;
    }
  }
  return 0;
}
