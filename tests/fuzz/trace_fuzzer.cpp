// Any text as a trace: an Error, or links and slots that are all there, every value within its
// bounds.
#include <cmath>
#include <cstdint>

#include "channel/fading/trace.h"
#include "core/base/error.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  for (const bool normalise : {false, true}) {
    try {
      const auto trace = semwave::Trace::parse(text, "x.csv", normalise);
      require(trace->links() >= 1 && trace->slots() >= 1 &&
                  trace->links() * trace->slots() <= static_cast<std::int64_t>(bytes),
              "an entry takes more than a byte");
      double power = 0;
      for (std::int64_t link = 0; link < trace->links(); ++link)
        for (std::int64_t slot = 0; slot < trace->slots(); ++slot) {
          const auto l = static_cast<std::uint32_t>(link), s = static_cast<std::uint32_t>(slot);
          if (trace->has_gains()) {
            const std::complex<double> gain = trace->gain(l, true, s, static_cast<int>(s));
            require(std::isfinite(gain.real()) && std::isfinite(gain.imag()), "a gain is finite");
            require(normalise || (std::abs(gain.real()) <= semwave::trace_largest_gain &&
                                  std::abs(gain.imag()) <= semwave::trace_largest_gain),
                    "a value is bounded");
            power += std::norm(trace->gain(l, true, s));
          } else {
            require(std::abs(trace->snr_db(l, true, s)) <= semwave::trace_largest_snr_db,
                    "a value is bounded");
          }
        }
      if (trace->has_gains() && normalise)
        require(std::abs(power / static_cast<double>(trace->links() * trace->slots()) - 1) < 1e-6,
                "normalised gains have mean power 1");
    } catch (const semwave::Error&) {
    }
  }
  return 0;
}
