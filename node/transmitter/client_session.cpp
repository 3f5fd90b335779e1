// A transmitter's connection: made, kept, made again; what is said and heard on it.
#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/base/error.h"
#include "node/record/watched_name.h"
#include "node/transmitter/client_impl.h"

namespace semwave {
namespace {

constexpr std::size_t piece_bytes = 1u << 16;  // read at once
constexpr double ping_seconds = 10;
constexpr std::size_t datagrams_at_once =
    64;  // then the receiver is given a moment to empty its socket's buffer
constexpr double datagram_pause = 0.0005;  // seconds

}  // namespace

Awaitable<void> Client::Impl::pause(double time) {
  asio::steady_timer timer(io_, in_seconds(time));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Awaitable<void> Client::Impl::keep_connected() {
  auto alone_since = NodeClock::now();
  double delay = options_.first_retry_seconds;
  while (!over_) {
    std::string why;
    const LinkPtr link = co_await connect(why);
    if (over_) co_return;
    // Patience and delay begin anew where the receiver answers, and where it owed nothing: one that
    // takes bursts and hangs up is no receiver either.
    bool served = false;
    if (link) {
      served = flights_.empty();
      const std::int64_t answered = summary_.answered;
      link_ = link;
      ++summary_.connections;
      paced_since_ = NodeClock::now();
      paced_ = 0;
      // What was under way goes again, as it was: the receiver knows what it has answered.
      for (auto& [key, flight] : flights_) {
        if (summary_.connections > 1) ++summary_.resent;
        flight.sent = NodeClock::now();
        put_on_air(*link, flight);
      }
      start_writing(link);
      wake_.notify();
      co_await converse(link);
      link->connection.close();
      link_.reset();
      wake_.notify();
      served = served || summary_.answered > answered;
      why = served ? "the connection has gone" : "the connection has gone without an answer";
    }
    if (served) {
      alone_since = NodeClock::now();
      delay = options_.first_retry_seconds;
    }
    if (over_) co_return;
    if (seconds_between(alone_since, NodeClock::now()) > options_.patience_seconds)
      co_return fail(why + (link ? "; no answer for " : "; no connection for ") +
                     std::to_string(static_cast<int>(options_.patience_seconds)) + " s");
    log(LogLevel::detail, why + "; again in a moment");
    // Growing, and each node at its own time: a receiver that comes back is not met by all of them
    // at once.
    co_await pause(delay * std::uniform_real_distribution<double>(0.5, 1.5)(jitter_));
    delay = std::min(options_.longest_retry_seconds, 2 * delay);
  }
}

/// The first frame from here on; a fault of the stream, `failure` or a ping where there is none.
Awaitable<void> Client::Impl::next_frame(Link& link, Frame& frame,
                                         boost::system::error_code& failure) {
  std::string piece(2048, '\0');
  while (!link.frames.next(frame) && link.frames.fault() == FrameFault::none) {
    const std::size_t got = co_await link.connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) co_return;
    link.frames.append(std::string_view(piece).substr(0, got));
  }
}

/// Behind a refusal of the scenario; a receiver of an earlier version does not say it.
Awaitable<std::string> Client::Impl::what_differs(Link& link) {
  Frame frame;
  boost::system::error_code failure;
  co_await next_frame(link, frame, failure);
  if (frame.type != FrameType::statement) co_return "";
  const auto there = read_statement(frame.body);
  const std::string text = there ? differences(station_.statement(), *there) : "";
  co_return text.empty() ? "" : "; " + text;
}

Awaitable<Client::Impl::LinkPtr> Client::Impl::reach(std::string& why) {
  boost::system::error_code failure;
  const std::string place = options_.host + ":" + std::to_string(options_.port);
  tcp::resolver resolver(io_);
  const auto found =
      co_await resolver.async_resolve(options_.host, std::to_string(options_.port),
                                      asio::redirect_error(asio::use_awaitable, failure));
  if (failure || found.empty()) {
    why = place + ": no such address: " + failure.message();
    co_return nullptr;
  }
  tcp::socket socket(io_);
  for (const auto& entry : found) {
    check_plain(entry.endpoint().address().to_string(), options_.keys.has_value(),
                options_.insecure, "--connect " + place);
    socket.close(failure);
    co_await socket.async_connect(entry.endpoint(),
                                  asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) co_return std::make_shared<Link>(std::move(socket), tls_);
  }
  why = place + ": " + failure.message();
  co_return nullptr;
}

Awaitable<bool> Client::Impl::shake_hands(Link& link, std::string& why) {
  boost::system::error_code failure;
  const std::string place = options_.host + ":" + std::to_string(options_.port);
  std::string reason;
  co_await link.connection.handshake(false, failure, reason);
  if (failure) {
    why = place + ": no TLS session: " + reason;
    // Certificates that do not fit will not fit the next time either.
    if (failure.category() == asio::error::get_ssl_category()) fail(why);
    co_return false;
  }
  if (const auto there = link.connection.certificate();
      options_.keys && (!there || there->name != options_.peer)) {
    fail(place + ": its certificate names '" + (there ? there->name : "") + "', not '" +
         options_.peer + "': --peer says whom to expect");
    co_return false;
  }
  co_return true;
}

Awaitable<bool> Client::Impl::be_welcomed(Link& link, asio::steady_timer& limit, std::string& why) {
  boost::system::error_code failure;
  const std::string place = options_.host + ":" + std::to_string(options_.port);
  std::string bytes;
  write_frame(bytes, FrameType::hello, write(hello()));
  co_await link.connection.write(bytes, failure);
  Frame frame;
  if (!failure) co_await next_frame(link, frame, failure);
  if (frame.type == FrameType::refusal && !failure) {
    const auto refusal = read_refusal(frame.body);
    why = place + " refuses: " + (refusal ? refusal->reason : "for no reason that could be read");
    if (refusal && refusal->code == RefusalCode::scenario) why += co_await what_differs(link);
    limit.cancel();
    if (!refusal || !refusal->passes()) fail(why);
    co_return false;
  }
  limit.cancel();
  if (link.frames.fault() != FrameFault::none) {
    fail(place + ": no receiver of semwave: " + describe(link.frames.fault()));
    co_return false;
  }
  if (failure) {
    const std::string plain = " before a welcome: the receiver may want TLS (--keys)";
    why = place + ": " + reason_of(failure) + (options_.keys ? "" : plain);
    if (failure.category() == asio::error::get_ssl_category())
      fail(why);  // in TLS 1.3 a receiver says so after the handshake
    co_return false;
  }
  const auto welcome = frame.type == FrameType::welcome ? read_welcome(frame.body) : std::nullopt;
  if (!welcome) {
    fail(place + ": expected a welcome");
    co_return false;
  }
  link.welcome = *welcome;
  co_return true;
}

bool Client::Impl::open_datagrams(Link& link, std::string& why) {
  const std::string place = options_.host + ":" + std::to_string(options_.port);
  if (link.welcome.datagram_port == 0) {
    fail(place + " takes no datagrams");
    return false;
  }
  boost::system::error_code refused;
  const auto there = asio::ip::make_address(link.connection.address(), refused);
  const asio::ip::udp::endpoint port(there, link.welcome.datagram_port);
  link.datagrams = std::make_unique<asio::ip::udp::socket>(io_);
  link.datagrams->open(port.protocol(), refused);
  if (!refused) link.datagrams->connect(port, refused);
  if (refused) {
    why = place + ": no datagrams: " + refused.message();
    return false;
  }
  link.seal = std::make_unique<DatagramSeal>(
      link.connection.exported_key(datagram_key_label, datagram_key_bytes));
  return true;
}

Awaitable<Client::Impl::LinkPtr> Client::Impl::connect(std::string& why) {
  const LinkPtr link = co_await reach(why);
  if (!link) co_return nullptr;
  // A receiver that says nothing is given up.
  asio::steady_timer limit(io_, in_seconds(options_.answer_seconds));
  limit.async_wait([link](const boost::system::error_code& cancelled) {
    if (!cancelled) link->connection.close();
  });
  if (!co_await shake_hands(*link, why)) co_return nullptr;
  if (!co_await be_welcomed(*link, limit, why)) co_return nullptr;
  if (options_.datagrams && !open_datagrams(*link, why)) co_return nullptr;
  link->welcomed = true;
  co_return link;
}

Awaitable<void> Client::Impl::converse(LinkPtr link) {
  spawn(io_, watch_over(link));
  std::string piece(piece_bytes, '\0');
  boost::system::error_code failure;
  while (link->connection.open()) {
    bool goes_on = true;
    for (Frame frame; goes_on && link->frames.next(frame);) goes_on = take(*link, frame);
    if (link->frames.fault() != FrameFault::none || !goes_on) {
      log(LogLevel::warning,
          link->connection.peer() + ": malformed: " +
              describe(link->frames.fault() != FrameFault::none ? link->frames.fault()
                                                                : FrameFault::body));
      break;
    }
    send_receipts(*link);
    start_writing(link);
    wake_.notify();
    const std::size_t got =
        co_await link->connection.read_some(piece.data(), piece.size(), failure);
    if (failure || got == 0) break;
    link->heard = NodeClock::now();
    summary_.bytes_received += got;
    link->frames.append(std::string_view(piece).substr(0, got));
  }
  send_receipts(*link);  // for the journal: the receiver is asked again
  link->connection.close();
}

/// Looks after the other end while converse() waits for it.
Awaitable<void> Client::Impl::watch_over(LinkPtr link) {
  while (link->connection.open()) {
    co_await pause(0.25);
    const auto now = NodeClock::now();
    if (!flights_.empty() && seconds_between(link->heard, now) > options_.answer_seconds &&
        link->connection.available() == 0) {
      log(LogLevel::warning,
          "no answer for " + std::to_string(static_cast<int>(options_.answer_seconds)) + " s");
      link->connection.close();
    } else if (seconds_between(link->said, now) > ping_seconds) {
      link->said = now;
      write_frame(link->outbox, FrameType::ping, "");
      start_writing(link);
    }
  }
}

bool Client::Impl::take(Link& link, const Frame& frame) {
  switch (frame.type) {
    case FrameType::answer: {
      const auto answer = read_answer(frame.body);
      return answer && answer->point < station_.points().size() && take_answer(link, *answer);
    }
    case FrameType::refusal: {
      const auto refusal = read_refusal(frame.body);
      if (!refusal) return false;
      const std::string why = link.connection.peer() + " refuses: " + refusal->reason;
      if (refusal->passes())
        log(LogLevel::warning, why);
      else
        fail(why);
      link.connection.close();
      return true;
    }
    case FrameType::report: {
      const auto report = read_report(frame.body);
      if (!report) return false;
      feedback_.heard(*report, NodeClock::now());
      log(LogLevel::detail, "report " + std::to_string(report->serial) + ": " +
                                std::to_string(report->snr_db) + " dB");
      return true;
    }
    case FrameType::ping:
      return true;
    case FrameType::goodbye: {
      const auto reason = read_goodbye(frame.body);
      if (!reason) return false;
      link.goodbye = true;
      if (!over_) {
        log(LogLevel::note, link.connection.peer() + " says goodbye: " + *reason);
        send_receipts(link);
        write_frame(link.outbox, FrameType::goodbye, write_goodbye("goodbye"));
      } else {
        link.connection.close();
      }
      return true;
    }
    default:
      return false;
  }
}

bool Client::Impl::take_answer(Link& link, const Answer& answer) {
  const ImageKey key{answer.point, answer.image};
  const auto at = flights_.find(key);
  if (at == flights_.end()) {  // answered before: it came twice
    link.receipts.push_back(key);
    return true;
  }
  Flight& flight = at->second;
  Record record = flight.record;
  static_cast<HeardHalf&>(record.image) = answer;
  record.receiver_operations = answer.operations;
  record.expert_rows = answer.expert_rows;
  record.erased = answer.erased;
  const auto around = static_cast<std::uint64_t>((NodeClock::now() - flight.sent).count());
  const std::uint64_t there = answer.queue_ns + answer.channel_ns + answer.decode_ns;
  record.ns = {record.ns[0], answer.queue_ns, around > there ? around - there : 0,
               answer.channel_ns, answer.decode_ns};
  if (const std::string fault = station_.fault_of(record); !fault.empty()) {
    log(LogLevel::warning, link.connection.peer() + ": the answer to image " +
                               std::to_string(key.image) + " of point " +
                               std::to_string(key.point) + " cannot be: " + fault);
    return false;
  }
  link.receipts.push_back(key);
  journal_->append(record);
  ++summary_.answered;
  if (watched_) {
    watched_->release(flight.index);
    ++watched_done_;
  } else {
    work_->done(record.image.image, record.image.decision == record.image.label);
  }
  fresh_.push_back(std::move(record));
  flights_.erase(at);
  return true;
}

void Client::Impl::send_receipts(Link& link) {
  if (link.receipts.empty()) return;
  journal_->flush();
  for (Record& record : fresh_) {  // now it is safe to tell
    if (options_.answered) options_.answered(record);
    done_[record.point].push_back(std::move(record));
  }
  if (options_.progress && !fresh_.empty())
    options_.progress(point_, watched_ ? watched_done_ : work_->answered(),
                      watched_ ? options_.count : work_->total());
  fresh_.clear();
  for (std::size_t begin = 0; begin < link.receipts.size(); begin += most_receipts) {
    const std::size_t end = std::min(link.receipts.size(), begin + most_receipts);
    write_frame(
        link.outbox, FrameType::receipt,
        write(std::vector<ImageKey>(link.receipts.begin() + static_cast<std::ptrdiff_t>(begin),
                                    link.receipts.begin() + static_cast<std::ptrdiff_t>(end))));
  }
  link.receipts.clear();
}

void Client::Impl::start_writing(const LinkPtr& link) {
  if (link->writing || link->outbox.empty() || !link->connection.open()) return;
  link->writing = true;
  spawn(io_, write_out(link));
}

Awaitable<void> Client::Impl::write_out(LinkPtr link) {
  boost::system::error_code failure;
  while (!link->outbox.empty() && !failure) {
    const std::string bytes = std::exchange(link->outbox, {});
    const std::vector<ImageKey> airing = std::exchange(link->airing, {});
    summary_.bytes_sent += bytes.size();
    co_await link->connection.write(bytes, failure);
    link->said = NodeClock::now();
    for (const ImageKey& key : airing)
      if (!failure) co_await send_symbols(link, key);
  }
  link->writing = false;
  if (failure) link->connection.close();
  wake_.notify();
}

void Client::Impl::put_on_air(Link& link, const Flight& flight) {
  const std::size_t largest =
      std::max(flight.frame.size() - frame_header_bytes, 8 * flight.symbols.size());
  if (largest > link.welcome.largest_burst)
    return fail((flight.record.name.empty() ? "" : file_of(flight.record.name) + ": ") + "image " +
                std::to_string(flight.record.image.image) + " of point " +
                std::to_string(flight.record.point) + " takes " + std::to_string(largest) +
                " bytes on the wire, the receiver takes at most " +
                std::to_string(link.welcome.largest_burst) + " (receive --largest-burst)");
  link.outbox += flight.frame;
  if (link.datagrams) link.airing.push_back(flight.record.key());
}

Awaitable<void> Client::Impl::send_symbols(LinkPtr link, ImageKey key) {
  for (std::size_t first = 0, sent = 0;; first += datagram_symbols) {
    const auto flight = flights_.find(key);  // it may have been answered meanwhile
    if (flight == flights_.end() || first >= flight->second.symbols.size() ||
        !link->connection.open())
      co_return;
    const std::vector<std::complex<float>>& symbols = flight->second.symbols;
    const auto begin = symbols.begin() + static_cast<std::ptrdiff_t>(first),
               end = symbols.begin() + static_cast<std::ptrdiff_t>(
                                           std::min(symbols.size(), first + datagram_symbols));
    const Datagram datagram{link->welcome.channel,
                            ++link->sequence,
                            key,
                            static_cast<std::uint32_t>(first),
                            {begin, end}};
    if (std::uniform_real_distribution<double>()(jitter_) < options_.drop_datagrams) continue;
    const std::string bytes = link->seal->write(datagram);
    boost::system::error_code lost;  // a datagram that cannot go is one that is lost
    link->datagrams->send(asio::buffer(bytes), 0, lost);
    summary_.bytes_sent += bytes.size();
    if (++sent % datagrams_at_once == 0) co_await pause(datagram_pause);
  }
}

}  // namespace semwave
