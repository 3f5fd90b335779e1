#include "channel/registry.h"

#include "channel/channel_fields.h"

// The kinds of channel: NAME stands in channel/kind/NAME.cpp.
#define SEMWAVE_CHANNEL_KINDS(KIND) \
  KIND(ideal)                       \
  KIND(awgn)                        \
  KIND(rayleigh)                    \
  KIND(rician)                      \
  KIND(nakagami)                    \
  KIND(mimo)                        \
  KIND(tdl)                         \
  KIND(erasure)                     \
  KIND(gilbert_elliott)             \
  KIND(bsc)                         \
  KIND(impulsive)                   \
  KIND(phase_noise)                 \
  KIND(trace)                       \
  KIND(chain)

namespace semwave {

#define SEMWAVE_DECLARE(name) void add_##name(ChannelKinds& kinds);
SEMWAVE_CHANNEL_KINDS(SEMWAVE_DECLARE)
#undef SEMWAVE_DECLARE

ChannelKinds::ChannelKinds() : Registry("channel") {
  chained_ = std::make_shared<Field>(
      Field{.name = "of", .type = FieldType::variant, .summary = "a kind of channel"});
#define SEMWAVE_ADD(name) add_##name(*this);
  SEMWAVE_CHANNEL_KINDS(SEMWAVE_ADD)
#undef SEMWAVE_ADD
}

void ChannelKinds::add(ChannelKind kind) {
  std::vector<Field> fields{snr_field()};
  fields.insert(fields.end(), kind.fields.begin(), kind.fields.end());
  if (kind.may_be_noiseless) fields.push_back(noiseless_field());
  fields.push_back(csi_field());
  fields.push_back(interference_field());

  add(kind.name, {.summary = kind.summary, .fields = std::move(fields)},
      [kind](const Json& parameters) {
        ChannelSettings channel = read_noise(parameters);
        kind.read(parameters, channel);
        read_csi(parameters, channel);
        if (kind.check) kind.check(channel);
        return channel;
      });
  if (!kind.chain) return;
  chained_->kinds.emplace_back(kind.name, std::make_shared<const Fields>(Fields{
                                              .summary = kind.summary, .fields = kind.fields}));
  in_chains_.push_back(std::move(kind));
}

const ChannelKind& ChannelKinds::chained(const std::string& name) const {
  for (const ChannelKind& kind : in_chains_)
    if (kind.name == name) return kind;
  throw Error("channel/registry", "'" + name + "' stands in no chain");
}

ChannelKinds& channels() {
  static ChannelKinds kinds;
  return kinds;
}

}  // namespace semwave
