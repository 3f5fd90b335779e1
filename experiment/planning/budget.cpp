#include "experiment/planning/budget.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "core/base/error.h"
#include "core/base/stopwatch.h"
#include "experiment/run/images.h"
#include "experiment/run/timeline.h"
#include "experiment/run/way.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

constexpr int most_planned = 10000;   // images of a point whose plans are made
constexpr int planned_at_once = 500;  // by one thread
constexpr double known_to = 0.003;    // standard error of the share of headers read, relative
constexpr int most_looked_at = 1000;  // validation images, where an exit looks
constexpr double looked_seconds = 0.5, looked_share = 0.05;  // of a timeline: the longer of the two
constexpr std::int64_t most_decisions =
    1000000;                            // links x slots that are gone through without the network
constexpr std::size_t most_timed = 12;  // points of one kind of work
constexpr int laps = 5;
constexpr double timed_seconds = 0.03;  // of a lap

/// Points of one kind of work take time by their operations: what is left may differ.
std::string work_of(const Scenario& s) {
  Json rest = s.resolved;
  for (const char* key : {"name", "seed", "stop", "sweep", "output"}) rest.erase(key);
  rest["transmitter"].erase("policy");
  if (rest["channel"].contains("snr_db")) rest["channel"].erase("snr_db");
  return canonical(rest);
}

int images_of(const Scenario& scenario, const Dataset& data) {
  return scenario.stop.max_images > 0 ? std::min(scenario.stop.max_images, data.count())
                                      : data.count();
}

/// Images [begin, end) as far as their plans and headers go.
class PlannedImages {
 public:
  PlannedImages(const Scenario& scenario, const Model& model)
      : scenario_(scenario),
        model_(model),
        channel_(scenario.channel),
        policy_(make_policy(scenario, model.architecture)) {}

  struct Sums {
    Ledger uses;
    double transmitter_operations = 0, receiver_operations = 0,
           receiver_operations_lost = 0;  // the latter two: every header read; every header lost
    bool looks = false;
  };
  Sums plan(int begin, int end) const {
    Sums sums;
    const Draws draws = draws_of(begin, end);
    const auto [fading, states, plans] = plan_images(channel_, draws, *policy_);
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const std::optional<Forecast> forecast =
          model_.transmitter->forecast(states[i], plans[i], draws.images[i]);
      if (!forecast) {
        sums.looks = true;
        return sums;
      }
      const Ledger uses = channel_.uses(forecast->uses, fading.receiver_pilots[i]);
      sums.uses += uses;
      sums.transmitter_operations += forecast->operations;
      sums.receiver_operations += model_.receiver->operations(&forecast->header);
      sums.receiver_operations_lost += model_.receiver->operations(nullptr);
    }
    return sums;
  }

  /// Of these images, how many headers are read: through the channel and the decoder, with the
  /// draws of the run.
  int read(int begin, int end) const {
    Pass pass{.backend = model_.parameters->backend()};
    pass.draws = draws_of(begin, end);
    const auto [fading, states, plans] = plan_images(channel_, pass.draws, *policy_);
    Burst burst;
    burst.starts.assign(plans.size() + 1, 0);
    burst.ledger.resize(plans.size());
    for (std::size_t i = 0; i < plans.size(); ++i)
      burst.headers.push_back(
          model_.transmitter->forecast(states[i], plans[i], pass.draws.images[i])->header);
    const Reception heard = channel_.apply(pass, burst, fading);
    int read = 0;
    for (std::size_t i = 0; i < plans.size(); ++i)
      read += (heard.header_erased.empty() || !heard.header_erased[i]) &&
              model_.receiver->reads(heard.header_symbols[i], heard.header_gains[i],
                                     heard.header_noise_variance[i]);
    return read;
  }

 private:
  Draws draws_of(int begin, int end) const {
    PooledVector<std::uint32_t> images(static_cast<std::size_t>(end - begin));
    std::iota(images.begin(), images.end(), static_cast<std::uint32_t>(begin));
    return {scenario_.seed, scenario_.repeat, std::move(images)};
  }

  const Scenario& scenario_;
  const Model& model_;
  Channel channel_;
  const std::unique_ptr<Policy>
      policy_;  // one that does not remember: planned with from many threads
};

