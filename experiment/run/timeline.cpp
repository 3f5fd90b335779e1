#include "experiment/run/timeline.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <numeric>
#include <span>

#include "core/base/error.h"
#include "core/random/random.h"
#include "experiment/metric/statistics.h"
#include "experiment/run/images.h"
#include "experiment/run/shard_run.h"
#include "phy/header/header_codec.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_wait = 1u << 16;  // slots told apart in the statistics of waiting

struct Waiting {
  std::int32_t image;
  std::uint32_t arrived;
};

/// One transmitter over time.
struct Link {
  std::deque<Waiting> queue;
  std::int64_t free_from = 0;  // slot
  std::int32_t report = -1;    // slot of the newest report that has arrived
  std::int32_t sounded = 0;    // slots whose pilots for the transmitter are paid for
  std::int64_t arrived = 0;    // images that came: which one is next
};

/// Sums of a batch, for batch means. all: over what was not sent, too.
struct Sums {
  struct Scored {
    double images = 0, score = 0, all = 0;
  };
  double arrived = 0, sent = 0, uses = 0, all_uses = 0;
  std::vector<Scored> scored;  // [metrics]
};
constexpr std::int64_t stretches = 20;  // of slots, where links are no batches

/// Number of Poisson arrivals by inversion of one uniform number.
int poisson(double mean, double uniform) {
  double term = std::exp(-mean), sum = term;
  int k = 0;
  while (uniform > sum && k < 1000) {
    term *= mean / ++k;
    sum += term;
  }
  return k;
}

/// Half-width of the 95 % interval of sum(value) / sum(weight) (ratio estimator). Where nothing
/// happened is no batch.
template <class Value, class Weight>
double batch_halfwidth(const std::vector<Sums>& all, const Value& value, const Weight& weight) {
  std::vector<const Sums*> batches;
  for (const Sums& batch : all)
    if (weight(batch) > 0) batches.push_back(&batch);
  const double n = static_cast<double>(batches.size());
  double values = 0, weights = 0;
  for (const Sums* batch : batches) {
    values += value(*batch);
    weights += weight(*batch);
  }
  if (batches.size() < 2 || weights <= 0) return std::numeric_limits<double>::infinity();
  double squares = 0;
  for (const Sums* batch : batches)
    squares += std::pow(value(*batch) - values / weights * weight(*batch), 2);
  return student95(static_cast<int>(batches.size()) - 1) * std::sqrt(squares / (n - 1) / n) /
         (weights / n);
}

class TimelineRun {
 public:
  TimelineRun(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool,
              int shard)
      : scenario_(scenario),
        settings_(scenario.timeline.value()),
        model_(model),
        data_(data),
        pool_(pool),
        shard_(shard),
        network_(!scenario.metrics.empty()),
        run_(scenario, model, data),
        policy_(make_policy(scenario, model.architecture)),
        links_(static_cast<std::size_t>(settings_.links)),
        arrived_(links_.size()),
        spent_(links_.size()),
        waits_(longest_wait + 1),
        expert_rows_(static_cast<std::size_t>(model.architecture.experts)) {
    ids_.resize(links_.size());
    std::iota(ids_.begin(), ids_.end(), 0u);
    mean_snr_db_ = run_.channel().mean_snr_db(scenario.seed, ids_);
    policy_->begin(links_.size());
    sums_.resize(policy_->couples_links() ? stretches : links_.size());
    for (Sums& sums : sums_) sums.scored.resize(scenario.metrics.size());
    // Another repeat is a later stretch of the same process.
    origin_ = scenario.repeat * static_cast<std::uint32_t>(settings_.slots);
    result_.result.totals = PointTotals(scenario.metrics, model.architecture.transmitter_blocks,
                                        scenario.pair->totals());
  }

  Timeline run(const EvaluateOptions& options) {
    const auto start = Clock::now();
    for (std::int32_t slot = 0; slot < settings_.slots; ++slot) {
      if (options.interrupt && options.interrupt->load()) {
        result_.result.interrupted = true;
        break;
      }
      advance(slot);
      if (options.progress && (slot % 16 == 15 || slot + 1 == settings_.slots))
        options.progress(slot + 1, settings_.slots);
    }
    finish();
    result_.result.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return std::move(result_);
  }

