// What a receiver says and hears on one connection.
#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "node/receiver/server_impl.h"

namespace semwave {
namespace {

constexpr std::size_t piece_bytes = 1u << 16;  // read at once

/// Over TLS a transmitter is its certificate: what it says of itself tells its lives apart, and
/// nobody else's.
NodeId identity_under(const std::string& certificate, const NodeId& said) {
  Sha256 sum;
  sum.add(certificate.c_str(), certificate.size() + 1);  // with the NUL, which no name holds
  sum.add(said.data(), said.size());
  const Digest digest = digest_of(sum.hex());
  NodeId made;
  std::copy_n(digest.begin(), made.size(), made.begin());
  return made;
}

}  // namespace

Awaitable<bool> Server::Impl::admit(PeerPtr peer) {
  boost::system::error_code failure;
  co_await peer->connection.spoken_to(failure);
  if (failure) co_return false;
  knocking_.push_back(peer);
  admit_more();
  while (!peer->admitted && peer->connection.open()) co_await peer->room.wait();
  co_return peer->connection.open();
}

/// As many as the time since the last call allows, first come first served.
void Server::Impl::admit_more() {
  const auto now = NodeClock::now();
  const double most = std::max(1.0, options_.handshakes_per_second / 8);
  handshakes_ = std::min(
      most, handshakes_ + options_.handshakes_per_second * seconds_between(admitted_, now));
  admitted_ = now;
  for (; !knocking_.empty(); knocking_.pop_front()) {
    Peer& first = *knocking_.front();
    if (!first.connection.open()) continue;
    if (handshakes_ < 1) return;
    --handshakes_;
    first.admitted = true;
    first.room.notify();
  }
}

void Server::Impl::read_revoked() {
  if (!revoked_) return;
  const auto [worked, words] = revoked_->read_again();
  log(worked ? LogLevel::note : LogLevel::warning, words);
  if (!worked) return;
  for (const PeerPtr& peer : std::vector<PeerPtr>(peers_))
    if (peer->certificate && revoked_->holds(*peer->certificate)) {
      ++summary_.refused;
      drop(peer, "refused: its certificate was revoked", LogLevel::warning);
    }
}

Awaitable<bool> Server::Impl::greet(PeerPtr peer) {
  if (tls_ && !co_await admit(peer)) {
    drop(peer, "left before it said who it is");
    co_return false;
  }
  boost::system::error_code failure;
  std::string reason;
  co_await peer->connection.handshake(true, failure, reason);
  if (failure) {
    if (peer->connection.open()) {
      ++summary_.refused;
      drop(peer, "refused: no TLS session: " + reason, LogLevel::note);
    }
    co_return false;
  }
  peer->certificate = peer->connection.certificate();
  std::string piece(2048, '\0');
  Frame frame;
  while (!peer->frames.next(frame)) {
    std::size_t got = 0;
    if (peer->frames.fault() == FrameFault::none)
      got = co_await peer->connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) {
      if (peer->frames.fault() != FrameFault::none) ++summary_.malformed;
      drop(peer,
           peer->frames.fault() != FrameFault::none
               ? std::string("malformed: ") + describe(peer->frames.fault())
               : "left before it said who it is",
           LogLevel::detail);
      co_return false;
    }
    peer->frames.append(std::string_view(piece).substr(0, got));
  }
  if (const std::optional<Refusal> refusal = intake_->judge(*peer, frame, ending_)) {
    std::string bytes;
    write_frame(bytes, FrameType::refusal, write(*refusal));
    if (refusal->code == RefusalCode::scenario)
      write_frame(bytes, FrameType::statement, write(station_.statement()));
    co_await peer->connection.write(bytes, failure);
    ++summary_.refused;
    drop(peer, "refused: " + refusal->reason, LogLevel::note);
    co_return false;
  }
  if (!peer->connection.open()) co_return false;  // dropped while this came
  const Hello& hello = peer->hello;
  peer->name = hello.name.empty() ? hexadecimal(hello.node).substr(0, 8) : hello.name;
  if (peer->certificate) {
    peer->name = peer->certificate->name;
    peer->hello.node = identity_under(peer->name, hello.node);
  }
  // A transmitter that came back: what is left of its old connection is of no use any more.
  for (const PeerPtr& other : std::vector<PeerPtr>(peers_))
    if (other != peer && other->greeted && other->hello.node == hello.node)
      drop(other, "came back over another connection");
  Welcome welcome = intake_->welcome(*peer);
  welcome.channel = peer->channel;
  if (hello.datagrams && options_.datagrams) open_datagrams(peer, welcome);
  peer->window = welcome.window;
  send(*peer, FrameType::welcome, write(welcome));
  intake_->words().tell("transmitters that came", LogLevel::note,
                        peer->connection.peer() + ": " + peer->name + " is here");
  co_return true;
}

