// The hearing end: reads the header, equalises, demaps, mixes experts, answers with a class and,
// where positions came, an image.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"
#include "phy/burst/burst.h"
#include "receiver/router/router.h"

namespace semwave {

struct Result {
  Var logits;  // [images, classes]; where the header was lost: meaningless; where it answers: zeros
  Var patches;  // [rebuilt images x grid, patch values (channel, row, column)]; undefined where
                // none is rebuilt
  PooledVector<float> images;  // [rebuilt images, H, W, C] in [0, 1], from a receiver that decodes
                               // whole images; `patches` is undefined then
  Var pictures;  // [rebuilt images, H, W, C] in [0, 1], of a network that makes whole images;
                 // `patches` and `images` hold nothing then
  PooledVector<std::int32_t> rebuilt;  // which images `patches`, `images` or `pictures` holds, in
                                       // order
  PooledVector<std::uint8_t> lost;     // [images] no answer: header lost, or what is below
  PooledVector<std::uint8_t>
      block_lost;  // [images] or empty: the header was read, the bits behind it were not
  PooledVector<std::int32_t>
      tokens_lost;  // [images] sent, and known not to have arrived; empty: none anywhere
  PooledVector<std::int32_t> answers;      // [images] or empty: the class that the header itself
                                           // says; -1: none
  PooledVector<std::int64_t> expert_rows;  // [experts] rows dispatched, all blocks together
  PooledVector<RoutedBlock> routed;        // [blocks] of a recording pass, for the balance losses
};

/// The class of each image: what the network says, or the header where it answers; -1 where the
/// header was lost.
PooledVector<std::int32_t> decisions(Backend& backend, const Result& result);

class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual Result receive(Pass& pass, const Reception& heard) const = 0;
  /// The answer for a lost image: the mean training image, [H, W, C] in [0, 1]; or its mean colour
  /// alone, [C], where images may have any size.
  virtual std::vector<float> mean_image() const = 0;
  /// Operations of one image whose header is read as this one says, as the pass counts them; null:
  /// its header is lost.
  virtual double operations(const HeaderOnAir* header) const = 0;
  /// Whether a header is read that was heard so, its payload left out.
  virtual bool reads(std::span<const std::complex<float>> symbols,
                     std::span<const std::complex<float>> gains, double noise_variance) const = 0;
  /// After a training step, with the totals of its batch: what no gradient teaches changes here.
  virtual void after_step(const BatchStatistics& /*statistics*/) const {}
  /// Operations of one image with every token sent, at the largest rate, every expert evaluated.
  /// Its size matters where any size goes through.
  virtual double dense_operations(int height, int width) const = 0;
};

}  // namespace semwave