/// Runs body(task, begin, end) over pieces of [begin, end).
template <class Body>
void in_pieces(ThreadPool& pool, int begin, int end, int piece, Body&& body) {
  pool.run((end - begin + piece - 1) / piece, [&](int task) {
    body(task, begin + task * piece, std::min(end, begin + (task + 1) * piece));
  });
}

/// Share of headers read: more images until it is known well enough.
double share_read(const PlannedImages& planned, int images, ThreadPool& pool) {
  int done = 0, read = 0;
  while (done < images) {
    const int end = std::min(images, done + planned_at_once * pool.threads());
    std::vector<int> pieces(static_cast<std::size_t>(pool.threads()));
    in_pieces(pool, done, end, planned_at_once, [&](int task, int from, int to) {
      pieces[static_cast<std::size_t>(task)] = planned.read(from, to);
    });
    read = std::accumulate(pieces.begin(), pieces.end(), read);
    done = end;
    const double share = (read + 1.0) / (done + 2.0),
                 left = 1.0 - static_cast<double>(done) / images;
    if (std::sqrt(share * (1 - share) / done * left) <= known_to * share) break;
  }
  return static_cast<double>(read) / done;
}

/// False where the exit looks at images.
bool plan_point(const Scenario& scenario, const Model& model, int images, ThreadPool& pool,
                PointBudget& budget) {
  const PlannedImages planned(scenario, model);
  const int count = std::min(images, most_planned);
  std::vector<PlannedImages::Sums> pieces(
      static_cast<std::size_t>((count + planned_at_once - 1) / planned_at_once));
  in_pieces(pool, 0, count, planned_at_once, [&](int task, int begin, int end) {
    pieces[static_cast<std::size_t>(task)] = planned.plan(begin, end);
  });
  double lost_operations = 0;
  for (const PlannedImages::Sums& sums : pieces) {
    if (sums.looks) return false;
    budget.payload += static_cast<double>(sums.uses.payload) / count;
    budget.parity += static_cast<double>(sums.uses.parity) / count;
    budget.header += static_cast<double>(sums.uses.header) / count;
    budget.pilots += static_cast<double>(sums.uses.pilots) / count;
    budget.prefix += static_cast<double>(sums.uses.prefix) / count;
    budget.transmitter_operations += sums.transmitter_operations / count;
    budget.receiver_operations += sums.receiver_operations / count;
    lost_operations += sums.receiver_operations_lost / count;
  }
  const double read = share_read(planned, count, pool);
  budget.header_losses = 1 - read;
  budget.receiver_operations = read * budget.receiver_operations + (1 - read) * lost_operations;
  return true;
}

/// Means over the images that were run.
void take_means(const PointResult& result, PointBudget& budget) {
  const PointTotals& totals = result.totals;
  const double count = static_cast<double>(std::max<std::int64_t>(1, totals.images));
  budget.payload = static_cast<double>(totals.uses.payload) / count;
  budget.header = static_cast<double>(totals.uses.header) / count;
  budget.pilots = static_cast<double>(totals.uses.pilots) / count;
  budget.parity = static_cast<double>(totals.uses.parity) / count;
  budget.prefix = static_cast<double>(totals.uses.prefix) / count;
  budget.header_losses = static_cast<double>(totals.lost) / count;
  budget.transmitter_operations = result.transmitter_operations;
  budget.receiver_operations = result.receiver_operations;
  budget.looked_at = static_cast<int>(totals.images);
}

/// The means of the first images of the data, which are run.
void look_at(const Dataset& data, int most, const Scenario& scenario, const Model& model,
             ThreadPool& pool, const BudgetSettings& settings, PointBudget& budget) {
  Scenario sample = scenario;
  sample.stop = {.max_images = most};
  take_means(evaluate(sample, model, data, pool, {.shard = settings.shard}), budget);
}

/// A point whose images have to be looked at: the validation split is run, and its means are taken.
void look(const Scenario& scenario, const Model& model, const Dataset& own, ThreadPool& pool,
          const BudgetSettings& settings, std::map<std::string, Dataset>& validation,
          PointBudget& budget) {
  const DatasetRequest& source = scenario.source;
  const Dataset* data = &own;
  if (source.split != Split::validation) {
    const std::string request = canonical({source.name, source.path});
    if (!validation.contains(request)) {
      try {
        validation.emplace(request, load_dataset({.name = source.name,
                                                  .split = Split::validation,
                                                  .path = source.path,
                                                  .place = source.place}));
      } catch (const Error&) {
        validation.emplace(request, Dataset{});  // none there: the point's own first images
      }
    }
    if (validation.at(request).count() > 0) data = &validation.at(request);
  }
  look_at(*data, most_looked_at, scenario, model, pool, settings, budget);
}

