#include "node/receiver/server.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/base/error.h"
#include "node/net/unguessable.h"
#include "node/receiver/server_impl.h"

namespace semwave {
namespace {

// A connection before anything is said on it: its buffers, its coroutine, and the state of TLS.
constexpr std::size_t connection_bytes = 96u << 10, tls_bytes = 96u << 10;

}  // namespace

Server::Impl::Impl(const Station& station, ThreadPool& pool, ServerOptions options)
    : station_(station), pool_(pool), options_(std::move(options)) {
  const std::string place = "--listen " + options_.host + ":" + std::to_string(options_.port);
  boost::system::error_code failure;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                      tcp::resolver::passive, failure);
  if (failure || found.empty()) throw Error(place, "no such address: " + failure.message());
  const tcp::endpoint end = *found.begin();
  check_plain(end.address().to_string(), options_.keys.has_value(), options_.insecure, place);
  if (options_.keys) {
    revoked_ = std::make_shared<RevokedList>(options_.keys->revoked);
    tls_ = make_tls_context(*options_.keys, true, revoked_);
  }
  intake_ = std::make_unique<Intake>(station_, pool_, options_, summary_);
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
    status_ = std::make_unique<StatusPage>(
        io_, options_.status_host, options_.status_port, options_.insecure,
        StatusSource{
            .json =
                [this] {
                  return intake_->monitor()
                      .json(peer_lines(), summary_.refused, summary_.malformed, summary_.timed_out)
                      .dump();
                },
            .metrics =
                [this] {
                  return intake_->monitor().prometheus(peer_lines(), summary_.refused,
                                                       summary_.malformed, summary_.timed_out);
                }});
}

std::vector<PeerLine> Server::Impl::peer_lines() const {
  std::vector<PeerLine> lines;
  for (const PeerPtr& peer : peers_)
    if (peer->greeted)
      lines.push_back({peer->name, peer->connection.peer(), peer->answered, peer->queue.size()});
  return lines;
}

ServerSummary Server::Impl::run() {
  spawn(io_, accept());
  spawn(io_, serve());
  spawn(io_, tick());
  if (options_.budget) options_.budget(intake_->most());
  if (options_.listening)
    options_.listening(acceptor_.local_endpoint().port(), status_ ? status_->port() : 0);
  io_.run();
  intake_->finish();
  return summary_;
}

Server::Impl::PeerPtr Server::Impl::find(const Peer& peer) const {
  const auto at = std::find_if(peers_.begin(), peers_.end(),
                               [&](const PeerPtr& other) { return other.get() == &peer; });
  return at == peers_.end() ? nullptr : *at;
}

