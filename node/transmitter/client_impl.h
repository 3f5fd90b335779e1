// The insides of a transmitter node: its points and images in client.cpp, its connection in
// client_session.cpp.
#pragma once

#include <deque>
#include <map>
#include <random>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "node/net/clock.h"
#include "node/net/connection.h"
#include "node/record/journal.h"
#include "node/transmitter/client.h"
#include "node/transmitter/feedback.h"
#include "node/transmitter/sending.h"
#include "node/transmitter/work.h"
#include "node/wire/datagram.h"
#include "node/wire/frame.h"
#include "node/wire/statement.h"

namespace semwave {

/// An image without an answer.
struct Flight {
  std::string frame;
  std::vector<std::complex<float>> symbols;  // those that go as datagrams
  Record record;
  std::int32_t index = -1;  // in a watched folder's data
  NodeClock::time_point sent;
};

/// One connection, from its socket to its end.
struct Link {
  Link(tcp::socket socket, TlsContext tls)
      : connection(std::move(socket), std::move(tls)), frames(0) {}
  Connection connection;
  FrameReader frames;
  Welcome welcome;
  std::string outbox;
  std::vector<ImageKey> airing;  // bursts in the outbox whose symbols follow as datagrams
  std::vector<ImageKey> receipts;
  std::unique_ptr<asio::ip::udp::socket> datagrams;  // connected to the receiver's port
  std::unique_ptr<DatagramSeal> seal;
  std::uint64_t sequence = 0;
  bool writing = false, welcomed = false, goodbye = false;
  NodeClock::time_point heard = NodeClock::now(), said = heard;
};

class Client::Impl {
 public:
  Impl(const Station& station, const Dataset& data, ThreadPool& pool, ClientOptions options);
  ClientSummary run();

 private:
  using LinkPtr = std::shared_ptr<Link>;

  void log(LogLevel level, const std::string& text) const {
    if (options_.log) options_.log(level, text);
  }
  Hello hello() const;
  std::string journal_path() const {
    return options_.out.empty() ? "" : options_.out + "/transmitter.journal";
  }
  bool stopped() const { return options_.stop && options_.stop->load(); }
  void fail(const std::string& why);
  /// Of channels over which reports come too late for any image.
  void warn_of_feedback() const;
  /// The list of revoked certificates again; a receiver that is on it is left.
  void read_revoked();

  Awaitable<void> keep_connected();
  /// A link to the receiver, welcomed. Null, and `why`, where it may succeed later; what never will
  /// goes to fail(). Its steps follow.
  Awaitable<LinkPtr> connect(std::string& why);
  Awaitable<LinkPtr> reach(std::string& why);
  Awaitable<bool> shake_hands(Link& link, std::string& why);
  Awaitable<bool> be_welcomed(Link& link, boost::asio::steady_timer& limit, std::string& why);
  bool open_datagrams(Link& link, std::string& why);
  Awaitable<void> next_frame(Link& link, Frame& frame, boost::system::error_code& failure);
  Awaitable<std::string> what_differs(Link& link);
  Awaitable<void> converse(LinkPtr link);
  Awaitable<void> watch_over(LinkPtr link);
  Awaitable<void> write_out(LinkPtr link);
  Awaitable<void> work();
  Awaitable<void> part();
  Awaitable<void> pause(double time);

  bool take(Link& link, const Frame& frame);
  /// False where it is no answer to what was sent.
  bool take_answer(Link& link, const Answer& answer);
  void send_receipts(Link& link);
  void start_writing(const LinkPtr& link);
  std::size_t window() const;
  std::size_t chunk() const;
  /// Encodes and sends what there is room for; false where there was nothing to do.
  bool send_some();
  /// fail()s where the receiver has said that it takes none so large.
  void put_on_air(Link& link, const Flight& flight);
  /// The symbols of a burst whose frame has gone, as datagrams.
  Awaitable<void> send_symbols(LinkPtr link, ImageKey key);
  void send(std::vector<Outgoing> made, const std::vector<std::int32_t>& indices);
  void begin_point(std::size_t point);
  void end_point();

  const Station& station_;
  const Dataset& data_;
  ThreadPool& pool_;
  ClientOptions options_;
  std::shared_ptr<RevokedList> revoked_;
  TlsContext tls_;
  asio::io_context io_{1};
  std::unique_ptr<Journal> journal_;
  Feedback feedback_;
  bool fell_back_ = true, reported_ = false;
  LinkPtr link_;
  Signal wake_{io_.get_executor()};
  std::map<ImageKey, Flight> flights_;
  std::size_t point_ = 0;
  std::unique_ptr<Sending> sending_;
  std::unique_ptr<PointWork> work_;
  std::unique_ptr<WatchedFolder> watched_;
  std::vector<WatchedFolder::Found> found_;
  std::vector<std::vector<Record>> done_;               // [points]
  std::vector<Record> fresh_;                           // answered, and not in the journal yet
  std::deque<Record> finished_;                         // of finished points
  std::int64_t watched_done_ = 0, point_answered_ = 0;  // the latter by other points
  NodeClock::time_point start_ = NodeClock::now(), point_start_ = start_, looked_{};
  NodeClock::time_point
      paced_since_{};       // the connection: what it could not send before is not sent in a rush
  std::int64_t paced_ = 0;  // images since
  std::size_t largest_flight_ = 0;  // symbols of one, so far
  bool over_ = false;
  ClientSummary summary_;
  std::mt19937_64 jitter_{
      std::random_device{}()};  // of delays, and of datagrams that are dropped on purpose
};

}  // namespace semwave
