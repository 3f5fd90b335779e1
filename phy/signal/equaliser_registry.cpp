// The entries.
#include "phy/signal/equaliser_registry.h"

namespace semwave {

Registry<Equaliser>& equalisers() {
  static Registry<Equaliser> registry = [] {
    Registry<Equaliser> all("equaliser");
    all.add("zf", {.summary = "y/h: unbiased, noise grows as the gain falls"},
            [](const Json&) { return Equaliser::zero_forcing; });
    all.add("mmse",
            {.summary = "conj(h) y/(|h|^2 + N0): least mean squared error, biased towards zero"},
            [](const Json&) { return Equaliser::mmse; });
    return all;
  }();
  return registry;
}

}  // namespace semwave
