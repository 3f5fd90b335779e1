// A pair: a transmitter and the receiver that understands it. One class says everything about a
// pair that the rest of the program asks: how its ends are made, what it can and cannot do, what it
// notes of each image, and what a peer may claim of it. How to add one: docs/extending/pair.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/channel.h"
#include "core/config/ordered_json.h"
#include "core/config/registry.h"
#include "core/numerics.h"
#include "core/tensor/tensor.h"
#include "experiment/metric/metric.h"
#include "experiment/pair/model.h"
#include "experiment/record/image_record.h"
#include "phy/signal/power_scope.h"

namespace semwave {

struct SemanticSettings;  // experiment/pair/semantic_settings.h

/// What a scenario says beside the pair's own keys. All of it outlives the call it is given to.
struct PairContext {
  const ChannelSettings& channel;
  PowerScope power = PowerScope::image;
  std::optional<std::array<int, 3>> image{};  // height, width, channels, where no network looks at
                                              // the images
  std::optional<TrainedRange> trained{};      // of the checkpoint
  Place place{};                              // of the scenario's root
};

/// The peer of a node says so much of one burst that its header does not.
struct BurstClaim {
  std::int64_t symbols = 0;        // of the payload
  bool header = true;              // it has one
  std::int64_t lost_together = 0;  // payload symbols that a simulated channel loses as one
  std::int64_t told_bits = 0;      // that reach the receiver beside the symbols
};

/// Sums of a pair's own over the images of a point, in their order.
class PairTotals {
 public:
  virtual ~PairTotals() = default;
  virtual void add(const ImageRecord& image) = 0;
  /// Adds the pair's columns to the row of a point of so many images.
  virtual void add_to(OrderedJson& row, std::int64_t images) const = 0;
};

/// Immutable; used by many threads at once.
class Pair {
 public:
  virtual ~Pair() = default;

  // How its ends are made.

  /// Adds the pair's parameters to `model.parameters`, and makes `transmitter` and `receiver`; sets
  /// `rebuilds`, and `classifier` where it has one. `model.architecture` is there.
  virtual void build(const PairContext& context, Model& model) const = 0;
  /// The parts of the code and the tables whose change changes a result (core/numerics.h). `runs`:
  /// networks are really run.
  virtual std::vector<Component> components(const PairContext& context, DeviceKind device,
                                            bool runs) const = 0;
  /// Numbers that a checkpoint holds at least, for the architecture in its metadata.
  virtual double least_parameters(const Architecture& architecture) const = 0;

  /// Why no network of this shape serves it, as a sentence that follows its place; empty: it does.
  virtual std::string refusal(const Architecture& architecture) const;

  // What it can do. Checks throw Error at the place of the key that does not go with it.

  /// Its gates, exits and policy, and what else plans are about; null: plans mean nothing to it.
  virtual const SemanticSettings* semantic() const { return nullptr; }
  virtual void check(const PairContext& /*context*/) const {}
  /// With the `train` of a scenario; `place` is that of the key.
  virtual void check_training(const Json& train, const Place& place) const = 0;
  /// Over a channel that flips bits and carries QPSK alone, by its name; `root` is the scenario.
  virtual void check_qpsk_alone(const Place& root, const std::string& channel) const = 0;
  /// Whether images go through it without any network: "model": {"image": [...]}.
  virtual bool works_without_network() const { return false; }
  /// Whether its checkpoint is a classifier of whole images.
  virtual bool classifies_whole_images() const { return false; }
  /// Whether images come out at all; a label is none.
  virtual bool rebuilds_images() const { return true; }
  /// Whether a class comes out.
  virtual bool decides() const { return true; }
  /// Whether images of any size go through it, not only those of the architecture, where the
  /// network is made for that. Each is a shard of its own then.
  virtual bool may_take_any_size() const { return false; }
  bool takes_any_size(const Architecture& architecture) const {
    return may_take_any_size() && architecture.any_size();
  }
  /// Pixels that each side of an image has at least, where any size goes through.
  virtual int least_side(const Architecture& /*architecture*/) const { return 1; }
  /// Why what it sends cannot be known without looking at the image; empty: it can.
  virtual std::string looks_at_images() const { return {}; }
  /// Whether chance on the way decides what its receiver has to work on: lost code blocks.
  virtual bool chance_at_receiver() const { return false; }
  /// Whether its payload has parity.
  virtual bool sends_parity() const { return false; }

  // What it notes of each image (SentHalf::notes).

  virtual std::unique_ptr<PairTotals> totals() const { return nullptr; }
  virtual void add_to_record(OrderedJson& /*line*/, const ImageRecord& /*image*/) const {}
  /// Columns of the printed table.
  virtual std::vector<ScoreColumn> columns() const { return {}; }

  // What a peer may claim; the first thing that cannot be, in words, or empty.

  /// Payload symbols of one burst, at most.
  virtual std::int64_t most_symbols(const PairContext& context,
                                    const Architecture& architecture) const = 0;
  /// By default a burst has a header and is lost as a whole, and nothing is noted of an image.
  virtual std::string fault_of(const BurstClaim& claim, const Architecture& architecture) const;
  virtual std::string fault_of(const SentHalf& sent, const Architecture& architecture) const;
  virtual std::int64_t most_tokens(const Architecture& /*architecture*/) const { return 0; }
  /// Whether bits reach its receiver beside the symbols, as bounds need it.
  virtual bool tells() const { return false; }
};

/// Throws Error at `place` where a network of this shape does not serve the pair.
void check_shape(const Pair& pair, const Architecture& architecture, const Place& place);

/// "tokens 9 is not within 0 to 4".
std::string outside(const std::string& what, double value, double from, double to);
/// Empty where all are -1: nothing is noted.
std::string fault_of_notes(const PairNotes& notes);

/// What a pair is made from, beside its own keys of `transmitter`.
struct PairInput {
  const Json& receiver;  // resolved
  Place root;            // of the scenario
};

/// semantic, separation, label, deepjscc, and what a program added: kinds of `transmitter`.
using PairRegistry = Registry<std::shared_ptr<const Pair>, const PairInput&>;
PairRegistry& pairs();

}  // namespace semwave