 private:
  /// The reports of one slot arrive, those that are not lost.
  void report(std::int32_t slot) {
    const std::int32_t then = slot - settings_.feedback_delay;
    if (then < 0) return;
    const std::uint32_t at = origin_ + static_cast<std::uint32_t>(then);
    for (std::size_t l = 0; l < links_.size(); ++l)
      if (settings_.feedback_loss <= 0 ||
          uniform(philox(scenario_.seed, Purpose::feedback, static_cast<std::uint32_t>(l), at,
                         0)[0]) >= settings_.feedback_loss)
        links_[l].report = then;
  }

  /// What feedback has told of a link at this slot.
  ChannelState believed(std::uint32_t link, std::int32_t slot) const {
    const std::int32_t then = links_[link].report;
    if (then < 0) {
      ChannelState state = run_.channel().unheard();
      state.age = slot;
      return state;
    }
    ChannelState state =
        run_.channel().observe(fading({link}, origin_ + static_cast<std::uint32_t>(then)))[0];
    state.age += slot - then;
    return state;
  }

  /// A link sends at most one burst a slot, so it stands for the image in the counters of noise as
  /// well.
  Fading fading(const PooledVector<std::uint32_t>& links, std::uint32_t at) const {
    PooledVector<double> snr_db;
    for (const std::uint32_t link : links) snr_db.push_back(mean_snr_db_[link]);
    return run_.channel().realise(Draws{scenario_.seed, at, links}, links, std::move(snr_db));
  }

  void arrive(std::int32_t slot, SlotRow& row) {
    for (std::size_t l = 0; l < links_.size(); ++l) {
      Link& link = links_[l];
      int count = slot % settings_.every == 0;
      if (!settings_.periodic)
        count =
            poisson(settings_.mean,
                    uniform(philox(scenario_.seed, Purpose::arrival, static_cast<std::uint32_t>(l),
                                   origin_ + static_cast<std::uint32_t>(slot), 0)[0]));
      arrived_[l] = count;
      batch(l, slot).arrived += count;
      for (; count > 0; --count) {
        ++row.arrived;
        // The links deal the images out among themselves, round and round.
        const std::int64_t next = static_cast<std::int64_t>(l) +
                                  static_cast<std::int64_t>(links_.size()) * link.arrived++;
        const auto image = static_cast<std::int32_t>(next % data_.count());
        if (link.queue.size() == static_cast<std::size_t>(settings_.queue)) {
          ++row.dropped;
          unsent(l, slot, image);
          continue;
        }
        link.queue.push_back({image, static_cast<std::uint32_t>(slot)});
      }
      while (settings_.deadline > 0 && !link.queue.empty() &&
             slot - static_cast<std::int32_t>(link.queue.front().arrived) + 1 >
                 settings_.deadline) {
        ++row.expired;
        unsent(l, slot, link.queue.front().image);
        link.queue.pop_front();
      }
    }
  }

  Sums& batch(std::size_t link, std::int64_t slot) {
    return sums_[policy_->couples_links()
                     ? static_cast<std::size_t>(slot * stretches / settings_.slots)
                     : link];
  }

  /// What was not sent, or came too late, answers nothing: the mean image stands for it, and it has
  /// no decision.
  void unsent(std::size_t link, std::int64_t slot, std::int32_t image) {
    if (!network_) return;
    const Scores of_mean =
        scenario_.measures(Metric::Needs::image) ? run_.unsent(image) : no_scores();
    const ScoredImage undecided{.label = data_.labels[static_cast<std::size_t>(image)]};
    for (std::size_t m = 0, place = 0; m < scenario_.metrics.size(); ++m) {
      const Metric& metric = *scenario_.metrics[m];
      const double score =
          metric.needs() == Metric::Needs::image ? of_mean[place++] : metric.score(undecided);
      if (!std::isnan(score)) batch(link, slot).scored[m].all += score;
    }
  }

