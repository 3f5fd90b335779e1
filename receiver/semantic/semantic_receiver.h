// The semantic receiver: header, equaliser, demapper, blocks of experts, class head and image head.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "channel/trained_range.h"
#include "core/base/pooled_vector.h"
#include "core/nn/layers.h"
#include "core/nn/picture_layers.h"
#include "phy/digital/digital_link.h"
#include "phy/header/semantic_header.h"
#include "phy/signal/signal.h"
#include "receiver/receiver.h"
#include "receiver/router/router.h"
#include "receiver/semantic/expert_block.h"

namespace semwave {

struct SemanticReceiverSettings {
  Equaliser equaliser = Equaliser::mmse;
  Json router;                                // for routers()
  std::shared_ptr<const DigitalLink> link{};  // as the transmitter's; none: analogue
  std::optional<TrainedRange>
      trained{};  // what the networks are told of the channel's state ends there; none: nowhere
};

class SemanticReceiver final : public Receiver {
 public:
  /// Adds its parameters, prefixed `receiver.`, to `set`. `place` is that of the receiver in the
  /// scenario.
  SemanticReceiver(ParameterSet& set, const Architecture& architecture,
                   const SemanticReceiverSettings& settings, const Place& place);

  /// Whether the settings fit a network; the constructor does so too. Throws Error at `place`.
  static void check(const SemanticReceiverSettings& settings, const Architecture& architecture,
                    const Place& place);

  /// Where pictures have any size their headers say it. Those of one shard have one: that of the
  /// architecture, if any has it, or that of the first. A picture of another is lost, and so is one
  /// without a single token.
  Result receive(Pass& pass, const Reception& heard) const override;
  /// The same, with the headers as they were read; null: nobody asks.
  Result receive(Pass& pass, const Reception& heard, PooledVector<SemanticHeader>* headers) const;
  std::vector<float> mean_image() const override;
  /// A lost picture is taken to have the architecture's size.
  double operations(const HeaderOnAir* header) const override;
  bool reads(std::span<const std::complex<float>> symbols,
             std::span<const std::complex<float>> gains, double noise_variance) const override;
  double dense_operations(int height, int width) const override;
  void after_step(const BatchStatistics& statistics) const override;

 private:
  /// A result in the making.
  struct Work : Result {
    PooledVector<SemanticHeader> headers;  // [images] as read
    PictureSize size;                      // of all images that are not lost
    Grid grid() const { return {size.grid_height, size.grid_width}; }
  };
  PictureSize own_size() const;
  /// Settles the size of the shard, and loses what has another.
  void agree_on_size(Work& work) const;
  Var rebuild(Pass& pass, const Tokens& x, const Var& condition,
              PooledVector<std::int32_t> rows /*of images that are rebuilt*/,
              const Work& work) const;
  Work work_on(Pass& pass, const Reception& heard) const;
  /// What the headers say about the rows of the shard.
  struct Frame {
    RaggedPtr sent;  // rows as sent, without tokens that did not arrive; positions are those of the
                     // header, or 0.. for a set
    PooledVector<std::int32_t>
        symbol;                 // [rows x widest] payload symbol behind each, -1 beyond the rate
    PooledVector<float> noise;  // [rows] log10 noise variance of a token, mean over its symbols
    PooledVector<float> image_noise;     // [images] the same over the image
    PooledVector<std::uint8_t> rebuild;  // [images] positions came and there is an image head
  };
  /// The features of the tokens as the channel has left them.
  struct Features {
    Var symbols;                        // [total, 2]
    PooledVector<float> variance;       // [total] of their error
    PooledVector<std::int32_t> starts;  // [images] first symbol of each image
    PooledVector<std::uint8_t> erased;  // [total] 1 where a symbol did not arrive, which takes its
                                        // token along; empty: everything arrived
  };
  void read_headers(const Pass& pass, const Reception& heard, Work& result) const;
  Features hear(Pass& pass, const Reception& heard, const Work& result) const;
  /// Blocks of bits back to features; what a lost code block had a bit of is erased.
  Features decode(Pass& pass, const Reception& heard, const Work& result) const;
  Frame frame(const Features& features, Work& result) const;
  /// What the networks are told of an error variance: its log10, of one that they know.
  float log_noise(double variance) const;
  /// Rows for the blocks: demapped tokens with their places; a rebuilt image has its whole grid,
  /// what was not sent filled in.
  Tokens place_tokens(Pass& pass, const Var& demapped, Frame& frame, const Work& result,
                      Var& noise) const;

  /// All but the blocks: `tokens` were sent, `rows` go through the heads.
  double network_operations(double tokens, double rows, bool rebuilds, const Grid& grid) const;

  Backend& backend_;  // of the parameters
  Architecture architecture_;
  SemanticReceiverSettings settings_;
  std::unique_ptr<Router> router_;  // none with one expert
  Condition condition_;
  Linear demap_in_, demap_out_;
  const Parameter* position_;    // [grid + 1, dim]; the last row stands for an unknown place; null
                                 // where pictures have any size
  const Parameter* missing_;     // [1, dim] what fills a token that was not sent
  const Parameter* mean_image_;  // [H W C], or [C] where pictures have any size; not trained
  std::vector<ExpertBlock> blocks_;
  ClassHead class_head_;
  std::unique_ptr<LayerNorm> image_norm_;
  std::unique_ptr<Linear> image_in_, image_out_;  // of images of one size
  std::unique_ptr<PictureHead> picture_head_;     // of any
};

}  // namespace semwave
