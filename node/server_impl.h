// The insides of a receiver node: its life in server.cpp, its conversations in server_session.cpp.
#pragma once

#include <random>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "node/intake.h"
#include "node/peer.h"
#include "node/server.h"
#include "node/status_page.h"

namespace semwave {

class Server::Impl {
 public:
  Impl(const Station& station, ThreadPool& pool, ServerOptions options);
  ServerSummary run();

 private:
  using PeerPtr = std::shared_ptr<Peer>;

  void log(LogLevel level, const std::string& text) const {
    if (options_.log) options_.log(level, text);
  }

  Awaitable<void> accept();
  Awaitable<void> session(PeerPtr peer);
  Awaitable<bool> greet(PeerPtr peer);
  Awaitable<void> write_out(PeerPtr peer);
  Awaitable<void> serve();
  Awaitable<void> tick();
  /// Memory for a peer's next bytes: whoever has kept much of it for long without going on is dropped for it. False where nobody has.
  bool make_room(std::size_t bytes, const Peer* spared);
  /// Its next frame is not taken yet.
  bool waits(const PeerPtr& peer) { return intake_->full(*peer) || !make_room(intake_->cost_of_next(*peer), peer.get()); }
  Awaitable<void> receive_datagrams();
  void open_datagrams(Peer& peer, Welcome& welcome);
  void take_datagram(std::string_view bytes, const asio::ip::udp::endpoint& from);
  void close_assemblies(NodeClock::time_point now);
  std::vector<PeerLine> peer_lines() const;
  void send(Peer& peer, FrameType type, const std::string& body);
  void start_writing(const PeerPtr& peer);
  void drop(const PeerPtr& peer, const std::string& why, LogLevel level = LogLevel::detail);
  void look_after(NodeClock::time_point now);
  PeerPtr find(const Peer& peer) const;

  const Station& station_;
  ThreadPool& pool_;
  ServerOptions options_;
  ServerSummary summary_;
  std::unique_ptr<Intake> intake_;
  TlsContext tls_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::ip::udp::socket datagrams_{io_};
  std::unique_ptr<StatusPage> status_;
  std::vector<PeerPtr> peers_;
  Signal work_{io_.get_executor()};
  std::mt19937_64 channels_{std::random_device{}()};  // names of connections; no result depends on them
  bool ending_ = false;
};

}  // namespace semwave
