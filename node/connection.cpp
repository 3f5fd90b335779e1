#include "node/connection.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "node/pem.h"

namespace semwave {

struct Connection::Tls {
  Tls(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}
  asio::ssl::stream<Socket&> stream;
};

Connection::Connection(Socket socket, TlsContext tls) : socket_(std::move(socket)), context_(std::move(tls)) {
  Failure failure;
  const auto end = socket_.remote_endpoint(failure);
  peer_ = failure ? "a peer that has gone" : end.address().to_string() + ":" + std::to_string(end.port());
  address_ = failure ? "" : end.address().to_string();
  socket_.set_option(asio::ip::tcp::no_delay(true), failure);
}

Connection::~Connection() { close(); }

Awaitable<void> Connection::spoken_to(Failure& failure) {
  co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
}

Awaitable<void> Connection::handshake(bool server, Failure& failure, std::string& reason) {
  if (!context_) co_return;
  tls_ = std::make_unique<Tls>(socket_, *context_);
  co_await tls_->stream.async_handshake(server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_return;
  reason = failure.message();
  const long verified = SSL_get_verify_result(tls_->stream.native_handle());
  if (verified != X509_V_OK) reason += std::string(": ") + X509_verify_cert_error_string(verified);
}

Awaitable<std::size_t> Connection::read_some(char* data, std::size_t size, Failure& failure) {
  if (tls_) co_return co_await tls_->stream.async_read_some(asio::buffer(data, size), asio::redirect_error(asio::use_awaitable, failure));
  co_return co_await socket_.async_read_some(asio::buffer(data, size), asio::redirect_error(asio::use_awaitable, failure));
}

Awaitable<void> Connection::write(std::string_view bytes, Failure& failure) {
  if (tls_) co_await asio::async_write(tls_->stream, asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, failure));
  else co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, failure));
}

void Connection::close() {
  Failure ignored;
  if (!socket_.is_open()) return;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

bool Connection::open() const { return socket_.is_open(); }

std::size_t Connection::available() const {
  Failure failure;
  const std::size_t waiting = socket_.available(failure);
  return failure ? 0 : waiting;
}

std::optional<CertificateId> Connection::certificate() const {
  if (!tls_) return std::nullopt;
  const Certificate shown(SSL_get1_peer_certificate(tls_->stream.native_handle()));
  return shown ? identify(shown.get()) : std::nullopt;
}

std::string Connection::exported_key(std::string_view label, std::size_t bytes) const {
  if (!tls_) return {};
  std::string key(bytes, '\0');
  if (SSL_export_keying_material(tls_->stream.native_handle(), reinterpret_cast<unsigned char*>(key.data()), bytes, label.data(), label.size(), nullptr, 0, 0) != 1) return {};
  return key;
}

Awaitable<void> Signal::wait() { return wait_until(std::chrono::steady_clock::time_point::max()); }

Awaitable<void> Signal::wait_until(std::chrono::steady_clock::time_point until) {
  timer_.expires_at(until);
  boost::system::error_code ignored;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace semwave
