#include "experiment/run/run.h"

#include <chrono>
#include <ctime>
#include <set>

#include "experiment/run/images.h"
#include "experiment/run/timeline.h"

namespace semwave {

Run::Run(const Scenario& scenario, Backend& backend, ThreadPool& pool)
    : scenario_(scenario), backend_(backend), pool_(pool), points_(expand(scenario)) {
  std::set<std::string> built;
  for (const Point& point : points_) {
    const Scenario& one = point.scenario;
    need_model(one);
    const Loaded loaded = load(one);
    check_policy(one, loaded.checkpoint ? loaded.checkpoint->sha256 : "");
    if (loaded.checkpoint) {
      check_against(one, checkpoint_architecture(*loaded.checkpoint, one.model_path));
      outside_training_.add(one, trained_range(*loaded.checkpoint, one.model_path));
    }
    // Points that differ in channel or plan share their network: it is built once to see whether it
    // can be.
    if (!built
             .insert(network_key(one) +
                     canonical({one.resolved["source"], one.resolved["metrics"]}))
             .second)
      continue;
    const Model model = model_of(point, loaded);
    check_point(one, model, *loaded.data);
  }
}

Run::Loaded Run::load(const Scenario& scenario) {
  Loaded loaded{nullptr, nullptr};
  if (!scenario.model_path.empty()) {
    if (!checkpoints_.contains(scenario.model_path))
      checkpoints_.emplace(scenario.model_path, read_checkpoint(scenario.model_path));
    loaded.checkpoint = &checkpoints_.at(scenario.model_path);
  }
  DatasetRequest source = scenario.source;
  if (loaded.checkpoint)
    source.any_size = scenario.pair->takes_any_size(
        checkpoint_architecture(*loaded.checkpoint, scenario.model_path));
  const std::string request = canonical(
      {source.name, static_cast<int>(source.split), source.path, source.count, source.any_size});
  if (!datasets_.contains(request)) datasets_.emplace(request, load_dataset(source));
  loaded.data = &datasets_.at(request);
  return loaded;
}

Model Run::model_of(const Point& point, const Loaded& loaded) const {
  return loaded.checkpoint ? make_model(point.scenario, backend_, *loaded.checkpoint)
                           : make_model(point.scenario, backend_);
}

OrderedJson begun(OrderedJson about) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  about["start"] = text;
  return about;
}

void close_folder(ResultFolder& folder, OrderedJson about, RunSummary& summary, std::size_t grid,
                  const std::vector<OrderedJson>& rows,
                  std::chrono::steady_clock::time_point start) {
  summary.others = folder.finish(rows);
  about["wall_seconds"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  about["points"] = {{"grid", grid},
                     {"done", summary.done},
                     {"reused", summary.reused},
                     {"failed", summary.failed}};
  about["interrupted"] = summary.interrupted;
  folder.write_run(about);
}

void Run::open(const std::string& out, const OrderedJson& about) {
  folder_.emplace(out);
  folder_->write_scenario(scenario_);
  about_ = begun(about);
  folder_->write_run(about_);
}

Run::PointRun Run::run_point(std::size_t i, const Loaded& loaded, const std::string& sha,
                             const RunSettings& settings) {
  const Point& point = points_[i];
  const Model model = model_of(point, loaded);
  EvaluateOptions options{.shard = settings.shard, .interrupt = settings.interrupt, .progress = {}};
  if (settings.progress)
    options.progress = [&](int done, int total) { settings.progress(i, done, total); };
  PointRun made;
  if (point.scenario.timeline) {
    made.timeline = run_timeline(point.scenario, model, *loaded.data, pool_, options);
    made.result = std::move(made.timeline->result);
  } else {
    made.result = evaluate(point.scenario, model, *loaded.data, pool_, options);
  }
  if (made.result.interrupted) return made;
  made.row = make_row(scenario_, point, model.sha256, *loaded.data, made.result, sha,
                      made.timeline ? &made.timeline->totals : nullptr);
  if (folder_) made.row["point"] = swept_in_order(scenario_, point, folder_->path());
  return made;
}

RunSummary Run::run(const RunSettings& settings) {
  const auto start = std::chrono::steady_clock::now();
  RunSummary summary;
  std::vector<OrderedJson> rows;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const Point& point = points_[i];
    const auto fails = [&](const Error& problem) {
      ++summary.failed;
      if (settings.failed) settings.failed(i, problem);
    };
    const Loaded loaded = load(point.scenario);
    std::string sha;
    try {
      sha = point_sha256(point.scenario, loaded.checkpoint ? loaded.checkpoint->sha256 : "",
                         loaded.data->sha256, backend_.kind(),
                         settings.components(point.scenario, backend_.kind()));
    } catch (const Error& problem) {  // a file that it names has gone
      fails(problem);
      continue;
    }
    const OrderedJson* row =
        folder_ ? folder_->find(sha, scenario_.records, point.scenario.timeline.has_value())
                : nullptr;
    if (row != nullptr) {
      rows.push_back(*row);
      rows.back()["point"] =
          swept_in_order(scenario_, point,
                         folder_->path());  // a sweep that grew by a key names its old points anew
      ++summary.reused;
      if (settings.finished) settings.finished(i, rows.back(), true);
      continue;
    }
    PointRun made;
    try {
      made = run_point(i, loaded, sha, settings);
    } catch (const Error& problem) {
      fails(problem);
      continue;
    }
    const PointResult& result = made.result;
    summary.thread_seconds +=
        result.transmitter_seconds + result.channel_seconds + result.receiver_seconds;
    summary.interrupted = result.interrupted;
    if (summary.interrupted) break;
    if (folder_)
      folder_->add(made.row, record_kind(point.scenario),
                   scenario_.records ? &result.images : nullptr,
                   made.timeline ? &made.timeline->slots : nullptr);
    ++summary.done;
    if (settings.finished) settings.finished(i, made.row, false);
    rows.push_back(std::move(made.row));
  }
  if (folder_) close_folder(*folder_, about_, summary, points_.size(), rows, start);
  return summary;
}

}  // namespace semwave