  /// Adds the scores of an image that was sent.
  void scored(const ImageRecord& record, Sums& sums) const {
    Scores late = no_scores();
    if (record.late && scenario_.measures(Metric::Needs::image))
      late = run_.unsent(static_cast<std::int32_t>(record.image));
    const ScoredImage decided{.label = record.label, .decision = record.decision_in_time()};
    for (std::size_t m = 0, place = 0; m < scenario_.metrics.size(); ++m) {
      const Metric& metric = *scenario_.metrics[m];
      Sums::Scored& of_metric = sums.scored[m];
      if (metric.needs() == Metric::Needs::decision) {
        const double score = metric.score(decided);
        if (std::isnan(score)) continue;
        of_metric.images += 1;
        of_metric.score += score;
        of_metric.all += score;
        continue;
      }
      const double score = record.scores[place], in_time = record.late ? late[place] : score;
      ++place;
      if (std::isnan(score)) continue;
      of_metric.images += 1;
      of_metric.score += score;
      of_metric.all += in_time;
    }
  }

  /// Pilots of the slots up to `end` that were not paid for: every slot is sounded for its report.
  std::int64_t sounding(Link& link, std::int64_t end) const {
    const std::int64_t pilots = run_.channel().sounding_uses() * (end - link.sounded);
    link.sounded = static_cast<std::int32_t>(end);
    return pilots;
  }

  void advance(std::int32_t slot) {
    SlotRow row{.slot = slot};
    report(slot);
    arrive(slot, row);
    choose(slot);
    if (network_)
      send(slot);
    else
      forecast(slot);
    for (std::size_t i = 0; i < senders_.size(); ++i) settle(slot, i, row);
    policy_->passed(arrived_, spent_);
    if (!network_) row.correct = -1;
    for (const Link& link : links_) row.waiting += static_cast<std::int32_t>(link.queue.size());
    if (row.sent > 0)
      for (double* mean :
           {&row.uses, &row.snr_db, &row.believed_snr_db, &row.age, &row.keep, &row.depth})
        *mean /= row.sent;
    TimelineTotals& totals = result_.totals;
    totals.arrived += row.arrived;
    totals.dropped += row.dropped;
    totals.expired += row.expired;
    totals.late += row.late;
    totals.queue += row.waiting;
    totals.waiting = row.waiting;
    result_.slots.push_back(row);
  }

  /// Who sends in this slot, and by which plan. An image that is held back stays the first of its
  /// queue.
  void choose(std::int32_t slot) {
    senders_.clear();
    states_.clear();
    records_.clear();
    for (std::size_t l = 0; l < links_.size(); ++l) {
      if (links_[l].queue.empty() || links_[l].free_from > slot) continue;
      senders_.push_back(static_cast<std::uint32_t>(l));
      states_.push_back(believed(static_cast<std::uint32_t>(l), slot));
    }
    plans_ = policy_->plan(states_, senders_);
    std::size_t sent = 0;
    for (std::size_t i = 0; i < senders_.size(); ++i) {
      if (plans_[i].hold) continue;
      senders_[sent] = senders_[i];
      states_[sent] = states_[i];
      plans_[sent++] = plans_[i];
      Link& link = links_[senders_[i]];
      ImageRecord record;
      record.image = static_cast<std::uint32_t>(link.queue.front().image);
      record.arrived = link.queue.front().arrived;
      records_.push_back(record);
      link.queue.pop_front();
    }
    senders_.resize(sent);
    states_.resize(sent);
    plans_.resize(sent);
    std::fill(spent_.begin(), spent_.end(), 0.0);
  }

