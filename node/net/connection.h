// A stream to one peer, plain or TLS, for coroutines of one thread.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "node/net/security.h"

namespace semwave {

// As the files behind this header call them.
namespace asio = boost::asio;
using tcp = asio::ip::tcp;
template <class T>
using Awaitable = asio::awaitable<T>;

/// Runs by itself on `io`; what it throws comes out of io.run().
inline void spawn(asio::io_context& io, Awaitable<void> coroutine) {
  asio::co_spawn(io, std::move(coroutine), [](const std::exception_ptr& problem) {
    if (problem) std::rethrow_exception(problem);
  });
}

/// Why a handshake, a read or a write failed, for whoever runs this node. What OpenSSL calls
/// "sslv3 alert unsupported certificate" is said in terms of certificates, roles and options.
std::string reason_of(const boost::system::error_code& failure);

class Connection {
 public:
  using Socket = tcp::socket;
  using Failure = boost::system::error_code;

  /// With a context the stream is TLS once `handshake` is done.
  Connection(Socket socket, TlsContext tls);
  ~Connection();

  /// Until the peer has said something; fails where it has gone instead. It costs nothing: a
  /// session is made by `handshake`.
  Awaitable<void> spoken_to(Failure& failure);
  /// Nothing to do on a plain stream. `reason` says more than the error code where certificates are
  /// the matter.
  Awaitable<void> handshake(bool server, Failure& failure, std::string& reason);
  /// Bytes read; 0 with `failure` set where the peer has gone.
  Awaitable<std::size_t> read_some(char* data, std::size_t size, Failure& failure);
  Awaitable<void> write(std::string_view bytes, Failure& failure);
  /// Ends whatever waits. May be called again.
  void close();
  bool open() const;
  /// Bytes that wait in the kernel.
  std::size_t available() const;
  /// "10.1.2.3:4567"
  const std::string& peer() const { return peer_; }
  /// "10.1.2.3"
  const std::string& address() const { return address_; }
  /// Whom the peer's certificate names; nothing on a plain stream.
  std::optional<CertificateId> certificate() const;
  /// Key material of this TLS session (RFC 8446, 7.5), equal at both ends; empty on a plain stream.
  std::string exported_key(std::string_view label, std::size_t bytes) const;

 private:
  struct Tls;
  Socket socket_;
  TlsContext context_;
  std::unique_ptr<Tls> tls_;
  std::string peer_, address_;
};

/// What one coroutine at a time waits for and any other one gives. A wait may end without a reason:
/// look again.
class Signal {
 public:
  explicit Signal(const asio::any_io_executor& executor) : timer_(executor) {}
  Awaitable<void> wait();
  Awaitable<void> wait_until(std::chrono::steady_clock::time_point until);
  void notify() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

}  // namespace semwave
