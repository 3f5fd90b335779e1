// What a receiver says and hears on one connection.
#include <algorithm>
#include <cmath>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/error.h"
#include "core/sha256.h"
#include "node/server_impl.h"

namespace semwave {
namespace {

constexpr std::size_t piece_bytes = 1u << 16;      // read at once

/// Over TLS a transmitter is its certificate: what it says of itself tells its lives apart, and nobody else's.
NodeId identity_under(const std::string& certificate, const NodeId& said) {
  Sha256 sum;
  sum.add(certificate.c_str(), certificate.size() + 1);  // with the NUL, which no name holds
  sum.add(said.data(), said.size());
  const Digest digest = digest_of(sum.hex());
  NodeId made;
  std::copy_n(digest.begin(), made.size(), made.begin());
  return made;
}

/// What a burst takes until it is heard: unpacked, a bit is a byte, and symbols that come as datagrams have their places kept.
std::size_t memory_of(const BurstMessage& burst) {
  const bool apart = burst.format == SymbolFormat::datagrams;
  std::size_t bytes = sizeof(Waiting) + std::size_t{burst.count} * (sizeof(std::complex<float>) + (apart ? 1 : 0)) + burst.told.size() + sizeof(std::int32_t) * burst.places.size();
  for (const Bits& part : burst.header.parts) bytes += sizeof(Bits) + part.size();
  return bytes + (burst.truth ? burst.truth->original.size() : 0);
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
  handshakes_ = std::min(most, handshakes_ + options_.handshakes_per_second * seconds_between(admitted_, now));
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
  try {
    revoked_->read();
  } catch (const Error& problem) {
    return log(LogLevel::warning, std::string(problem.what()) + "; the certificates revoked before stay so");
  }
  log(LogLevel::note, revoked_->path() + ": " + std::to_string(revoked_->size()) + " certificates are revoked");
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
      drop(peer, "refused: no TLS session: " + reason, LogLevel::warning);
    }
    co_return false;
  }
  peer->certificate = peer->connection.certificate();
  std::string piece(2048, '\0');
  Frame frame;
  while (!peer->frames.next(frame)) {
    std::size_t got = 0;
    if (peer->frames.fault() == FrameFault::none) got = co_await peer->connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) {
      if (peer->frames.fault() != FrameFault::none) ++summary_.malformed;
      drop(peer, peer->frames.fault() != FrameFault::none ? std::string("malformed: ") + describe(peer->frames.fault()) : "left before it said who it is", LogLevel::detail);
      co_return false;
    }
    peer->frames.append(std::string_view(piece).substr(0, got));
  }
  std::optional<Hello> hello;
  if (frame.type == FrameType::hello) hello = read_hello(frame.body);
  Refusal refusal;
  const auto differs = [&](RefusalCode code, const char* what, const Digest& theirs, const Digest& ours) {
    const auto start_of = [](const Digest& digest) { return hexadecimal(digest).substr(0, 16) + "..."; };
    refusal = {code, std::string("the ") + what + ": the transmitter has " + start_of(theirs) +
                         ", the receiver " + start_of(ours)};
  };
  if (!hello) refusal = {RefusalCode::malformed, "expected a hello"};
  else if (hello->protocol != protocol_version) refusal = {RefusalCode::protocol, "the transmitter speaks version " + std::to_string(hello->protocol) + " of the protocol, the receiver version " + std::to_string(protocol_version)};
  else if (hello->model != station_.model_digest())
    differs(RefusalCode::model, "checkpoint differs", hello->model, station_.model_digest());
  else if (hello->scenario != station_.scenario_digest()) 
    differs(RefusalCode::scenario, "scenario differs, or a part of the code, a library or a table that it uses",
            hello->scenario, station_.scenario_digest());
  else if (ending_) refusal = {RefusalCode::ending, "the receiver ends"};
  if (!refusal.reason.empty()) {
    std::string bytes;
    write_frame(bytes, FrameType::refusal, write(refusal));
    co_await peer->connection.write(bytes, failure);
    ++summary_.refused;
    drop(peer, "refused: " + refusal.reason, LogLevel::warning);
    co_return false;
  }
  if (!peer->connection.open()) co_return false;  // dropped while this came
  peer->hello = *hello;
  peer->name = hello->name.empty() ? hexadecimal(hello->node).substr(0, 8) : hello->name;
  if (peer->certificate) {
    peer->name = peer->certificate->name;
    peer->hello.node = identity_under(peer->name, hello->node);
  }
  // A transmitter that came back: what is left of its old connection is of no use any more.
  for (const PeerPtr& other : std::vector<PeerPtr>(peers_))
    if (other != peer && other->greeted && other->hello.node == peer->hello.node) drop(other, "came back over another connection");
  peer->greeted = true;
  peer->frames.allow_bursts(options_.largest_burst);
  Welcome welcome;
  welcome.window = options_.window;
  welcome.channel = peer->channel;
  welcome.largest_burst = static_cast<std::uint32_t>(options_.largest_burst);
  if (hello->datagrams && options_.datagrams) open_datagrams(peer, welcome);
  peer->window = welcome.window;
  send(*peer, FrameType::welcome, write(welcome));
  log(LogLevel::note, peer->connection.peer() + ": " + peer->name + " is here");
  co_return true;
}

