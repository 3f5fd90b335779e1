// The insides of a receiver node: its life in server.cpp, its conversations in server_session.cpp.
#pragma once

#include <deque>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "node/net/status_page.h"
#include "node/receiver/intake.h"
#include "node/receiver/peer.h"
#include "node/receiver/server.h"

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
  /// Waits until a stranger has spoken and the thread can bear another key exchange; false where it
  /// is gone.
  Awaitable<bool> admit(PeerPtr peer);
  void admit_more();
  Awaitable<bool> greet(PeerPtr peer);
  /// The list of revoked certificates again; who is on it goes.
  void read_revoked();
  Awaitable<void> write_out(PeerPtr peer);
  Awaitable<void> serve();
  Awaitable<void> tick();
  /// Memory for a peer's next bytes: whoever has kept much of it for long without going on is
  /// dropped for it. False where nobody has.
  bool make_room(std::size_t bytes, const Peer* spared);
  /// Its next frame is not taken yet.
  bool waits(const PeerPtr& peer) {
    return intake_->full(*peer) || !make_room(intake_->cost_of_next(*peer), peer.get());
  }
  /// Datagrams.
  ///
  /// The port is open while a peer that asked for it is here. Where each comes from is not known
  /// before its first datagram: that one finds it by its channel's number, and from then on the
  /// peer has a socket of its own on the same port, which hears nobody else. Strangers fill no
  /// buffer but their own.
  using UdpSocket = std::shared_ptr<asio::ip::udp::socket>;
  UdpSocket bound_socket(boost::system::error_code& failure);
  void open_datagrams(const PeerPtr& peer, Welcome& welcome);
  void close_datagrams(Peer& peer);
  /// From the port of all, or (`owner`) from that peer's own.
  Awaitable<void> receive_datagrams(UdpSocket socket, PeerPtr owner);
  /// False where it is for nobody.
  bool take_datagram(std::string_view bytes, const asio::ip::udp::endpoint& from,
                     const PeerPtr& owner);
  void give_own_port(const PeerPtr& peer, const asio::ip::udp::endpoint& from);
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
  std::shared_ptr<RevokedList> revoked_;
  TlsContext tls_;
  double handshakes_ = 0;  // that may begin now
  NodeClock::time_point admitted_{};
  asio::io_context io_{1};
  std::deque<PeerPtr> knocking_;  // for a handshake
  tcp::acceptor acceptor_{io_};
  asio::ip::udp::endpoint datagram_end_;  // where they are taken
  UdpSocket datagrams_;  // from whom they are not known yet; none while nobody uses them
  std::unordered_map<std::uint64_t, PeerPtr> by_channel_;  // who uses them
  std::unique_ptr<StatusPage> status_;
  std::vector<PeerPtr> peers_;
  Signal work_{io_.get_executor()};
  bool ending_ = false;
};

}  // namespace semwave
