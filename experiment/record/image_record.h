// What is known of one image once it was sent and answered: a line of records.jsonl, and what nodes
// tell each other. Each end knows a half; the other fields say when and where it was.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "experiment/metric/metric.h"
#include "phy/burst/ledger.h"
#include "transmitter/transmitter.h"

namespace semwave {

/// What a record holds of each metric that needs the image, in the order of image_metrics(); NaN:
/// no score.
using Scores = std::array<double, most_image_metrics>;
inline Scores no_scores() {
  Scores none;
  none.fill(std::numeric_limits<double>::quiet_NaN());
  return none;
}

/// What the transmitter knows of an image.
struct SentHalf {
  std::int32_t label = 0;  // -1: not known
  double keep_ratio = 0;
  std::int32_t plan_depth = 0, exit_depth = 0;  // deepest allowed, where it left
  std::int32_t symbols_per_token = 0, tokens = 0;
  double believed_snr_db = 0;
  bool answered = false;       // decided at the transmitter: its class went in the header
  PairNotes notes = no_notes;  // what its pair notes of it
};

/// What the receiver knows of it.
struct HeardHalf {
  std::int32_t decision = -1;  // -1: header lost
  bool header_lost = false;
  bool block_lost = false;       // the header was read, the bits behind it were not
  std::int32_t tokens_lost = 0;  // of those sent, known not to have arrived
  double gain = 1;               // mean |h|^2
  Ledger uses;
  Scores scores = no_scores();
};

/// One image, in the order of the source; sums over these in this order give the row, whatever the
/// threads and shards.
struct ImageRecord : SentHalf, HeardHalf {
  std::uint32_t image = 0;
  std::uint32_t link = 0, slot = 0;     // without a timeline: the image, its visit
  std::uint32_t arrived = 0;            // slot, of a timeline
  bool timeline = false, late = false;  // late: answered after its deadline, which counts as wrong
  double snr_db = 0;                    // mean SNR of the link
  /// A late answer is none.
  std::int32_t decision_in_time() const { return late ? -1 : decision; }
  bool right() const { return decision == label && !late; }
};

}  // namespace semwave
