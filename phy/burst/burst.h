// What leaves the antenna and what is heard. A burst knows no fields: each transmitter/receiver
// pair lays out its own header (phy/header/semantic_header.h), phy/header/header_codec.h turns
// header bits into symbols and back.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/tape.h"
#include "phy/burst/ledger.h"

namespace semwave {

using Bits = PooledVector<std::uint8_t>;  // one bit an entry, 0 or 1
using Symbols = PooledVector<std::complex<float>>;

/// Header of one image, ready to go on air: its parts (a fixed word, then one whose length follows
/// from it).
struct HeaderOnAir {
  PooledVector<Bits> parts;
  int format = 0;  // index into header_formats(); chosen by the sender from the SNR it believes in
};

/// The images of one shard, one after another.
struct Burst {
  PooledVector<HeaderOnAir> headers;  // [images]
  Var symbols;                        // [total, 2] payload I/Q
  PooledVector<std::int32_t> starts;  // [images + 1] first payload symbol of each image
  PooledVector<std::int32_t>
      places;  // [total] place in the full grid, position x S + symbol; keys the noise
  PooledVector<std::int32_t>
      symbols_per_token;  // [images] that many payload symbols in a row are lost together where
                          // tokens are; empty: an image's payload is one piece
  PooledVector<Ledger> ledger;  // [images]
  /// Training passes of a digital link only: the quantised features [tokens x S over all images,
  /// 2], which then are taken as read, as the header is; `symbols` is empty.
  Var values;
  PooledVector<Bits> told;  // [images] or empty: bits that reach the receiver beside the symbols,
                            // for bounds that no code reaches (phy/bounds/transport_model.h)
};

/// The burst as heard. The receiver knows where a frame begins and how
/// long it is; that header and payload stand apart here is the simulator's convenience, and a
/// receiver joins them to find the header.
struct Reception {
  PooledVector<Symbols> header_symbols;  // [images] y of the header, before equalisation
  PooledVector<Symbols> header_gains;  // [images] h of each header symbol, as the receiver knows it
  PooledVector<HeaderOnAir>
      headers;            // set in training passes only: the header is then taken as read
  Var symbols;            // [total, 2] y, before equalisation
  Tensor gains;           // [total, 2] h as the receiver knows it
  Tensor noise_variance;  // [total] N0 of each symbol, the error variance of its gain on top
  PooledVector<double> header_noise_variance;  // [images] the same, the largest of the header
  PooledVector<std::int32_t> starts;           // [images + 1]
  PooledVector<Ledger> ledger;                 // [images]
  PooledVector<Bits> told;                     // as in the burst
  PooledVector<double> mean_gain;  // [images] mean |h|^2 over all uses of the image, for records
  /// [total] 1 where a symbol did not arrive and this is known (a datagram that is missing); y and
  /// h are 0 there. Empty: everything arrived. The semantic receiver takes a token with any such
  /// symbol for one that was not sent.
  PooledVector<std::uint8_t> erased;
  PooledVector<std::uint8_t> header_erased;  // [images] 1 where the header did not arrive: the
                                             // image is lost. Empty: every header arrived
  Var values;                                // the burst's, handed over
};

}  // namespace semwave
