// The semantic transmitter: tokenise; per block, gate and exit; map what is left to I/Q symbols of
// unit power.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "channel/trained_range.h"
#include "core/base/pooled_vector.h"
#include "core/nn/layers.h"
#include "core/nn/picture_layers.h"
#include "phy/digital/digital_link.h"
#include "phy/signal/power_scope.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/gate/gate.h"
#include "transmitter/transmitter.h"

namespace semwave {

struct SemanticTransmitterSettings {
  Json gate;                   // for gates()
  Json exit;                   // for exits()
  bool positions_sent = true;  // false: the receiver takes the tokens as a set
  PowerScope power = PowerScope::image;
  std::shared_ptr<const DigitalLink> link{};  // features as bits; none: as I/Q amplitudes
  std::optional<TrainedRange>
      trained{};  // what the networks are told of the channel's state ends there; none: nowhere
};

struct SemanticHeader;

class SemanticTransmitter final : public Transmitter {
 public:
  /// Adds its parameters, prefixed `transmitter.`, to `set`. `place` is that of the transmitter in
  /// the scenario.
  SemanticTransmitter(ParameterSet& set, const Architecture& architecture,
                      const SemanticTransmitterSettings& settings, const Place& place);

  /// Whether the settings fit a network; the constructor does so too. Throws Error at `place`.
  static void check(const SemanticTransmitterSettings& settings, const Architecture& architecture,
                    const Place& place);

  Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                 const PooledVector<Plan>& plans, TransmitTrace* trace) const override;
  std::optional<Forecast> forecast(const ChannelState& state, const Plan& plan,
                                   std::uint32_t image) const override;
  double dense_operations(int height, int width) const override;

 private:
  /// Rows at some depth with the scores they were kept for.
  struct Stream {
    Tokens tokens;
    Var scores;  // [rows, 1] or undefined
  };
  /// Whether tokens may be dropped after `depth` blocks: at the gate's places, and where an image
  /// leaves that has not reached the last of them.
  bool gates_at(int depth, bool leaves) const;
  /// How many tokens then stay. A keep ratio holds for what is sent: who leaves early is gated at
  /// its exit.
  int asked_at(int depth, bool leaves, double keep_ratio, int tokens /*of the image*/) const;
  Tokens tokenise(Pass& pass, const Tensor& images) const;
  double tokenising_operations(const Grid& grid) const;
  Var condition(Pass& pass, const PooledVector<ChannelState>& states,
                const PooledVector<Plan>& plans, const Grid& grid) const;
  Stream select(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                const PooledVector<Plan>& plans, const Var& condition, const Grid& grid,
                TransmitTrace& trace) const;
  /// The head behind block `depth` for the images of `asked` that have tokens; nothing is computed
  /// for the others.
  ExitLogits ask(Pass& pass, const Tokens& tokens, int depth,
                 const PooledVector<std::uint8_t>& asked, const Var& condition) const;
  void gate(Pass& pass, Stream& stream, int depth, const PooledVector<std::uint8_t>& needs,
            const PooledVector<int>& k, const Var& condition, const Grid& grid,
            TransmitTrace& trace) const;
  void check(const PooledVector<Plan>& plans) const;
  /// Logits of the images a rule asks about, by image; what `trace` wants besides goes there.
  PooledVector<float> hear(Pass& pass, const Tokens& tokens, int depth,
                           const PooledVector<std::uint8_t>& inside,
                           const PooledVector<Plan>& plans, const Var& condition,
                           TransmitTrace& trace, PooledVector<std::int32_t>& place) const;
  /// Bits instead of amplitudes: the features of unit power, quantised and coded, take the place of
  /// the burst's symbols.
  void send_digitally(Pass& pass, const Var& features, Burst& burst,
                      const PooledVector<SemanticHeader>& headers, double hardness) const;
  static Stream take(Pass& pass, const Stream& stream, const PooledVector<std::uint8_t>& images);
  static Stream merge(Pass& pass, const PooledVector<Stream>& parts, int images);

  Architecture architecture_;
  SemanticTransmitterSettings settings_;
  Place place_;
  std::vector<int> gate_depths_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<ExitRule> exit_;
  std::optional<Tokeniser> tokeniser_;                 // of images of one size
  std::optional<PictureTokeniser> picture_tokeniser_;  // of any
  Condition condition_;
  std::vector<Block> blocks_;
  std::vector<ClassHead> exit_heads_;  // behind each block; none where the architecture has none
  LayerNorm norm_;
  Linear mapper_;
};

}  // namespace semwave