Awaitable<void> Server::Impl::session(PeerPtr peer) {
  if (!co_await greet(peer)) co_return;
  std::string piece(piece_bytes, '\0');
  boost::system::error_code failure;
  while (peer->connection.open()) {
    bool goes_on = true, whole = false;
    for (Frame frame; goes_on && !peer->refused && !waits(peer) && peer->frames.next(frame);
         whole = true)
      goes_on = intake_->take(*peer, frame);
    intake_->settle(*peer);
    if (intake_->queued() > 0) work_.notify();
    start_writing(peer);
    if (peer->frames.fault() != FrameFault::none || !goes_on) {
      ++summary_.malformed;
      drop(peer,
           std::string("malformed: ") + describe(peer->frames.fault() != FrameFault::none
                                                     ? peer->frames.fault()
                                                     : FrameFault::body),
           LogLevel::note);
      co_return;
    }
    if (peer->refused) co_return;  // it goes when it has been told why
    const bool half = peer->frames.half() && !peer->frames.whole();
    if (half && (whole || !peer->half)) peer->half_since = NodeClock::now();
    peer->half = half;
    if (waits(peer) || !make_room(peer->frames.memory() + piece_bytes,
                                  peer.get())) {  // what it sends on waits in its own buffers
      co_await peer->room.wait_until(NodeClock::now() + in_seconds(1));
      peer->heard = NodeClock::now();
      continue;
    }
    const std::size_t got =
        co_await peer->connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) {
      drop(peer, "has gone");
      co_return;
    }
    peer->heard = NodeClock::now();
    peer->frames.append(std::string_view(piece).substr(0, got));
    intake_->settle(*peer);
  }
}

void Server::Impl::send(Peer& peer, FrameType type, const std::string& body) {
  write_frame(peer.outbox, type, body);
  if (const PeerPtr known = find(peer)) start_writing(known);
}

void Server::Impl::start_writing(const PeerPtr& peer) {
  if (peer->writing || peer->outbox.empty() || !peer->connection.open()) return;
  peer->writing = true;
  peer->written = NodeClock::now();
  spawn(io_, write_out(peer));
}

Awaitable<void> Server::Impl::write_out(PeerPtr peer) {
  boost::system::error_code failure;
  while (!peer->outbox.empty() && !failure) {
    const std::string bytes = std::exchange(peer->outbox, {});
    peer->sending_bytes = bytes.capacity();
    intake_->settle(*peer);
    co_await peer->connection.write(bytes, failure);
    peer->written = NodeClock::now();
    peer->sending_bytes = 0;
    intake_->settle(*peer);
  }
  peer->writing = false;
  peer->room.notify();
  if (peer->leaving && !failure) drop(peer, "has gone");
}

void Server::Impl::drop(const PeerPtr& peer, const std::string& why, LogLevel level) {
  const auto at = std::find(peers_.begin(), peers_.end(), peer);
  if (at == peers_.end()) return;
  // What peers do wrong is no fault of this end: a note, and not every one of them.
  const std::string text =
      peer->connection.peer() + ": " + (peer->name.empty() ? "" : peer->name + " ") + why;
  if (level == LogLevel::detail)
    log(level, text);
  else
    intake_->words().tell(why.substr(0, why.find(':')), std::min(level, LogLevel::note), text);
  intake_->leave(*peer);
  close_datagrams(*peer);
  peer->connection.close();
  peer->room.notify();
  peers_.erase(at);
}

/// Who has kept us waiting for too long. What waits in the kernel while the pool computes counts as
/// heard.
void Server::Impl::look_after(NodeClock::time_point now) {
  for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) {
    const double open = seconds_between(peer->opened, now),
                 silent = seconds_between(peer->heard, now);
    std::string why;
    if (!peer->greeted) {
      if (open > options_.handshake_seconds) why = "timed out: no handshake";
    } else if (peer->connection.available() == 0 && !intake_->full(*peer)) {
      if (peer->half && seconds_between(peer->half_since, now) > options_.frame_seconds)
        why = "timed out: half a frame";
      else if (silent > options_.idle_seconds && peer->queue.empty())
        why = "timed out: silent";
    }
    if (peer->writing && seconds_between(peer->written, now) > options_.idle_seconds)
      why = "timed out: takes no answers";
    if (why.empty()) continue;
    ++summary_.timed_out;
    drop(peer, why, peer->greeted ? LogLevel::note : LogLevel::detail);
  }
}

}  // namespace semwave