  /// The bursts of a slot through everything, shard by shard.
  void send(std::int32_t slot) {
    const int bursts = static_cast<int>(senders_.size()), shards = (bursts + shard_ - 1) / shard_;
    const std::uint32_t at = origin_ + static_cast<std::uint32_t>(slot);
    costs_.assign(static_cast<std::size_t>(shards), {});
    shard_rows_.assign(costs_.size() * expert_rows_.size(), 0);
    pool_.run(shards, [&](int s) {
      const auto first = static_cast<std::size_t>(s * shard_),
                 last = static_cast<std::size_t>(std::min(bursts, (s + 1) * shard_));
      PooledVector<std::int32_t> images;
      const auto of_shard = [first, last](const auto& all) {
        return std::span(all).subspan(first, last - first);
      };
      const auto senders = of_shard(senders_);
      const auto states = of_shard(states_);
      const auto plans = of_shard(plans_);
      const PooledVector<std::uint32_t> links(senders.begin(), senders.end());
      for (std::size_t i = first; i < last; ++i)
        images.push_back(static_cast<std::int32_t>(records_[i].image));
      const ShardPlan planned{.fading = fading(links, at),
                              .states = {states.begin(), states.end()},
                              .plans = {plans.begin(), plans.end()}};
      PooledVector<ImageRecord> made(last - first);
      costs_[static_cast<std::size_t>(s)] =
          run_.run(images, links, at, planned, made.data(),
                   shard_rows_.data() + static_cast<std::size_t>(s) * expert_rows_.size());
      for (std::size_t i = first; i < last; ++i) {
        const std::uint32_t arrived = records_[i].arrived;
        records_[i] = made[i - first];
        records_[i].arrived = arrived;
      }
    });
    for (const ShardCost& cost : costs_) result_.result.add(cost);
    for (std::size_t i = 0; i < shard_rows_.size(); ++i)
      expert_rows_[i % expert_rows_.size()] += shard_rows_[i];
  }

  /// Without the network: what the plans will take.
  void forecast(std::int32_t slot) {
    const std::uint32_t at = origin_ + static_cast<std::uint32_t>(slot);
    for (std::size_t i = 0; i < senders_.size(); ++i) {
      ImageRecord& record = records_[i];
      const Forecast expected =
          model_.transmitter->forecast(states_[i], plans_[i])
              .value();  // the scenario was refused where it looks at the image
      const Fading met = fading({senders_[i]}, at);
      record.link = senders_[i];
      record.slot = at;
      record.label = data_.labels[record.image];
      record.keep_ratio = plans_[i].keep_ratio;
      record.plan_depth = plans_[i].exit_depth;
      record.exit_depth = expected.exit_depth;
      record.symbols_per_token = plans_[i].symbols_per_token;
      record.tokens = expected.tokens;
      record.snr_db = met.snr_db(0);
      record.gain = run_.channel().power_gain(met, 0);
      record.believed_snr_db = states_[i].snr_db;
      record.uses = run_.channel().uses(expected.uses, met.receiver_pilots[0]);
      result_.result.transmitter_operations += expected.operations;
    }
  }

  void settle(std::int32_t slot, std::size_t i, SlotRow& row) {
    ImageRecord& record = records_[i];
    Link& link = links_[senders_[i]];
    record.uses.pilots += sounding(link, slot);  // since the last burst; that of this slot is in it
    ++link.sounded;
    const auto uses = static_cast<double>(record.uses.total());
    const std::int64_t slots =
        settings_.slot_uses > 0
            ? std::max<std::int64_t>(
                  1, (record.uses.total() + settings_.slot_uses - 1) / settings_.slot_uses)
            : 1;
    const std::int64_t wait = slot + slots - record.arrived;
    link.free_from = slot + slots;
    record.slot = static_cast<std::uint32_t>(slot);
    record.timeline = true;
    record.late = settings_.deadline > 0 && wait > settings_.deadline;
    spent_[senders_[i]] = uses;
    const bool right = record.right();
    ++row.sent;
    row.late += record.late;
    row.correct += right;
    row.uses += uses;
    row.snr_db += record.snr_db + 10 * std::log10(std::max(record.gain, 1e-12));
    row.believed_snr_db += record.believed_snr_db;
    row.age += states_[i].age;
    row.keep += record.keep_ratio;
    row.depth += record.exit_depth;
    Sums& sums = batch(senders_[i], slot);
    sums.sent += 1;
    sums.uses += uses;
    sums.all_uses += uses;
    scored(record, sums);
    result_.totals.age += states_[i].age;
    result_.totals.wait_slots += static_cast<double>(wait);
    ++waits_[std::min<std::size_t>(static_cast<std::size_t>(wait), longest_wait)];
    result_.result.totals.add(record);
    if (scenario_.records) result_.result.images.push_back(record);
  }