/// Whether chance on the way decides what the receiver has to work on: lost tokens, lost blocks of
/// bits.
bool loses_on_the_way(const Scenario& scenario) {
  return scenario.channel.loss || scenario.pair->chance_at_receiver();
}

/// The receiver's work where it is chance: that of the first images, which are run.
void look_at_receiver(const Scenario& scenario, const Model& model, const Dataset& data,
                      ThreadPool& pool, const BudgetSettings& settings, PointBudget& budget) {
  Scenario sample = scenario;
  sample.stop = {.max_images = std::min(budget.images, most_looked_at)};
  const PointResult result = evaluate(sample, model, data, pool, {.shard = settings.shard});
  budget.receiver_operations = result.receiver_operations;
  budget.looked_at = static_cast<int>(result.totals.images);
}

/// A timeline: what is sent depends on queues and feedback. Where plans tell what an image costs,
/// all of it is gone through without the network; the rest is known from its first slots.
void look_at_timeline(const Scenario& scenario, const Model& model, const Dataset& data,
                      ThreadPool& pool, const BudgetSettings& settings, PointBudget& budget) {
  Scenario sample = scenario;
  const int slots = scenario.timeline->slots;
  const auto run = [&](double wanted) {
    sample.timeline->slots =
        std::clamp(static_cast<int>(std::min(wanted, 1e9)),
                   std::min(slots, scenario.timeline->feedback_delay + 1), slots);
    return run_timeline(sample, model, data, pool, {.shard = settings.shard}).result;
  };
  const bool network = !scenario.metrics.empty();
  if (network) {
    const double a_slot = std::max(1e-6, run(16).wall_seconds / sample.timeline->slots);
    const PointResult first =
        run(std::max(settings.time ? looked_seconds / a_slot : 0, looked_share * slots));
    const double scale = static_cast<double>(slots) / sample.timeline->slots;
    take_means(first, budget);
    budget.images = static_cast<int>(std::lround(budget.looked_at * scale));
    budget.seconds = first.wall_seconds * scale;
    if (!model.transmitter->forecast({}, {.exit_depth = 0, .symbols_per_token = 1})) return;
  }
  sample.metrics.clear();
  const double wanted =
      std::min<double>(slots, static_cast<double>(most_decisions) / scenario.timeline->links);
  const PointResult gone_through = run(wanted);
  const double scale = static_cast<double>(slots) / sample.timeline->slots;
  PointBudget exact;
  take_means(gone_through, exact);
  exact.images = static_cast<int>(std::lround(exact.looked_at * scale));
  exact.looked_at = budget.looked_at;
  exact.header_losses = budget.header_losses;
  exact.receiver_operations = budget.receiver_operations;
  exact.seconds = network ? budget.seconds * exact.images / std::max(1, budget.images)
                          : gone_through.wall_seconds * scale;
  budget = exact;
}

/// One point that is run for a moment, again and again.
class Stopwatch {
 public:
  Stopwatch(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool,
            int shard)
      : sample_(scenario),
        images_(images_of(scenario, data)),
        model_(model),
        data_(data),
        pool_(pool),
        shard_(std::max(1, shard > 0 ? shard : model.parameters->backend().preferred_shard())) {
    const int round = shard_ * pool_.threads();  // every thread with as many
    run(round);                                  // what is done once and never again
    count_ = round * std::clamp(static_cast<int>(timed_seconds / run(2 * round) / round), 2, 1000);
  }
  void lap() { laps_.push_back(run(count_)); }
  /// The median lap, seconds per image.
  double seconds() {
    std::sort(laps_.begin(), laps_.end());
    return laps_[laps_.size() / 2];
  }

 private:
  double run(int count) {
    sample_.stop = {.max_images = std::min(count, images_)};
    const PointResult result = evaluate(sample_, model_, data_, pool_, {.shard = shard_});
    return result.wall_seconds / static_cast<double>(result.images.size());
  }

  Scenario sample_;
  int images_;
  const Model& model_;
  const Dataset& data_;
  ThreadPool& pool_;
  int shard_, count_ = 0;
  std::vector<double> laps_;
};

