// What a policy asks for, one per image.
#pragma once

namespace semwave {

struct Plan {
  static constexpr int all_blocks =
      -1;  // as an exit depth, until Policy::fit says how many there are

  double keep_ratio =
      1;               // share of the grid to send; k = floor(keep T + 1e-6), at least 1 unless 0
  int exit_depth = 0;  // blocks to run, 0 included
  int symbols_per_token = 8;  // S of the mapper, complex
  bool hold =
      false;  // send nothing in this slot: the image waits in its queue; of a policy that remembers

  bool operator==(const Plan&) const = default;
};

/// k of conventions.md.
int tokens_to_keep(double keep_ratio, int grid);

}  // namespace semwave