  void finish() {
    PointResult& result = result_.result;
    TimelineTotals& totals = result_.totals;
    totals.links = settings_.links;
    totals.slots = static_cast<std::int64_t>(result_.slots.size());
    const double sent = static_cast<double>(std::max<std::int64_t>(1, result.totals.images)),
                 decisions =
                     static_cast<double>(std::max<std::int64_t>(1, totals.links * totals.slots));
    totals.queue /= decisions;
    totals.age /= sent;
    totals.wait_slots /= sent;
    const auto quantile = [&](double share) {
      double below = 0;
      for (std::size_t wait = 0; wait < waits_.size(); ++wait)
        if ((below += static_cast<double>(waits_[wait])) >= share * sent)
          return static_cast<double>(wait);
      return 0.0;
    };
    totals.wait_p95_slots = quantile(0.95);
    totals.wait_p99_slots = quantile(0.99);
    const auto of_sent = [](const Sums& sums) { return sums.sent; };
    const auto of_arrived = [](const Sums& sums) { return sums.arrived; };
    totals.uses_halfwidth = batch_halfwidth(
        sums_, [](const Sums& sums) { return sums.uses; }, of_sent);
    for (std::size_t l = 0; l < links_.size() && totals.slots > 0; ++l) {
      for (const Waiting& waiting : links_[l].queue) unsent(l, totals.slots - 1, waiting.image);
      batch(l, totals.slots - 1).all_uses += static_cast<double>(sounding(links_[l], totals.slots));
    }
    const double arrived = static_cast<double>(std::max<std::int64_t>(1, totals.arrived));
    for (const Sums& sums : sums_) totals.arrived_uses += sums.all_uses / arrived;
    totals.arrived_uses_halfwidth = batch_halfwidth(
        sums_, [](const Sums& sums) { return sums.all_uses; }, of_arrived);
    totals.scored.resize(scenario_.metrics.size());
    for (std::size_t m = 0; m < totals.scored.size(); ++m) {
      TimelineTotals::Scored& scored = totals.scored[m];
      for (const Sums& sums : sums_) scored.arrived += sums.scored[m].all / arrived;
      scored.halfwidth = batch_halfwidth(
          sums_, [m](const Sums& sums) { return sums.scored[m].score; },
          [m](const Sums& sums) { return sums.scored[m].images; });
      scored.arrived_halfwidth = batch_halfwidth(
          sums_, [m](const Sums& sums) { return sums.scored[m].all; }, of_arrived);
    }
    semwave::finish(result, model_, sent, expert_rows_);
  }

  const Scenario& scenario_;
  const TimelineSettings settings_;
  const Model& model_;
  const Dataset& data_;
  ThreadPool& pool_;
  const int shard_;
  const bool network_;
  const ShardRun run_;
  const std::unique_ptr<Policy> policy_;
  std::vector<std::uint32_t> ids_;
  PooledVector<double> mean_snr_db_;  // [links]
  std::vector<Link> links_;
  std::vector<Sums> sums_;     // [links], or [stretches] where the policy couples them
  std::vector<int> arrived_;   // [links] images that came in this slot
  std::vector<double> spent_;  // [links] channel uses of what was sent in it
  std::vector<std::int64_t> waits_, expert_rows_, shard_rows_;
  std::vector<ShardCost> costs_;
  std::uint32_t origin_ = 0;
  // Of the slot: who sends, and what for.
  std::vector<std::uint32_t> senders_;
  PooledVector<ChannelState> states_;
  PooledVector<Plan> plans_;
  std::vector<ImageRecord> records_;
  Timeline result_;
};

}  // namespace

Timeline run_timeline(const Scenario& scenario, const Model& model, const Dataset& data,
                      ThreadPool& pool, const EvaluateOptions& options) {
  check_point(scenario, model, data);
  const int shard = std::max(
      1, options.shard > 0 ? options.shard : model.parameters->backend().preferred_shard());
  return TimelineRun(scenario, model, data, pool, shard).run(options);
}

}  // namespace semwave