/// Seconds an image at so many operations, between the timed ones.
double interpolate(const std::map<double, double>& timed, double operations) {
  const auto above = timed.lower_bound(operations);
  if (above == timed.end()) return std::prev(above)->second;
  if (above == timed.begin() || above->first == operations) return above->second;
  const auto below = std::prev(above);
  const double share = (operations - below->first) / (above->first - below->first);
  return below->second + share * (above->second - below->second);
}

}  // namespace

Budget predict(Run& run, ThreadPool& pool, const BudgetSettings& settings) {
  const std::vector<Point>& points = run.points();
  Budget made;
  made.points.resize(points.size());
  std::map<std::string, std::vector<std::size_t>> networks;
  for (std::size_t i = 0; i < points.size(); ++i)
    networks[network_key(points[i].scenario)].push_back(i);
  std::map<std::string, Dataset> validation;
  for (const auto& [network, members] : networks) {
    const auto start = Clock::now();
    const Model model = run.model(points[members.front()]);
    made.build_seconds += seconds_since(start) * static_cast<double>(members.size());
    std::map<std::string, std::vector<std::pair<double, std::size_t>>> works;  // operations, point
    for (const std::size_t i : members) {
      if (settings.progress) settings.progress(i);
      const Scenario& scenario = points[i].scenario;
      const Dataset& data = run.data(points[i]);
      PointBudget& budget = made.points[i];
      budget.images = images_of(scenario, data);
      if (scenario.timeline) {
        look_at_timeline(scenario, model, data, pool, settings, budget);
        budget.cbr = budget.uses() / data.mean_values(budget.images);
        continue;
      }
      const bool sizes_tell = !scenario.pair->takes_any_size(model.architecture) ||
                              has_own_size(model.architecture, data);
      if (!sizes_tell)  // what an image costs depends on its size alone: these are run
        look_at(data, std::min(budget.images, most_looked_at), scenario, model, pool, settings,
                budget);
      else if (!plan_point(scenario, model, budget.images, pool, budget))
        look(scenario, model, data, pool, settings, validation, budget);
      else if (loses_on_the_way(scenario))
        look_at_receiver(scenario, model, data, pool, settings, budget);
      budget.cbr = budget.uses() / data.mean_values(budget.images);
      works[work_of(scenario)].emplace_back(
          budget.transmitter_operations + budget.receiver_operations, i);
    }
    if (!settings.time) continue;
    for (auto& [work, order] : works) {
      std::sort(order.begin(), order.end());
      std::map<double, Stopwatch> watches;
      const std::size_t chosen = std::min(order.size(), most_timed);
      for (std::size_t n = 0; n < chosen; ++n) {
        const auto& [operations, i] =
            order[chosen == 1 ? 0 : n * (order.size() - 1) / (chosen - 1)];
        if (!watches.contains(operations))
          watches.try_emplace(operations, points[i].scenario, model, run.data(points[i]), pool,
                              settings.shard);
      }
      // In turns, so that what else the machine does for a moment disturbs one lap of a point and
      // not all of them.
      for (int lap = 0; lap < laps; ++lap)
        for (auto& [operations, watch] : watches) watch.lap();
      std::map<double, double> timed;
      for (auto& [operations, watch] : watches) timed[operations] = watch.seconds();
      for (const auto& [operations, i] : order)
        made.points[i].seconds = interpolate(timed, operations) * made.points[i].images;
    }
  }
  return made;
}

OrderedJson budget_row(const Scenario& whole, const Point& point, const PointBudget& budget) {
  OrderedJson row;
  row["point"] = swept_in_order(whole, point);
  row["images"] = budget.images;
  row["channel_uses"] = {{"payload", budget.payload}, {"header", budget.header},
                         {"pilots", budget.pilots},   {"parity", budget.parity},
                         {"prefix", budget.prefix},   {"total", budget.uses()}};
  row["cbr"] = budget.cbr;
  row["flops"] = {{"transmitter", budget.transmitter_operations},
                  {"receiver", budget.receiver_operations}};
  row["header_losses"] = budget.header_losses * budget.images;
  row["seconds"] = budget.seconds;
  if (budget.looked_at > 0) row["looked_at"] = budget.looked_at;
  return row;
}

}  // namespace semwave
