// A burst as it goes on air: one sequence of complex symbols per image, what a radio or a recorder
// wants.
#pragma once

#include "phy/burst/burst.h"

namespace semwave {

class Backend;

/// Header, then payload, of one image; a symbol a use. Pilots and prefixes, which the channel adds,
/// are not in it.
Symbols serialise(const Backend& backend, const Burst& burst, int image);

}  // namespace semwave
