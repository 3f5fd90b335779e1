// A whole scenario: its points, one after another, into a result folder, leaving out what is there
// already.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "core/tensor/backend.h"
#include "experiment/results/results.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/outside_training.h"
#include "experiment/run/timeline.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

struct RunSettings {
  int shard = 0;                                 // 0: what the backend likes
  const std::atomic<bool>* interrupt = nullptr;  // checked between chunks of images
  // Called from the thread that calls run(); `point` counts the grid.
  std::function<void(std::size_t point, int done, int total)> progress;
  std::function<void(std::size_t point, const OrderedJson& row, bool reused)> finished;
  std::function<void(std::size_t point, const Error& problem)> failed;  // the other points go on
  /// What a point is known by beside scenario, model and images. A test plants another version
  /// here.
  std::function<std::vector<Component>(const Scenario& point, DeviceKind device)> components =
      components_used;
};

struct RunSummary {
  std::size_t done = 0, reused = 0, failed = 0;  // points; reused ones are not counted as done
  bool interrupted = false;
  std::size_t others =
      0;  // rows of other settings that stay in the folder, behind those of the grid
  double thread_seconds = 0;  // transmitter, channel and receiver, all threads together
};

/// What run.json begins with: `about` and the time.
OrderedJson begun(OrderedJson about);

/// Ends a folder: `rows` in the order of the grid, then in run.json what became of its `grid`
/// points and the seconds since `start`. `summary.others` is set.
void close_folder(ResultFolder& folder, OrderedJson about, RunSummary& summary, std::size_t grid,
                  const std::vector<OrderedJson>& rows,
                  std::chrono::steady_clock::time_point start);

class Run {
 public:
  /// Expands the grid, reads models and images and builds each network once, so that what is wrong
  /// with the scenario is thrown here, before anything runs. `backend` and `pool` must outlive
  /// this.
  Run(const Scenario& scenario, Backend& backend, ThreadPool& pool);

  const std::vector<Point>& points() const { return points_; }
  /// What is wrong with no point and yet worth a warning: SNRs that a model was not trained for. A
  /// line each.
  std::vector<std::string> warnings() const { return outside_training_.lines(); }
  /// The images of a point and the network it runs, built anew from what was read.
  const Dataset& data(const Point& point) { return *load(point.scenario).data; }
  Model model(const Point& point) { return model_of(point, load(point.scenario)); }
  /// Rows are kept in this folder, and those that are there are not run again; `about` goes to
  /// run.json. Without it they are only handed to `finished`. Throws Error where the folder cannot
  /// be used.
  void open(const std::string& out, const OrderedJson& about);
  /// Points of the grid as rows, in its order; an Error that leaves this comes from writing to the
  /// folder, whose earlier rows stay.
  RunSummary run(const RunSettings& settings);

 private:
  struct Loaded {
    const Checkpoint* checkpoint;  // null: a fresh network
    const Dataset* data;
  };
  Loaded load(const Scenario& scenario);
  Model model_of(const Point& point, const Loaded& loaded) const;
  /// One point, run; without a row where it was interrupted.
  struct PointRun {
    PointResult result;
    std::optional<Timeline> timeline;
    OrderedJson row;
  };
  PointRun run_point(std::size_t i, const Loaded& loaded, const std::string& sha,
                     const RunSettings& settings);

  const Scenario scenario_;
  Backend& backend_;
  ThreadPool& pool_;
  std::vector<Point> points_;
  OutsideTraining outside_training_;
  std::optional<ResultFolder> folder_;
  OrderedJson about_;
  std::map<std::string, Checkpoint> checkpoints_;  // by path
  std::map<std::string, Dataset> datasets_;        // by request
};

}  // namespace semwave
