// Complex AWGN on one thread: y = x + n over blocks of symbols, noise drawn by counter and added in
// one pass. Where Debian's IT++ was found when this was built, its AWGN_Channel on the same blocks.
//
//   awgn --serve     answers lines "semwave|itpp SYMBOLS REPETITIONS" with a line of JSON: the
//   seconds of each repetition awgn             prints the rate of each once
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/cpu/complex_normals.h"
#include "core/random/random.h"

#if defined(SEMWAVE_ITPP)
#include <itpp/comm/channel.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;
constexpr double noise_variance = 0.1;

template <class Work>
std::vector<double> seconds_of(int repetitions, Work&& work) {
  std::vector<double> seconds;
  for (int r = 0; r < repetitions; ++r) {
    const auto start = Clock::now();
    work(r);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return seconds;
}

/// Keeps a result from being computed away.
template <class T>
void keep(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

std::vector<double> semwave_link(std::size_t symbols, int repetitions) {
  const std::vector<std::complex<float>> x(symbols, {0.6f, -0.8f});
  std::vector<std::complex<float>> y(symbols);
  return seconds_of(repetitions, [&](int r) {
    semwave::add_complex_normals(y, x, 0, 1, semwave::Purpose::noise, static_cast<std::uint32_t>(r),
                                 0, static_cast<float>(std::sqrt(noise_variance)));
    keep(y[0]);
  });
}

#if defined(SEMWAVE_ITPP)
std::vector<double> itpp_link(std::size_t symbols, int repetitions) {
  itpp::cvec x(static_cast<int>(symbols));
  x = std::complex<double>(0.6, -0.8);
  itpp::AWGN_Channel channel(noise_variance);
  return seconds_of(repetitions, [&](int) {
    itpp::cvec y = channel(x);
    keep(y[0]);
  });
}
#endif

std::string answer(const std::string& line) {
  std::istringstream words(line);
  std::string who;
  std::size_t symbols = 0;
  int repetitions = 0;
  if (!(words >> who >> symbols >> repetitions) || symbols < 1 ||
      symbols > (std::size_t{1} << 26) || repetitions < 1)
    return R"({"error": "expected: semwave|itpp SYMBOLS REPETITIONS"})";
  std::vector<double> seconds;
  if (who == "semwave") seconds = semwave_link(symbols, repetitions);
#if defined(SEMWAVE_ITPP)
  if (who == "itpp") seconds = itpp_link(symbols, repetitions);
#endif
  if (seconds.empty()) return fmt::format(R"({{"error": "{} is not part of this build"}})", who);
  std::string list;
  for (const double second : seconds)
    list += fmt::format("{}{:.9f}", list.empty() ? "" : ", ", second);
  return fmt::format(R"({{"seconds": [{}]}})", list);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string(arguments[1]) == "--serve") {
    for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
    return 0;
  }
  for (const char* who : {"semwave", "itpp"})
    fmt::print("{}: {}\n", who, answer(std::string(who) + " 65536 20"));
  return 0;
}
