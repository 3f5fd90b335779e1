// Decoders and demappers on one thread: information bits a second of LDPC decoding, bytes a second
// of demapping beside those of a memory copy.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/random/random.h"
#include "phy/code/ldpc/ldpc_decoder.h"
#include "phy/code/ldpc/nr_ldpc.h"
#include "phy/code/polar/polar_code.h"
#include "phy/modulation/modulation.h"

namespace semwave {
namespace {

/// Soft bits of a codeword of zeros over binary-input AWGN, rate 1/2, at this Eb/N0.
std::vector<float> soft_bits(std::size_t count, double eb_n0_db) {
  const double variance = std::pow(10.0, -eb_n0_db / 10);  // 0.5 / rate
  std::vector<float> soft(count);
  for (std::size_t i = 0; i < count; ++i)
    soft[i] = static_cast<float>(
        2 / variance *
        (1 + std::sqrt(2 * variance) *
                 complex_normal(philox(1, Purpose::noise, 0, 0, static_cast<std::uint32_t>(i)))
                     .real()));
  return soft;
}

/// n = 1296, r = 1/2, ten iterations whatever happens; as many frames at once as the decoder likes,
/// four times over.
void ldpc(benchmark::State& state, LdpcAlgorithm algorithm) {
  const auto code = LdpcCode::ieee_80211n(1296, LdpcRate::half);
  LdpcDecoder decoder(code, {algorithm, 10, false});
  const auto frames = static_cast<std::size_t>(4 * decoder.lanes()),
             n = static_cast<std::size_t>(code->length());
  const std::vector<float> soft = soft_bits(frames * n, 1.5);
  Bits codewords(frames * n);
  std::vector<LdpcOutcome> outcomes(frames);
  for (auto _ : state) {
    decoder.decode(soft, codewords, outcomes);
    benchmark::DoNotOptimize(codewords.data());
  }
  state.counters["bits"] = benchmark::Counter(static_cast<double>(frames) * code->information(),
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(ldpc, float, LdpcAlgorithm::min_sum);
BENCHMARK_CAPTURE(ldpc, fixed, LdpcAlgorithm::min_sum_fixed);
BENCHMARK_CAPTURE(ldpc, sum_product, LdpcAlgorithm::sum_product);

/// A code block of 5G NR at rate 1/2, ten iterations whatever happens.
void nr_ldpc(benchmark::State& state, NrGraph graph, int message, LdpcAlgorithm algorithm) {
  const NrBlock block = nr_block(graph, message, 2 * message);
  const auto code = semwave::nr_ldpc(block);
  LdpcDecoder decoder(code, {algorithm, 10, false});
  const auto frames = static_cast<std::size_t>(std::max(16, 4 * decoder.lanes())),
             n = static_cast<std::size_t>(code->length()),
             sent = static_cast<std::size_t>(block.sent);
  const std::vector<float> heard = soft_bits(frames * sent, 1.5);
  std::vector<float> soft(frames * n);
  for (std::size_t f = 0; f < frames; ++f)
    nr_collect(block, std::span(heard).subspan(f * sent, sent), std::span(soft).subspan(f * n, n));
  Bits codewords(frames * n);
  std::vector<LdpcOutcome> outcomes(frames);
  for (auto _ : state) {
    decoder.decode(soft, codewords, outcomes);
    benchmark::DoNotOptimize(codewords.data());
  }
  state.counters["bits"] = benchmark::Counter(static_cast<double>(frames) * message,
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(nr_ldpc, bg1_float, NrGraph::first, 8448, LdpcAlgorithm::min_sum);
BENCHMARK_CAPTURE(nr_ldpc, bg1_fixed, NrGraph::first, 8448, LdpcAlgorithm::min_sum_fixed);
BENCHMARK_CAPTURE(nr_ldpc, bg2_float, NrGraph::second, 1000, LdpcAlgorithm::min_sum);
BENCHMARK_CAPTURE(nr_ldpc, bg2_fixed, NrGraph::second, 1000, LdpcAlgorithm::min_sum_fixed);

void polar(benchmark::State& state) {
  const auto code = std::make_shared<const PolarCode>(
      static_cast<int>(state.range(0)) / 2 - crc_11.bits, static_cast<int>(state.range(0)));
  PolarDecoder decoder(code, static_cast<int>(state.range(1)));
  const std::vector<float> soft = soft_bits(static_cast<std::size_t>(code->length()), 3);
  Bits message(static_cast<std::size_t>(code->information()));
  for (auto _ : state) benchmark::DoNotOptimize(decoder.decode(soft, message));
  state.counters["bits"] =
      benchmark::Counter(code->information(), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(polar)->Args({256, 8})->Args({1024, 1})->Args({1024, 8});

constexpr std::size_t symbols = std::size_t{1} << 22;  // 32 MiB of symbols: out of every cache

void demapping(benchmark::State& state) {
  const Modulation modulation = modulation_of(static_cast<int>(state.range(0)));
  Symbols z(symbols);
  for (std::size_t s = 0; s < z.size(); ++s)
    z[s] = {0.3f * static_cast<float>(s % 7) - 0.9f, 0.2f * static_cast<float>(s % 11) - 1.0f};
  std::vector<float> soft(symbols * static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    demap(modulation, z, 0.1, soft);
    benchmark::DoNotOptimize(soft.data());
  }
  state.counters["bytes"] =
      benchmark::Counter(static_cast<double>(z.size() * sizeof z[0] + soft.size() * sizeof soft[0]),
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(demapping)->Arg(4)->Arg(6)->Arg(8);

/// Read and written, as demapping counts them.
void memory_copy(benchmark::State& state) {
  std::vector<float> from(symbols * 2, 1.0f), to(symbols * 2);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size() * sizeof from[0]);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] =
      benchmark::Counter(2.0 * static_cast<double>(from.size() * sizeof from[0]),
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(memory_copy);

}  // namespace
}  // namespace semwave
