#include "apps/profile.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace semwave {

std::string profile_text(std::span<const ProfilingBackend::Line> lines, double thread_seconds) {
  double kernels = 0, products = 0;
  std::string text = fmt::format("#\n# {:32} {:>10} {:>10} {:>7} {:>10} {:>9}\n", "kernel", "calls",
                                 "seconds", "share", "GFLOP", "GFLOP/s");
  const auto share = [&](double seconds) {
    return thread_seconds > 0 ? 100 * seconds / thread_seconds : 0.0;
  };
  for (const ProfilingBackend::Line& line : lines) {
    kernels += line.seconds;
    if (line.product) products += line.seconds;
    text += fmt::format("# {:32} {:>10} {:>10.4f} {:>6.1f}%", line.kernel, line.calls, line.seconds,
                        share(line.seconds));
    text += line.operations > 0 ? fmt::format(" {:>10.3f} {:>9.1f}\n", line.operations * 1e-9,
                                              line.operations / std::max(1e-9, line.seconds) * 1e-9)
                                : "\n";
  }
  const double elsewhere = std::max(0.0, thread_seconds - kernels);
  text +=
      fmt::format("# {:32} {:>10} {:>10.4f} {:>6.1f}%   headers, channel, plans, lists, waiting\n",
                  "outside kernels", "", elsewhere, share(elsewhere));
  text += fmt::format("# {:32} {:>10} {:>10.4f} {:>6.1f}%\n", "not in products", "",
                      thread_seconds - products, share(thread_seconds - products));
  return text +
         "# seconds are those of all threads together; products: linear and its backward kernels\n";
}

}  // namespace semwave
