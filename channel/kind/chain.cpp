// Kinds one after the other: a fading, then disturbances, then losses. Noise, interference and what
// each end knows are the chain's own keys.
#include <algorithm>

#include "channel/channel_fields.h"
#include "channel/registry.h"
#include "core/base/error.h"

namespace semwave {
namespace {

constexpr int most_kinds = 8;  // of a chain

const char* name_of(ChainPlace place) {
  switch (place) {
    case ChainPlace::fading:
      return "fading";
    case ChainPlace::disturbance:
      return "a disturbance";
    case ChainPlace::loss:
      return "a loss";
  }
  return "";
}

/// Whether `kind` may follow the kinds `before`.
void check_order(const std::vector<const ChannelKind*>& before, const ChannelKind& kind) {
  if (before.empty()) return;
  for (const ChannelKind* earlier : before)
    if (earlier->name == kind.name) throw PartError("/kind", "'" + kind.name + "' stands twice");

  const ChannelKind& last = *before.back();
  if (*kind.chain < *last.chain)
    throw PartError("/kind", "'" + kind.name + "' is " + name_of(*kind.chain) +
                                 " and cannot follow '" + last.name + "', " + name_of(*last.chain) +
                                 ": a fading comes first, then disturbances, losses last");
  if (kind.chain == last.chain && kind.chain != ChainPlace::disturbance)
    throw PartError("/kind", "'" + kind.name + "' and '" + last.name + "' are both " +
                                 name_of(*kind.chain) + ": a chain has one at most");
}

ChannelSettings read_chain(const ChannelKinds& kinds, const Json& parameters) {
  ChannelSettings channel = read_noise(parameters);
  std::vector<const ChannelKind*> before;
  const Json& of = parameters.at("of");
  for (std::size_t i = 0; i < of.size(); ++i) {
    const ChannelKind& kind = kinds.chained(of[i].at("kind").get<std::string>());
    try {
      check_order(before, kind);
      kind.read(of[i], channel);
    } catch (const PartError& problem) {
      throw PartError("/of/" + std::to_string(i) + problem.below(), problem.message());
    }
    before.push_back(&kind);
  }

  read_csi(parameters, channel);
  for (const ChannelKind* kind : before)
    if (kind->check) kind->check(channel);
  return channel;
}

}  // namespace

void add_chain(ChannelKinds& kinds) {
  const Field of{.name = "of",
                 .type = FieldType::list,
                 .summary =
                     "kinds with their own keys, in the order in which a signal meets them: "
                     "a fading, then disturbances, then a loss",
                 .minimum = 1,
                 .maximum = most_kinds,
                 .element = kinds.chained()};
  kinds.add("chain",
            {.summary = "several kinds one after the other, as fading, impulses and lost packets; "
                        "then white Gaussian noise",
             .fields = {snr_field(), of, csi_field(), interference_field()}},
            [&kinds](const Json& parameters) { return read_chain(kinds, parameters); });
}

}  // namespace semwave
