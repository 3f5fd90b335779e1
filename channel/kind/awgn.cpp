// White Gaussian noise, which every kind of the usual shape has.
#include "channel/registry.h"

namespace semwave {

void add_awgn(ChannelKinds& kinds) {
  kinds.add({.name = "awgn",
             .summary = "white Gaussian noise of variance N0 per complex symbol",
             .read = [](const Json&, ChannelSettings&) {}});
}

}  // namespace semwave
