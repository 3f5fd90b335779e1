#include "experiment/scenario/known_names.h"

#include "channel/registry.h"
#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "core/data/dataset_kinds.h"
#include "experiment/scenario/scenario.h"
#include "phy/code/channel_code.h"
#include "phy/modulation/modulation.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/router/router.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/gate/gate.h"
#include "transmitter/policy/policy.h"

namespace semwave {

std::vector<KnownNames> known_names() {
  KnownNames sets{"datasets", {}};
  for (const DatasetKind& kind : datasets().all()) sets.names.emplace_back(kind.name, kind.summary);
  return {{"gates", gates().list()},         {"exits", exits().list()},
          {"routers", routers().list()},     {"policies", policies().list()},
          {"channels", channels().list()},   {"equalisers", equalisers().list()},
          {"codes", channel_codes().list()}, {"modulations", modulations().list()},
          {"codecs", image_codecs().list()}, sets,
          {"metrics", metrics().list()},     {"pairs", pairs().list()}};
}

std::vector<KnownNames> known_names(const std::string& what) {
  std::vector<KnownNames> all = known_names();
  if (what.empty()) return all;
  std::vector<std::string> known;
  std::string text;
  for (const KnownNames& one : all) {
    if (one.what == what) return {one};
    known.push_back(one.what);
    text += (text.empty() ? "" : ", ") + one.what;
  }
  const std::string near = nearest(what, known);
  throw Error("semwave list", "nothing is called '" + what + "'" +
                                  (near.empty() ? "" : "; did you mean '" + near + "'?") +
                                  " known: " + text);
}

}  // namespace semwave
