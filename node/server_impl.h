// The insides of a receiver node: its life in server.cpp, its conversations in server_session.cpp.
#pragma once

#include <deque>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "node/journal.h"
#include "node/monitor.h"
#include "node/peer.h"
#include "node/server.h"
#include "node/status_page.h"
#include "node/summary.h"

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
  Hello owner() const;  // of the journal
  std::string journal_path() const { return options_.out.empty() ? "" : options_.out + "/receiver.journal"; }

  Awaitable<void> accept();
  Awaitable<void> session(PeerPtr peer);
  /// Waits until a stranger has spoken and the thread can bear another key exchange; false where it is gone.
  Awaitable<bool> admit(PeerPtr peer);
  void admit_more();
  Awaitable<bool> greet(PeerPtr peer);
  /// The list of revoked certificates again; who is on it goes.
  void read_revoked();
  Awaitable<void> write_out(PeerPtr peer);
  Awaitable<void> serve();
  Awaitable<void> tick();
  /// A frame of a greeted peer; false where it ends the conversation.
  bool take(Peer& peer, const Frame& frame);
  bool take_burst(Peer& peer, std::string_view body);
  bool full(const Peer& peer) const {
    const std::size_t waiting = peer.queue.size() + peer.announced;
    return waiting >= peer.window || peer.queued_bytes > options_.most_bytes_a_peer || (queued_bytes_ > options_.most_bytes && waiting > 0) || peer.outbox.size() > options_.most_bytes_a_peer;
  }
  /// `count` images are recorded: no other is taken.
  bool enough() const { return options_.count > 0 && summary_.images >= options_.count; }
  std::vector<Waiting> collect(std::vector<PeerPtr>& from);
  void hear(std::vector<Waiting> batch, const std::vector<PeerPtr>& from);
  void keep(const Record& record);
  /// The frame of an answer, kept until its receipt comes.
  std::string open_answer(const NodeId& node, const Answer& answer);
  /// Datagrams: the frame of a burst opens its assembly, its symbols fill it, time or the last of them closes it.
  ///
  /// The port is open while a peer that asked for it is here. Where each comes from is not known before its first
  /// datagram: that one finds it by its channel's number, and from then on the peer has a socket of its own on the same
  /// port, which hears nobody else. Strangers fill no buffer but their own.
  using UdpSocket = std::shared_ptr<asio::ip::udp::socket>;
  UdpSocket bound_socket(boost::system::error_code& failure);
  void open_datagrams(const PeerPtr& peer, Welcome& welcome);
  void close_datagrams(Peer& peer);
  /// From the port of all, or (`owner`) from that peer's own.
  Awaitable<void> receive_datagrams(UdpSocket socket, PeerPtr owner);
  /// False where it is for nobody.
  bool take_datagram(std::string_view bytes, const asio::ip::udp::endpoint& from, const PeerPtr& owner);
  void give_own_port(const PeerPtr& peer, const asio::ip::udp::endpoint& from);
  void fill_assembly(Peer& peer, Datagram datagram);
  void fill(Assembly& assembly, const Datagram& datagram);
  void announce(Peer& peer, Waiting waiting);
  void close_assemblies(NodeClock::time_point now);
  using AssemblyAt = std::map<ImageKey, Assembly>::iterator;
  /// Into the queue where its frame has come, away where it has not.
  AssemblyAt close(Peer& peer, AssemblyAt assembly);
  void enqueue(Peer& peer, Waiting waiting);
  /// Memory that a peer's images take, from frame or datagram to batch.
  void charge(Peer& peer, std::size_t bytes);
  void release(Peer& peer, std::size_t bytes);
  std::vector<PeerLine> peer_lines() const;
  void feed_back(Peer& peer, const Incoming& image);
  void send(Peer& peer, FrameType type, const std::string& body);
  void start_writing(const PeerPtr& peer);
  void drop(const PeerPtr& peer, const std::string& why, LogLevel level = LogLevel::detail);
  void look_after(NodeClock::time_point now);
  PeerPtr find(const Peer& peer) const;

  const Station& station_;
  ThreadPool& pool_;
  ServerOptions options_;
  Hearing hearing_;
  std::shared_ptr<RevokedList> revoked_;
  TlsContext tls_;
  double handshakes_ = 0;         // that may begin now
  NodeClock::time_point admitted_{};
  std::deque<PeerPtr> knocking_;  // for one
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::ip::udp::endpoint datagram_end_;  // where they are taken
  UdpSocket datagrams_;                   // from whom they are not known yet; none while nobody uses them
  std::unordered_map<std::uint64_t, PeerPtr> by_channel_;  // who uses them
  std::unique_ptr<StatusPage> status_;
  std::unique_ptr<Journal> journal_;
  std::vector<PeerPtr> peers_;
  std::map<NodeId, Past> pasts_;
  std::vector<Record> records_;  // without a folder
  Monitor monitor_;
  Signal work_{io_.get_executor()};
  std::size_t cursor_ = 0, queued_ = 0, queued_bytes_ = 0;
  bool ending_ = false, unsynced_ = false;
  NodeClock::time_point first_{}, last_{};  // burst taken, image recorded
  LateSymbols late_;
  ServerSummary summary_;
};

}  // namespace semwave
