#include "channel/impairment/loss.h"

#include "core/random/random.h"

namespace semwave {

bool LossWalk::next() {
  const RandomWords words = philox(draws_.seed, Purpose::loss, image_, draws_.visit, unit_);
  const double moves = uniform(words[0]);
  if (unit_ == 0)
    bad_ = moves < law_.share_bad();
  else
    bad_ = bad_ ? moves >= law_.bad_to_good : moves < law_.good_to_bad;
  ++unit_;
  return uniform(words[1]) < (bad_ ? law_.loss_bad : law_.loss_good);
}

}  // namespace semwave