Awaitable<void> Server::Impl::session(PeerPtr peer) {
  if (!co_await greet(peer)) co_return;
  std::string piece(piece_bytes, '\0');
  boost::system::error_code failure;
  while (peer->connection.open()) {
    bool goes_on = true, whole = false;
    for (Frame frame; goes_on && !full(*peer) && peer->frames.next(frame); whole = true) goes_on = take(*peer, frame);
    start_writing(peer);
    if (peer->frames.fault() != FrameFault::none || !goes_on) {
      ++summary_.malformed;
      drop(peer, std::string("malformed: ") + describe(peer->frames.fault() != FrameFault::none ? peer->frames.fault() : FrameFault::body), LogLevel::warning);
      co_return;
    }
    if (full(*peer)) {  // what it sends on waits in its own buffers
      co_await peer->room.wait_until(NodeClock::now() + in_seconds(1));
      peer->heard = NodeClock::now();
      continue;
    }
    const bool half = peer->frames.half();
    if (half && (whole || !peer->half)) peer->half_since = NodeClock::now();
    peer->half = half;
    const std::size_t got = co_await peer->connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) {
      drop(peer, "has gone");
      co_return;
    }
    peer->heard = NodeClock::now();
    peer->frames.append(std::string_view(piece).substr(0, got));
  }
}

bool Server::Impl::take(Peer& peer, const Frame& frame) {
  switch (frame.type) {
    case FrameType::burst:
      return take_burst(peer, frame.body);
    case FrameType::receipt: {
      const auto receipt = read_receipt(frame.body);
      if (!receipt) return false;
      Past& past = pasts_[peer.hello.node];
      for (const ImageKey& key : *receipt) past.open_answers.erase(key);
      return true;
    }
    case FrameType::ping:
      send(peer, FrameType::ping, "");
      return true;
    case FrameType::goodbye: {
      const auto reason = read_goodbye(frame.body);
      if (!reason) return false;
      log(LogLevel::note, peer.connection.peer() + ": " + peer.name + " says goodbye: " + *reason);
      peer.leaving = true;
      send(peer, FrameType::goodbye, write_goodbye("goodbye"));
      return true;
    }
    default:
      return false;
  }
}

