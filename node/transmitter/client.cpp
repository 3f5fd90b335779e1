#include "node/transmitter/client.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <boost/asio/ip/address.hpp>

#include "core/base/error.h"
#include "node/net/unguessable.h"
#include "node/record/summary.h"
#include "node/transmitter/client_impl.h"

namespace semwave {
namespace {

// As datagrams, while the receiver computes and reads nothing: 115 of them, which its socket's
// buffer holds (416 KiB is what Linux gives unasked, and counts about 2.3 kB for each).
constexpr std::size_t most_symbols_under_way = 1u << 14;
constexpr double goodbye_seconds = 2, drain_seconds = 10, watch_seconds = 0.1;

}  // namespace

Client::Impl::Impl(const Station& station, const Dataset& data, ThreadPool& pool,
                   ClientOptions options)
    : station_(station),
      data_(data),
      pool_(pool),
      options_(std::move(options)),
      feedback_(options_.fallback_snr_db, options_.report_seconds),
      done_(station.points().size()) {
  boost::system::error_code named;
  asio::ip::make_address(options_.host, named);
  if (!named)
    check_plain(options_.host, options_.keys.has_value(), options_.insecure,
                "--connect " + options_.host);
  if (options_.peer.empty()) options_.peer = options_.host;
  if (options_.keys) {
    revoked_ = std::make_shared<RevokedList>(options_.keys->revoked);
    tls_ = make_tls_context(*options_.keys, false, revoked_);
  }
  for (const Point& point : station.points())
    if (options_.report_every > 0 && point.scenario.pair->tells())
      throw Error("--feedback",
                  std::string("transport '") +
                      point.scenario.resolved["transmitter"]["transport"].get<std::string>() +
                      "' is a bound and sends no header, by which a receiver measures the link");
  if (!options_.watch.empty()) {
    if (station.points().size() > 1)
      throw Error("--watch " + options_.watch,
                  "a watched folder takes a scenario without sweep: choose one point with --set");
    watched_ = std::make_unique<WatchedFolder>(options_.watch, station.model(0).architecture);
  } else {
    const std::int64_t end = options_.count > 0 ? options_.first + options_.count : data.count();
    if (options_.first < 0 || options_.first >= data.count() || end > data.count())
      throw Error("--first, --count",
                  "images " + std::to_string(options_.first) + " to " + std::to_string(end - 1) +
                      " were asked for, the source has " + std::to_string(data.count()));
    options_.count = end - options_.first;
  }
  if (!options_.out.empty()) {
    std::error_code problem;
    std::filesystem::create_directories(options_.out, problem);
    if (problem) throw Error(options_.out, "cannot be made: " + problem.message());
    ResultFolder::check(options_.out);
  }
  Hello owner = hello();
  fill_random(owner.node.data(), owner.node.size());
  JournalReader reader;
  reader.record = [&](Record&& record) {
    if (record.data != owner.data)
      throw Error(journal_path(), "holds a record of another source: choose another --out");
    if (const std::string fault = station_.fault_of(record);
        !fault.empty()) {  // its image goes again
      log(LogLevel::warning, journal_path() + ": image " + std::to_string(record.image.image) +
                                 " of point " + std::to_string(record.point) +
                                 " is left out: " + fault);
      return;
    }
    if (watched_) watched_->done(record.name, record.image.image);
    done_[record.point].push_back(std::move(record));
  };
  reader.numbered = [&](Numbered&& numbered) {
    if (watched_) watched_->numbered(numbered.name, numbered.image);
  };
  reader.unreadable = [&](const std::string& place) {
    log(LogLevel::warning, place + ": what stands there is no record and is left out");
  };
  journal_ = std::make_unique<Journal>(journal_path(), owner, reader);
  if (journal_->cut() > 0)
    log(LogLevel::warning, journal_path() + ": a torn end of " + std::to_string(journal_->cut()) +
                               " bytes was cut off");
}

Hello Client::Impl::hello() const {
  Hello made;
  if (journal_) made.node = journal_->node();
  made.scenario = station_.scenario_digest();
  made.model = station_.model_digest();
  if (!watched_) made.data = digest_of(data_.sha256);
  made.points = static_cast<std::uint32_t>(station_.points().size());
  made.report_every = static_cast<std::uint16_t>(std::clamp(options_.report_every, 0, 65535));
  made.datagrams = options_.datagrams;
  made.name = options_.name;
  return made;
}

void Client::Impl::warn_of_feedback() const {
  std::set<std::string> reasons;  // each once, however many points have it
  for (const Point& point : station_.points()) {
    const auto name = point.scenario.resolved["channel"]["kind"].get<std::string>();
    reasons.insert(why_reports_mislead(point.scenario.channel, name));
  }
  for (const std::string& reason : reasons)
    if (!reason.empty()) log(LogLevel::warning, "--feedback: " + reason);
}

ClientSummary Client::Impl::run() {
  if (options_.report_every > 0) warn_of_feedback();
  if (options_.report_every > 0)
    log(LogLevel::note,
        "no report yet: planning for " + std::to_string(options_.fallback_snr_db) + " dB");
  begin_point(0);
  spawn(io_, work());
  spawn(io_, keep_connected());
  io_.run();
  journal_->flush();
  journal_->sync();
  OrderedJson about = options_.about;
  const double wall = seconds_between(start_, NodeClock::now());
  about["wall_seconds"] = wall;
  about["interrupted"] = summary_.interrupted;
  about["node"] = {{"connections", summary_.connections},
                   {"resent", summary_.resent},
                   {"bytes_sent", summary_.bytes_sent},
                   {"bytes_received", summary_.bytes_received}};
  if (!options_.out.empty())
    (void)write_results(station_, options_.out, about, std::move(finished_),
                        summary_.answered > 0 ? wall : 0);
  return summary_;
}

void Client::Impl::fail(const std::string& why) {
  if (summary_.failure.empty()) summary_.failure = why;
  over_ = true;
  if (link_) link_->connection.close();
  io_.stop();
}

void Client::Impl::read_revoked() {
  if (!revoked_) return;
  const auto [worked, words] = revoked_->read_again();
  log(worked ? LogLevel::note : LogLevel::warning, words);
  if (!worked) return;
  const auto there = link_ ? link_->connection.certificate() : std::nullopt;
  if (there && revoked_->holds(*there))
    fail(link_->connection.peer() + ": the certificate of " + there->name + " was revoked");
}

// Points.

void Client::Impl::begin_point(std::size_t point) {
  point_ = point;
  point_start_ = NodeClock::now();
  point_answered_ = summary_.answered;
  const SendingOptions how{.shard = options_.shard,
                           .format = options_.datagrams ? SymbolFormat::datagrams : options_.format,
                           .truth = true};
  sending_ = std::make_unique<Sending>(station_, point, watched_ ? watched_->data() : data_, how);
  if (watched_) {
    watched_done_ = static_cast<std::int64_t>(done_[0].size());
    return;
  }
  work_ = std::make_unique<PointWork>(station_.points()[point].scenario, options_.first,
                                      options_.first + options_.count);
  for (const Record& record : done_[point])
    work_->done(record.image.image, record.image.decision == record.image.label);
}

void Client::Impl::end_point() {
  std::vector<Record>& records = done_[point_];
  if (records.empty()) return;
  const double seconds = summary_.answered > point_answered_
                             ? seconds_between(point_start_, NodeClock::now())
                             : 0;  // an earlier life's images take no time of this one
  const OrderedJson row =
      node_row(station_, point_, records, watched_ ? "" : data_.sha256, seconds);
  finished_.insert(finished_.end(), std::make_move_iterator(records.begin()),
                   std::make_move_iterator(records.end()));
  records.clear();
  summary_.rows.push_back(row);
  if (options_.finished) options_.finished(row);
}

std::size_t Client::Impl::window() const {
  std::size_t most = link_ && link_->welcomed ? link_->welcome.window : 1;
  if (options_.window > 0) most = std::min<std::size_t>(most, options_.window);
  // What is under way as datagrams waits in the receiver's socket; until one burst is known there
  // is one at a time, and large ones stay alone.
  if (options_.datagrams)
    most =
        std::min(most, std::max<std::size_t>(
                           1, largest_flight_ == 0 ? 1 : most_symbols_under_way / largest_flight_));
  // A plan should be as fresh as the report behind it.
  if (options_.report_every > 0)
    most = std::min(most, static_cast<std::size_t>(options_.report_every));
  return most;
}

std::size_t Client::Impl::chunk() const {
  // Each end of a chunk is a moment in which threads wait for one another and sockets are looked
  // at: it must be long beside that.
  const std::size_t busy = 32 * static_cast<std::size_t>(pool_.threads()) *
                           static_cast<std::size_t>(std::max(1, options_.shard));
  return std::max<std::size_t>(1, std::min(busy, (window() + 1) / 2));
}

bool Client::Impl::send_some() {
  const std::size_t room = window() - std::min(window(), flights_.size());
  // Full chunks keep every thread of the pool busy; a smaller one goes only where nothing is under
  // way.
  if (room == 0 || (room < chunk() && !flights_.empty())) return false;
  std::size_t most = std::min(room, chunk());
  if (options_.rate > 0) {
    const double due = seconds_between(paced_since_, NodeClock::now()) * options_.rate + 1 -
                       static_cast<double>(paced_);
    most = std::min(most, static_cast<std::size_t>(std::max(0.0, due)));
  }
  if (most == 0) return false;
  std::vector<std::int32_t> indices;
  std::vector<std::uint32_t> ids;
  std::vector<std::string> names;
  if (watched_) {
    for (; !found_.empty() && ids.size() < most; found_.erase(found_.begin())) {
      ids.push_back(found_.front().image);
      indices.push_back(found_.front().index);
      names.push_back(found_.front().name);
      journal_->append(Numbered{ids.back(), names.back()});
    }
    journal_->flush();
  } else {
    ids = work_->next(most);
    indices.assign(ids.begin(), ids.end());
  }
  if (ids.empty()) return false;
  std::optional<ChannelState> believed;
  if (options_.report_every > 0) {
    const auto now = NodeClock::now();
    believed = feedback_.believed(ids.front(), now);
    if (const bool fallen = feedback_.fallen_back(now); fallen != fell_back_) {
      fell_back_ = fallen;
      if (fallen)
        log(LogLevel::warning, "no report for too long: planning for " +
                                   std::to_string(options_.fallback_snr_db) + " dB");
      else
        log(LogLevel::note, std::exchange(reported_, true)
                                ? "reports have come back: planning by them"
                                : "the first report is here: planning by it");
    }
  }
  std::vector<Outgoing> made = sending_->send(pool_, indices, ids, believed);
  for (std::size_t i = 0; i < names.size(); ++i) made[i].record.name = names[i];
  send(std::move(made), indices);
  return true;
}

void Client::Impl::send(std::vector<Outgoing> made, const std::vector<std::int32_t>& indices) {
  for (std::size_t i = 0; i < made.size(); ++i) {
    Flight flight;
    flight.record = std::move(made[i].record);
    flight.record.node = journal_->node();
    flight.index = watched_ ? indices[i] : -1;
    write_frame(flight.frame, FrameType::burst, write(made[i].burst));
    flight.sent = NodeClock::now();
    ++paced_;
    if (options_.datagrams) flight.symbols = std::move(made[i].burst.symbols);
    largest_flight_ = std::max({largest_flight_, flight.symbols.size(), std::size_t{1}});
    if (link_) put_on_air(*link_, flight);
    flights_[flight.record.key()] = std::move(flight);
  }
  if (link_) start_writing(link_);
}

Awaitable<void> Client::Impl::work() {
  for (;;) {
    const auto now = NodeClock::now();
    if (options_.reread && options_.reread->exchange(false)) read_revoked();
    if (stopped() && !summary_.interrupted) {
      summary_.interrupted = true;
      start_ = now;  // of the drain
    }
    if (summary_.interrupted &&
        (flights_.empty() || !link_ || seconds_between(start_, now) > drain_seconds))
      break;
    if (watched_ && seconds_between(looked_, now) >= watch_seconds && found_.empty()) {
      looked_ = now;
      std::vector<std::string> problems;
      found_ = watched_->look(problems);
      for (const std::string& problem : problems) log(LogLevel::warning, problem + ": not sent");
    }
    const bool connected = link_ && link_->welcomed && !link_->goodbye;
    if (!summary_.interrupted && connected && send_some()) {
      // The answers that came meanwhile first.
      co_await wake_.wait_until(NodeClock::now());
      continue;
    }
    if (watched_ ? options_.count > 0 && watched_done_ >= options_.count : work_->finished()) {
      end_point();
      if (point_ + 1 == station_.points().size()) break;
      begin_point(point_ + 1);
      continue;
    }
    auto until = now + in_seconds(0.1);
    if (options_.rate > 0 && connected && flights_.size() < window())
      until =
          std::min(until, paced_since_ + in_seconds(static_cast<double>(paced_) / options_.rate));
    co_await wake_.wait_until(std::max(until, NodeClock::now() + std::chrono::microseconds(100)));
  }
  if (watched_) end_point();
  over_ = true;
  co_await part();
  io_.stop();
}

/// Receipts and a goodbye, so that the receiver need not wait for us.
Awaitable<void> Client::Impl::part() {
  const LinkPtr link = link_;
  if (!link || !link->welcomed) co_return;
  send_receipts(*link);
  write_frame(link->outbox, FrameType::goodbye,
              write_goodbye(summary_.interrupted ? "interrupted" : "all is sent"));
  start_writing(link);
  const auto until = NodeClock::now() + in_seconds(goodbye_seconds);
  while (link->connection.open() && NodeClock::now() < until) co_await wake_.wait_until(until);
}

Client::Client(const Station& station, const Dataset& data, ThreadPool& pool, ClientOptions options)
    : impl_(std::make_unique<Impl>(station, data, pool, std::move(options))) {}
Client::~Client() = default;
ClientSummary Client::run() {
  return impl_->run();
}

}  // namespace semwave
