// Loss of whole tokens or packets, with or without memory. What is lost is known to be lost, as a
// missing datagram is.
//
// Gilbert (1960) and Elliott (1963): a chain of two states steps once for each token or packet in
// the order of sending; a unit sent in a state is lost with that state's probability. Each burst
// begins in the stationary law and draws for itself.
#pragma once

#include <cstdint>

#include "core/tensor/pass.h"

namespace semwave {

enum class LossUnit : std::uint8_t { token, packet };

struct LossLaw {
  double loss_good = 0, loss_bad = 1;
  double good_to_bad = 0,
         bad_to_good = 1;  // probabilities a unit; 0 and 1: no memory, loss_good alone
  LossUnit unit = LossUnit::token;
  std::int64_t packet_uses = 32;  // payload symbols a packet, counted from the burst's first (the
                                  // header's, where that can be lost)
  bool header_too = false;  // the header travels like the rest, before it; otherwise over a control
                            // link that loses nothing

  double share_bad() const {
    return good_to_bad > 0 ? good_to_bad / (good_to_bad + bad_to_good) : 0;
  }
};

/// The units of one burst, one after the other.
class LossWalk {
 public:
  LossWalk(const LossLaw& law, const Draws& draws, int image)
      : law_(law), draws_(draws), image_(draws.images[static_cast<std::size_t>(image)]) {}
  /// Whether the next unit is lost.
  bool next();
  bool bad() const { return bad_; }  // the state that the last unit was sent in

 private:
  const LossLaw& law_;
  const Draws& draws_;
  std::uint32_t image_, unit_ = 0;
  bool bad_ = false;
};

}  // namespace semwave