bool Server::Impl::take_burst(Peer& peer, std::string_view body) {
  std::optional<BurstMessage> burst = read_burst(body);
  const bool apart = burst && burst->format == SymbolFormat::datagrams;
  if (!burst || !hearing_.fits(*burst) || (apart && (!peer.seal || 8 * std::size_t{burst->count} > options_.largest_burst))) return false;
  const ImageKey key{burst->point, burst->image};
  const Past& past = pasts_[peer.hello.node];
  if (const auto answered = past.open_answers.find(key); answered != past.open_answers.end()) {
    ++summary_.repeated;
    peer.outbox += answered->second;
    return true;
  }
  if (enough() && !past.recorded.contains(key)) return true;  // for another life of this receiver
  if (first_ == NodeClock::time_point{}) first_ = NodeClock::now();
  Waiting waiting;
  waiting.image.burst = std::move(*burst);
  waiting.image.node = peer.hello.node;
  waiting.image.data = peer.hello.data;
  waiting.arrived = NodeClock::now();
  waiting.bytes = memory_of(waiting.image.burst);
  if (apart) {
    announce(peer, std::move(waiting));
  } else {
    charge(peer, waiting.bytes);
    enqueue(peer, std::move(waiting));
  }
  return true;
}

void Server::Impl::charge(Peer& peer, std::size_t bytes) {
  peer.queued_bytes += bytes;
  queued_bytes_ += bytes;
}

void Server::Impl::release(Peer& peer, std::size_t bytes) {
  peer.queued_bytes -= bytes;
  queued_bytes_ -= bytes;
}

void Server::Impl::enqueue(Peer& peer, Waiting waiting) {
  ++queued_;
  peer.queue.push_back(std::move(waiting));
  work_.notify();
}

void Server::Impl::feed_back(Peer& peer, const Incoming& image) {
  if (peer.hello.report_every == 0) return;
  Report& report = peer.report;
  report.last_image = image.burst.image;
  ++report.images;
  report.headers_lost += image.answer.header_lost;
  report.symbols += image.burst.count;
  report.erased += image.answer.erased;
  peer.signal += image.signal;
  peer.noise += image.noise;
  if (report.images < peer.hello.report_every) return;
  // Nothing read: as bad as a report can say.
  report.snr_db = peer.signal <= 0 ? -20 : std::clamp(10 * std::log10(peer.signal / std::max(peer.noise, 1e-12)), -20.0, Channel::ideal_snr_db);
  report.queue = static_cast<std::uint32_t>(std::min<std::size_t>(peer.queue.size(), 0xFFFFFFFFu));
  send(peer, FrameType::report, write(report));
  report = {.serial = report.serial + 1};
  peer.signal = peer.noise = 0;
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
    co_await peer->connection.write(bytes, failure);
    peer->written = NodeClock::now();
  }
  peer->writing = false;
  peer->room.notify();
  if (peer->leaving && !failure) drop(peer, "has gone");
}

void Server::Impl::drop(const PeerPtr& peer, const std::string& why, LogLevel level) {
  const auto at = std::find(peers_.begin(), peers_.end(), peer);
  if (at == peers_.end()) return;
  log(level, peer->connection.peer() + ": " + (peer->name.empty() ? "" : peer->name + " ") + why);
  queued_ -= peer->queue.size();
  release(*peer, peer->queued_bytes);
  peer->queue.clear();
  peer->assemblies.clear();
  peer->announced = 0;
  close_datagrams(*peer);
  peer->connection.close();
  peer->room.notify();
  peers_.erase(at);
  if (!peers_.empty()) cursor_ %= peers_.size();
}

/// Who has kept us waiting for too long. What waits in the kernel while the pool computes counts as heard.
void Server::Impl::look_after(NodeClock::time_point now) {
  for (const PeerPtr& peer : std::vector<PeerPtr>(peers_)) {
    const double open = seconds_between(peer->opened, now), silent = seconds_between(peer->heard, now);
    std::string why;
    if (!peer->greeted) {
      if (open > options_.handshake_seconds) why = "timed out: no handshake";
    } else if (peer->connection.available() == 0 && !full(*peer)) {
      if (peer->half && seconds_between(peer->half_since, now) > options_.frame_seconds) why = "timed out: half a frame";
      else if (silent > options_.idle_seconds && peer->queue.empty()) why = "timed out: silent";
    }
    if (peer->writing && seconds_between(peer->written, now) > options_.idle_seconds) why = "timed out: takes no answers";
    if (why.empty()) continue;
    ++summary_.timed_out;
    drop(peer, why, peer->greeted ? LogLevel::warning : LogLevel::detail);
  }
}

}  // namespace semwave
