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

using Bits = List<std::uint8_t>;  // one bit an entry, 0 or 1
using Symbols = List<std::complex<float>>;

/// Header of one image, ready to go on air: its parts (a fixed word, then one whose length follows
/// from it).
struct HeaderOnAir {
  List<Bits> parts;
  int format = 0;  // index into header_formats(); chosen by the sender from the SNR it believes in
};

/// The images of one shard, one after another.
struct Burst {
  List<HeaderOnAir> headers;  // [images]
  Var symbols;                // [total, 2] payload I/Q
  List<std::int32_t> starts;  // [images + 1] first payload symbol of each image
  List<std::int32_t>
      places;  // [total] place in the full grid, position x S + symbol; keys the noise
  List<std::int32_t>
      symbols_per_token;  // [images] that many payload symbols in a row are lost together where
                          // tokens are; empty: an image's payload is one piece
  List<Ledger> ledger;    // [images]
  /// Training passes of a digital link only: the quantised features [tokens x S over all images,
  /// 2], which then are taken as read, as the header is; `symbols` is empty.
  Var values;
  List<Bits> told;  // [images] or empty: bits that reach the receiver beside the symbols, for
                    // bounds that no code reaches (phy/bounds/carriage.h)
};

/// The burst as heard. The receiver knows where a frame begins and how
/// long it is; that header and payload stand apart here is the simulator's convenience, and a
/// receiver joins them to find the header.
struct Reception {
  List<Symbols> header_symbols;  // [images] y of the header, before equalisation
  List<Symbols> header_gains;    // [images] h of each header symbol, as the receiver knows it
  List<HeaderOnAir> headers;     // set in training passes only: the header is then taken as read
  Var symbols;                   // [total, 2] y, before equalisation
  Tensor gains;                  // [total, 2] h as the receiver knows it
  Tensor noise_variance;         // [total] N0 of each symbol, the error variance of its gain on top
  List<double> header_noise_variance;  // [images] the same, the largest of the header
  List<std::int32_t> starts;           // [images + 1]
  List<Ledger> ledger;                 // [images]
  List<Bits> told;                     // as in the burst
  List<double> mean_gain;  // [images] mean |h|^2 over all uses of the image, for records
  /// [total] 1 where a symbol did not arrive and this is known (a datagram that is missing); y and
  /// h are 0 there. Empty: everything arrived. The semantic receiver takes a token with any such
  /// symbol for one that was not sent.
  List<std::uint8_t> erased;
  List<std::uint8_t> header_erased;  // [images] 1 where the header did not arrive: the image is
                                     // lost. Empty: every header arrived
  Var values;                        // the burst's, handed over
};

}  // namespace semwave
