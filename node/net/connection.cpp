#include "node/net/connection.h"

#include <openssl/err.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "node/net/pem.h"

namespace semwave {

struct Connection::Tls {
  Tls(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}
  asio::ssl::stream<Socket&> stream;
};

namespace {

/// Why this end does not take the other's certificate.
std::string reason_of_refusal(long verified) {
  switch (verified) {
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "the peer's certificate was not made by this node's authority (authority.pem)";
    case X509_V_ERR_INVALID_PURPOSE:
      return "the peer's certificate is for another role";
    case X509_V_ERR_CERT_REVOKED:
      return "the peer's certificate was revoked";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the peer's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the peer's certificate is not valid yet: look at the clocks of both machines";
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return "the peer's certificate names nobody";
    default:
      return std::string("the peer's certificate is not taken: ") +
             X509_verify_cert_error_string(verified);
  }
}

}  // namespace

std::string reason_of(const boost::system::error_code& failure) {
  if (failure == asio::error::eof || failure == asio::error::connection_reset ||
      failure == asio::error::broken_pipe)
    return "the peer hung up";
  if (failure == asio::ssl::error::stream_truncated)
    return "the peer hung up within TLS; it may do without (no --keys there)";
  if (failure.category() != asio::error::get_ssl_category()) return failure.message();
  switch (ERR_GET_REASON(static_cast<unsigned long>(failure.value()))) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return "the peer does not take this node's certificate: another authority made it";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return "the peer does not take this node's certificate: it is for another role (--as)";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "the peer does not take this node's certificate: it was revoked";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "the peer does not take this node's certificate: it has expired by the peer's clock";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return "the peer does not take this node's certificate";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the peer asks for a certificate (--keys)";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "the peer does not speak TLS (no --keys there)";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the peer speaks no TLS 1.3";
    default:
      return "OpenSSL: " + failure.message();
  }
}

Connection::Connection(Socket socket, TlsContext tls)
    : socket_(std::move(socket)), context_(std::move(tls)) {
  Failure failure;
  const auto end = socket_.remote_endpoint(failure);
  peer_ = failure ? "a peer that has gone"
                  : end.address().to_string() + ":" + std::to_string(end.port());
  address_ = failure ? "" : end.address().to_string();
  socket_.set_option(asio::ip::tcp::no_delay(true), failure);
}

Connection::~Connection() {
  close();
}

Awaitable<void> Connection::spoken_to(Failure& failure) {
  co_await socket_.async_wait(Socket::wait_read,
                              asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return;
  // What is there to read may be the end.
  char first = 0;
  socket_.receive(asio::buffer(&first, 1), Socket::message_peek, failure);
}

Awaitable<void> Connection::handshake(bool server, Failure& failure, std::string& reason) {
  if (!context_) co_return;
  tls_ = std::make_unique<Tls>(socket_, *context_);
  co_await tls_->stream.async_handshake(
      server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
      asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_return;
  const long verified = SSL_get_verify_result(tls_->stream.native_handle());
  reason = verified == X509_V_OK ? reason_of(failure) : reason_of_refusal(verified);
}

Awaitable<std::size_t> Connection::read_some(char* data, std::size_t size, Failure& failure) {
  if (tls_)
    co_return co_await tls_->stream.async_read_some(
        asio::buffer(data, size), asio::redirect_error(asio::use_awaitable, failure));
  co_return co_await socket_.async_read_some(asio::buffer(data, size),
                                             asio::redirect_error(asio::use_awaitable, failure));
}

Awaitable<void> Connection::write(std::string_view bytes, Failure& failure) {
  if (tls_)
    co_await asio::async_write(tls_->stream, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, failure));
  else
    co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, failure));
}

void Connection::close() {
  Failure ignored;
  if (!socket_.is_open()) return;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

bool Connection::open() const {
  return socket_.is_open();
}

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
  if (SSL_export_keying_material(tls_->stream.native_handle(),
                                 reinterpret_cast<unsigned char*>(key.data()), bytes, label.data(),
                                 label.size(), nullptr, 0, 0) != 1)
    return {};
  return key;
}

Awaitable<void> Signal::wait() {
  return wait_until(std::chrono::steady_clock::time_point::max());
}

Awaitable<void> Signal::wait_until(std::chrono::steady_clock::time_point until) {
  timer_.expires_at(until);
  boost::system::error_code ignored;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace semwave
