#include "node/server.h"

#include <algorithm>
#include <filesystem>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/error.h"
#include "node/server_impl.h"
#include "node/summary.h"

namespace semwave {
namespace {

/// The answer that a record was made of.
Answer answer_of(const Record& record) {
  const ImageRecord& image = record.image;
  return {.point = record.point, .image = image.image, .decision = image.decision, .header_lost = image.header_lost, .block_lost = image.block_lost, .tokens_lost = static_cast<std::uint32_t>(image.tokens_lost), .gain = image.gain, .uses = image.uses, .psnr_db = image.psnr_db,
          .ssim = image.ssim, .operations = record.receiver_operations, .expert_rows = record.expert_rows, .erased = record.erased, .queue_ns = record.ns[1], .channel_ns = record.ns[3],
          .decode_ns = record.ns[4]};
}

NodeId fresh_identity() {
  NodeId id;
  fill_random(id.data(), id.size());
  return id;
}

}  // namespace

Server::Impl::Impl(const Station& station, ThreadPool& pool, ServerOptions options)
    : station_(station), pool_(pool), options_(std::move(options)), hearing_(station, options_.shard),
      monitor_(station.scenario().name, station.model(0).architecture.transmitter_blocks, station.model(0).architecture.experts, station.model(0).architecture.grid()) {
  const std::string place = "--listen " + options_.host + ":" + std::to_string(options_.port);
  boost::system::error_code failure;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(options_.host, std::to_string(options_.port), tcp::resolver::passive, failure);
  if (failure || found.empty()) throw Error(place, "no such address: " + failure.message());
  const tcp::endpoint end = *found.begin();
  check_plain(end.address().to_string(), options_.keys.has_value(), options_.insecure, place);
  if (options_.keys) {
    revoked_ = std::make_shared<RevokedList>(options_.keys->revoked);
    tls_ = make_tls_context(*options_.keys, true, revoked_);
  }
  if (!options_.out.empty()) {
    std::error_code problem;
    std::filesystem::create_directories(options_.out, problem);
    if (problem) throw Error(options_.out, "cannot be made: " + problem.message());
    ResultFolder::check(options_.out);
  }
  journal_ = std::make_unique<Journal>(journal_path(), owner());
  if (journal_->cut() > 0) log(LogLevel::warning, journal_path() + ": a torn end of " + std::to_string(journal_->cut()) + " bytes was cut off");
  for (const Record& record : journal_->take()) {
    if (!station_.holds(record)) throw Error(journal_path(), "holds a record that is none of this scenario");
    keep(record);
    open_answer(record.node, answer_of(record));
  }
  acceptor_.open(end.protocol(), failure);
  if (!failure) acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor_.bind(end, failure);
  if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
  if (failure) throw Error(place, "cannot listen: " + failure.message());
  if (options_.datagrams) {  // it is closed again: whether it can be had is better known now
    datagram_end_ = {end.address(), acceptor_.local_endpoint().port()};
    (void)bound_socket(failure);
    if (failure) throw Error(place, "cannot take datagrams there: " + failure.message());
  }
  if (!options_.status_host.empty())
    status_ = std::make_unique<StatusPage>(io_, options_.status_host, options_.status_port, options_.insecure,
                                           StatusSource{.json = [this] { return monitor_.json(peer_lines(), summary_.refused, summary_.malformed, summary_.timed_out).dump(); },
                                                        .metrics = [this] { return monitor_.prometheus(peer_lines(), summary_.refused, summary_.malformed, summary_.timed_out); }});
}

std::vector<PeerLine> Server::Impl::peer_lines() const {
  std::vector<PeerLine> lines;
  for (const PeerPtr& peer : peers_)
    if (peer->greeted) lines.push_back({peer->name, peer->connection.peer(), peer->answered, peer->queue.size()});
  return lines;
}

Hello Server::Impl::owner() const {
  Hello hello;
  hello.node = fresh_identity();
  hello.scenario = station_.scenario_digest();
  hello.model = station_.model_digest();
  hello.name = "receiver";
  return hello;
}

ServerSummary Server::Impl::run() {
  spawn(io_, accept());
  spawn(io_, serve());
  spawn(io_, tick());
  if (options_.listening) options_.listening(acceptor_.local_endpoint().port(), status_ ? status_->port() : 0);
  io_.run();
  journal_->flush();
  journal_->sync();
  const double wall = seconds_between(first_, last_);
  journal_.reset();  // its records are read again: they are not kept twice
  if (!options_.out.empty()) records_ = Journal(journal_path(), owner()).take();
  options_.about["wall_seconds"] = wall;
  options_.about["connections"] = {{"refused", summary_.refused}, {"malformed", summary_.malformed}, {"timed_out", summary_.timed_out}};
  summary_.rows = write_results(station_, options_.out, options_.about, std::move(records_), wall, &late_);
  return summary_;
}

Server::Impl::PeerPtr Server::Impl::find(const Peer& peer) const {
  const auto at = std::find_if(peers_.begin(), peers_.end(), [&](const PeerPtr& other) { return other.get() == &peer; });
  return at == peers_.end() ? nullptr : *at;
}

Awaitable<void> Server::Impl::accept() {
  while (!ending_) {
    boost::system::error_code failure;
    tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (ending_ || failure == asio::error::operation_aborted) co_return;
    if (failure) {  // out of descriptors, most likely: those that hang are dropped in a moment
      log(LogLevel::warning, "a connection cannot be taken: " + failure.message());
      asio::steady_timer pause(io_, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      continue;
    }
    // Who has not said who it is makes room first, the oldest of them.
    if (static_cast<int>(peers_.size()) >= options_.most_connections) {
      const auto stranger = std::find_if(peers_.begin(), peers_.end(), [](const PeerPtr& peer) { return !peer->greeted; });
      if (stranger == peers_.end()) {
        ++summary_.refused;
        continue;
      }
      drop(PeerPtr(*stranger), "made room for another connection");
    }
    std::uint64_t channel = 0;
    fill_random(&channel, sizeof channel);
    auto peer = std::make_shared<Peer>(std::move(socket), tls_, io_.get_executor(), channel);
    peers_.push_back(peer);
    spawn(io_, session(peer));
  }
}

/// One image of each peer in turn, beginning behind the one that was served last.
std::vector<Waiting> Server::Impl::collect(std::vector<PeerPtr>& from) {
  std::vector<Waiting> batch;
  const auto now = NodeClock::now();
  const std::size_t most = static_cast<std::size_t>(std::max(1, options_.largest_batch));
  while (queued_ > 0 && batch.size() < most) {
    cursor_ = (cursor_ + 1) % peers_.size();
    const PeerPtr& peer = peers_[cursor_];
    if (peer->queue.empty()) continue;
    batch.push_back(std::move(peer->queue.front()));
    peer->queue.pop_front();
    release(*peer, batch.back().bytes);
    --queued_;
    batch.back().image.queue_ns = static_cast<std::uint64_t>((now - batch.back().arrived).count());
    from.push_back(peer);
  }
  return batch;
}

Awaitable<void> Server::Impl::serve() {
  for (;;) {
    if (queued_ == 0) {
      if (ending_) co_return;
      co_await work_.wait();
      continue;
    }
    if (options_.longest_wait > 0 && queued_ < static_cast<std::size_t>(options_.largest_batch) && !ending_) {
      auto oldest = NodeClock::time_point::max();
      for (const PeerPtr& peer : peers_)
        if (!peer->queue.empty()) oldest = std::min(oldest, peer->queue.front().arrived);
      const auto until = oldest + in_seconds(options_.longest_wait);
      if (until > NodeClock::now()) {
        co_await work_.wait_until(until);
        continue;
      }
    }
    std::vector<PeerPtr> from;
    std::vector<Waiting> batch = collect(from);
    hear(std::move(batch), from);
    // Three turns of the loop: the sockets are looked at, what has come is read and taken, before the next batch is put together.
    for (int turn = 0; turn < 3 && (turn == 0 || queued_ > 0); ++turn) co_await asio::post(io_, asio::use_awaitable);
  }
}

void Server::Impl::hear(std::vector<Waiting> batch, const std::vector<PeerPtr>& from) {
  std::vector<Incoming> images;
  for (Waiting& waiting : batch) images.push_back(std::move(waiting.image));
  hearing_.hear(pool_, images);
  monitor_.batch(images.size());
  for (const Incoming& image : images) {
    if (pasts_[image.node].recorded.contains(image.record.key())) {
      ++summary_.repeated;
      continue;
    }
    journal_->append(image.record);
    keep(image.record);
  }
  journal_->flush();  // before anybody is told
  for (std::size_t i = 0; i < images.size(); ++i) {
    from[i]->outbox += open_answer(images[i].node, images[i].answer);
    ++from[i]->answered;
    feed_back(*from[i], images[i]);
  }
  last_ = NodeClock::now();
  unsynced_ = true;
  for (const PeerPtr& peer : from) {
    start_writing(peer);
    peer->room.notify();
  }
}

std::string Server::Impl::open_answer(const NodeId& node, const Answer& answer) {
  std::string frame;
  write_frame(frame, FrameType::answer, write(answer));
  auto& open = pasts_[node].open_answers;
  open[{answer.point, answer.image}] = frame;
  // Who keeps to the window has sent receipts for all before these; another one's images are heard again if they are asked for.
  if (open.size() > options_.window) open.erase(open.begin());
  return frame;
}

void Server::Impl::keep(const Record& record) {
  pasts_[record.node].recorded.insert(record.key());
  ++summary_.images;
  monitor_.add(record);
  if (options_.out.empty()) records_.push_back(record);
}

Awaitable<void> Server::Impl::tick() {
  asio::steady_timer timer(io_);
  boost::system::error_code ignored;
  NodeClock::time_point synced = NodeClock::now(), asked{}, counted{};
  bool told = false;
  for (;;) {
    timer.expires_after(std::chrono::milliseconds(50));
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto now = NodeClock::now();
    if (options_.reread && options_.reread->exchange(false)) read_revoked();
    admit_more();
    look_after(now);
    close_assemblies(now);
    if (unsynced_ && seconds_between(synced, now) > 1) {
      journal_->sync();
      unsynced_ = false;
      synced = now;
    }
    if (options_.progress) options_.progress(summary_.images, static_cast<int>(std::count_if(peers_.begin(), peers_.end(), [](const PeerPtr& peer) { return peer->greeted; })));
    if (counted == NodeClock::time_point{} && enough()) counted = now;
    // Those that recorded answers were on their way to may still ask for them, of an earlier life too.
    const bool settled = enough() && (std::all_of(pasts_.begin(), pasts_.end(), [](const auto& past) { return past.second.open_answers.empty(); }) || seconds_between(counted, now) > options_.drain_seconds);
    if (!ending_ && ((options_.stop && options_.stop->load()) || settled)) {
      ending_ = true;
      asked = now;
      acceptor_.close(ignored);
      work_.notify();
    }
    if (!ending_) continue;
    if (queued_ == 0 && !told) {  // what was in flight is answered
      told = true;
      for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) {
        if (peer->greeted) send(*peer, FrameType::goodbye, write_goodbye("the receiver ends"));
        else drop(peer, "had not said who it is");
      }
    }
    if (peers_.empty() || seconds_between(asked, now) > options_.drain_seconds) break;
  }
  for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) drop(peer, "did not leave in time");
  status_.reset();
  io_.stop();
}

Server::Server(const Station& station, ThreadPool& pool, ServerOptions options) : impl_(std::make_unique<Impl>(station, pool, std::move(options))) {}
Server::~Server() = default;
ServerSummary Server::run() { return impl_->run(); }

}  // namespace semwave
