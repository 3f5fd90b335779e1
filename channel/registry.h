// What a scenario may name as its channel. A kind of channel is one file in channel/kind/, or one
// in a project outside of the tree: docs/extending/channel.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channel/channel_settings.h"
#include "core/config/registry.h"

namespace semwave {

/// Where a kind stands in a chain; kinds of a chain follow each other in this order.
enum class ChainPlace : std::uint8_t {
  fading,       // first, at most one
  disturbance,  // each kind once
  loss,         // last, at most one
};

/// A kind of channel of the usual shape: beside its own keys it has snr_db, csi and interference.
struct ChannelKind {
  std::string name, summary;
  std::vector<Field> fields{};  // its own keys
  /// Reads its own keys, checked and filled with their defaults, into the parts of `channel`, which
  /// holds what was read before: SNR, noise, interference and, in a chain, the kinds before it. A
  /// mistake is a PartError at "/KEY".
  std::function<void(const Json& parameters, ChannelSettings& channel)> read;
  std::optional<ChainPlace> chain{};  // none: it stands by itself alone
  bool may_be_noiseless = false;      // by itself it has the key `noiseless`
  /// What csi and its own keys say about each other; may be empty.
  std::function<void(const ChannelSettings& channel)> check{};
};

class ChannelKinds : public Registry<ChannelSettings> {
 public:
  ChannelKinds();
  ChannelKinds(const ChannelKinds&) = delete;
  ChannelKinds& operator=(const ChannelKinds&) = delete;

  using Registry::add;  // of any shape: all its fields, and the whole channel from JSON
  void add(ChannelKind kind);

  /// Element of the list `of`: any kind that may stand in a chain, with its own keys. It holds
  /// those that join later, too.
  std::shared_ptr<const Field> chained() const { return chained_; }
  /// The kind of that name, which may stand in a chain.
  const ChannelKind& chained(const std::string& name) const;

 private:
  std::shared_ptr<Field> chained_;
  std::vector<ChannelKind> in_chains_;
};

/// The kinds in the order of `semwave list channels`. A project outside of the tree adds its own
/// before the program reads its command line; not thread-safe until then.
ChannelKinds& channels();

}  // namespace semwave
