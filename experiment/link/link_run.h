// The link laboratory: bits instead of images through the scenario's channel, a point of the sweep
// after another, into a result folder.
//
// Frames are numbered; their draws are keyed by their number, and they are counted in chunks of a
// size that follows from the scenario alone. A point ends with the first chunk at whose end enough
// frames were lost, or enough were sent: the same counts for any number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "core/tensor/backend.h"
#include "experiment/results/results.h"
#include "experiment/results/text_table.h"
#include "experiment/run/run.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

struct LinkCounts {
  std::int64_t frames = 0, frame_errors = 0;  // any information bit wrong
  std::int64_t frame_losses = 0;  // the same, or a check that does not hold: what images would lose
  std::int64_t bits = 0, bit_errors = 0;  // information bits
  std::int64_t bit_errors_squared = 0;    // sum over frames: errors of a frame come together
  std::int64_t symbols = 0,
               symbol_errors = 0;  // of the constellation, decided before the channel code
  std::int64_t blocks = 0;         // code blocks
  std::int64_t undetected = 0;  // frames with an error that every check of the code blocks let pass
  std::int64_t iterations = 0;  // of LDPC decoding, over all code blocks
  Ledger uses;

  LinkCounts& operator+=(const LinkCounts& other);
};

struct LinkPoint {
  LinkCounts counts;
  double seconds = 0;
  bool interrupted = false;
};

/// One point; `progress` is called between waves of chunks.
LinkPoint run_link_point(const Scenario& scenario, Backend& backend, ThreadPool& pool,
                         const std::atomic<bool>* interrupt,
                         const std::function<void(const LinkPoint& so_far)>& progress);

/// docs/results.md, "link". A rate without an error is null beside its interval: the value is not
/// known to be 0.
OrderedJson make_link_row(const Scenario& whole, const Point& point, const LinkPoint& result,
                          const std::string& point_sha256);
/// Es/N0, Eb/N0, FRA, BE, FE, BER, FER, SIM_THR, as AFF3CT names them, and the interval of FER.
Table link_table(const Scenario& scenario, const std::vector<Point>& points);

struct LinkRunSettings {
  const std::atomic<bool>* interrupt = nullptr;
  std::function<void(std::size_t point, const LinkPoint& so_far)> progress;
  std::function<void(std::size_t point, const OrderedJson& row, bool reused)> finished;
  std::function<void(std::size_t point, const Error& problem)> failed;  // the other points go on
  /// As RunSettings::components.
  std::function<std::vector<Component>(const Scenario& point, DeviceKind device)> components =
      link_components_used;
};

class LinkRun {
 public:
  /// Expands the grid. Throws Error where the scenario has no `link`. `backend` and `pool` must
  /// outlive this.
  LinkRun(const Scenario& scenario, Backend& backend, ThreadPool& pool);

  const std::vector<Point>& points() const { return points_; }
  /// As Run::open and Run::run.
  void open(const std::string& out, const OrderedJson& about);
  RunSummary run(const LinkRunSettings& settings);

 private:
  const Scenario scenario_;
  Backend& backend_;
  ThreadPool& pool_;
  std::vector<Point> points_;
  std::optional<ResultFolder> folder_;
  OrderedJson about_;
};

}  // namespace semwave