Awaitable<void> Server::Impl::accept() {
  while (!ending_) {
    boost::system::error_code failure;
    tcp::socket socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (ending_ || failure == asio::error::operation_aborted) co_return;
    if (failure) {  // out of descriptors, most likely: those that hang are dropped in a moment
      intake_->words().tell("connections that cannot be taken", LogLevel::warning,
                            "a connection cannot be taken: " + failure.message());
      asio::steady_timer pause(io_, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      continue;
    }
    // Who has not said who it is makes room first, the oldest of them.
    if (static_cast<int>(peers_.size()) >= options_.most_connections) {
      const auto stranger = std::find_if(peers_.begin(), peers_.end(),
                                         [](const PeerPtr& peer) { return !peer->greeted; });
      if (stranger == peers_.end()) {
        ++summary_.refused;
        continue;
      }
      drop(PeerPtr(*stranger), "made room for another connection");
    }
    const std::size_t own = connection_bytes + (tls_ ? tls_bytes : 0);
    if (!make_room(own, nullptr)) {
      ++summary_.refused;
      intake_->words().tell("refused", LogLevel::note,
                            "a connection is refused: the memory for peers is spent (--memory)");
      continue;
    }
    std::uint64_t channel = 0;
    fill_random(&channel, sizeof channel);
    auto peer = std::make_shared<Peer>(std::move(socket), tls_, io_.get_executor(), channel);
    peer->fixed_bytes = own;
    peers_.push_back(peer);
    intake_->join(*peer);
    spawn(io_, session(peer));
  }
}

Awaitable<void> Server::Impl::serve() {
  for (;;) {
    if (intake_->queued() == 0) {
      if (ending_) co_return;
      co_await work_.wait();
      continue;
    }
    if (options_.longest_wait > 0 &&
        intake_->queued() < static_cast<std::size_t>(options_.largest_batch) && !ending_) {
      const auto until = intake_->oldest() + in_seconds(options_.longest_wait);
      if (until > NodeClock::now()) {
        co_await work_.wait_until(until);
        continue;
      }
    }
    std::vector<Intake::Turn> turns = intake_->collect();
    intake_->hear(turns);
    for (const Intake::Turn& turn : turns) {
      Peer& peer = static_cast<Peer&>(*turn.party);
      start_writing(peer.shared_from_this());
      peer.room.notify();
    }
    // Three turns of the loop: the sockets are looked at, what has come is read and taken, before
    // the next batch is put together.
    for (int turn = 0; turn < 3 && (turn == 0 || intake_->queued() > 0); ++turn)
      co_await asio::post(io_, asio::use_awaitable);
  }
}

bool Server::Impl::make_room(std::size_t bytes, const Peer* spared) {
  const auto now = NodeClock::now();
  while (!intake_->affords(bytes)) {
    PeerPtr worst;
    double most = 0;
    for (const PeerPtr& peer : peers_) {
      if (peer.get() == spared) continue;
      // What waits for the pool is no fault of its peer.
      double kept = 0;
      if (!peer->greeted) kept = seconds_between(peer->opened, now);
      if (peer->half) kept = std::max(kept, seconds_between(peer->half_since, now));
      if (peer->writing) kept = std::max(kept, seconds_between(peer->written, now));
      if (kept * static_cast<double>(peer->charged_bytes) <= most) continue;
      most = kept * static_cast<double>(peer->charged_bytes);
      worst = peer;
    }
    if (!worst) return false;
    ++summary_.refused;
    drop(worst,
         "made room: the memory for peers is spent, and it kept " +
             std::to_string(worst->charged_bytes >> 10) + " KiB without going on",
         LogLevel::note);
  }
  return true;
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
    intake_->words().look(now);
    if (seconds_between(synced, now) > 1) {
      intake_->sync();
      synced = now;
    }
    if (options_.progress)
      options_.progress(summary_.images, static_cast<int>(std::count_if(
                                             peers_.begin(), peers_.end(),
                                             [](const PeerPtr& peer) { return peer->greeted; })));
    if (counted == NodeClock::time_point{} && intake_->enough()) counted = now;
    // Those that recorded answers were on their way to may still ask for them, of an earlier life
    // too.
    const bool settled = intake_->enough() && (intake_->settled() || seconds_between(counted, now) >
                                                                         options_.drain_seconds);
    if (!ending_ && ((options_.stop && options_.stop->load()) || settled)) {
      ending_ = true;
      asked = now;
      acceptor_.close(ignored);
      work_.notify();
    }
    if (!ending_) continue;
    if (intake_->queued() == 0 && !told) {  // what was in flight is answered
      told = true;
      for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) {
        if (peer->greeted)
          send(*peer, FrameType::goodbye, write_goodbye("the receiver ends"));
        else
          drop(peer, "had not said who it is");
      }
    }
    if (peers_.empty() || seconds_between(asked, now) > options_.drain_seconds) break;
  }
  for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) drop(peer, "did not leave in time");
  status_.reset();
  io_.stop();
}

Server::Server(const Station& station, ThreadPool& pool, ServerOptions options)
    : impl_(std::make_unique<Impl>(station, pool, std::move(options))) {}
Server::~Server() = default;
ServerSummary Server::run() {
  return impl_->run();
}

}  // namespace semwave
