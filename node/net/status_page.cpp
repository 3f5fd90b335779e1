#include "node/net/status_page.h"

#include <deque>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "core/base/error.h"
#include "node/net/security.h"

namespace semwave {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr char page[] =
#include "node/net/page.inc"
    ;

constexpr std::size_t most_connections = 32;
constexpr auto request_time = std::chrono::seconds(10);
constexpr std::size_t most_header_bytes = 8192;

/// A browser was sent here by this machine's own name, not by one that some other page's owner has
/// pointed here (DNS rebinding).
bool names_this_machine(std::string_view host) {
  if (!host.empty() && host.front() == '[') return true;
  host = host.substr(0, host.find(':'));
  boost::system::error_code failure;
  asio::ip::make_address(std::string(host), failure);
  return !failure || host == "localhost";
}

}  // namespace

class StatusPage::Impl : public std::enable_shared_from_this<StatusPage::Impl> {
 public:
  Impl(asio::io_context& io, const tcp::endpoint& end, StatusSource source)
      : io_(io), acceptor_(io), source_(std::move(source)) {
    boost::system::error_code failure;
    acceptor_.open(end.protocol(), failure);
    if (!failure) acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor_.bind(end, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) throw Error("--status", "cannot listen: " + failure.message());
  }
  void start() {
    asio::co_spawn(
        io_, [self = shared_from_this()] { return self->accept(); }, asio::detached);
  }
  std::uint16_t port() const { return port_; }
  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  asio::awaitable<void> accept() {
    const auto self = shared_from_this();
    while (acceptor_.is_open()) {
      boost::system::error_code failure;
      tcp::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
      if (failure == asio::error::operation_aborted) co_return;
      if (failure) {
        asio::steady_timer pause(io_, std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        continue;
      }
      // Whoever has been here for longest makes room: the page is a request, and a moment.
      if (held_.size() >= most_connections) {
        close(*held_.front());
        held_.pop_front();
      }
      held_.push_back(std::make_shared<tcp::socket>(std::move(socket)));
      asio::co_spawn(
          io_, [self, held = held_.back()] { return self->serve(held); }, asio::detached);
    }
  }

  static void close(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
  }

  /// One request; then the place is free, whatever became of it.
  asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket) {
    const auto self = shared_from_this();
    boost::beast::flat_buffer buffer;
    asio::steady_timer limit(io_, request_time);
    boost::system::error_code failure;
    limit.async_wait([socket](const boost::system::error_code& cancelled) {
      if (!cancelled) close(*socket);
    });
    http::request_parser<http::empty_body> parser;
    parser.header_limit(most_header_bytes);
    parser.body_limit(0);
    co_await http::async_read(*socket, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) {
      http::response<http::string_body> response = answer_or_apology(parser.get());
      co_await http::async_write(*socket, response,
                                 asio::redirect_error(asio::use_awaitable, failure));
    }
    limit.cancel();
    close(*socket);
    std::erase(held_, socket);
  }

  http::response<http::string_body> answer_or_apology(
      const http::request<http::empty_body>& request) const {
    try {
      return answer(request);
    } catch (const std::exception&) {
      http::response<http::string_body> response{http::status::internal_server_error,
                                                 request.version()};
      response.keep_alive(false);
      response.set(http::field::content_type, "text/plain; charset=utf-8");
      response.body() = "the figures cannot be written\n";
      response.prepare_payload();
      return response;
    }
  }

  http::response<http::string_body> answer(const http::request<http::empty_body>& request) const {
    http::response<http::string_body> response{http::status::ok, request.version()};
    response.set(http::field::cache_control, "no-store");
    response.set("Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                 "connect-src 'self'; img-src data:; frame-ancestors 'none'");
    response.set("X-Content-Type-Options", "nosniff");
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.keep_alive(false);
    const std::string target(request.target().substr(0, request.target().find('?')));
    const auto host = request[http::field::host];
    if (!names_this_machine({host.data(), host.size()})) {
      response.result(http::status::forbidden);
      response.body() = "ask for this page by this machine's address\n";
    } else if (request.method() != http::verb::get && request.method() != http::verb::head) {
      response.result(http::status::method_not_allowed);
      response.set(http::field::allow, "GET, HEAD");
      response.body() = "this page is to be read\n";
    } else if (target == "/") {
      response.set(http::field::content_type, "text/html; charset=utf-8");
      response.body() = page;
    } else if (target == "/status.json") {
      response.set(http::field::content_type, "application/json");
      response.body() = source_.json();
    } else if (target == "/metrics") {
      response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      response.body() = source_.metrics();
    } else {
      response.result(http::status::not_found);
      response.body() = "there is /, /status.json and /metrics\n";
    }
    response.prepare_payload();
    if (request.method() == http::verb::head) response.body().clear();
    return response;
  }

  asio::io_context& io_;
  tcp::acceptor acceptor_;
  StatusSource source_;
  std::deque<std::shared_ptr<tcp::socket>> held_;  // the oldest first
  std::uint16_t port_ = 0;
  friend class StatusPage;
};

StatusPage::StatusPage(asio::io_context& io, const std::string& host, std::uint16_t port,
                       bool insecure, StatusSource source) {
  boost::system::error_code failure;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, failure);
  const std::string place = "--status " + host + ":" + std::to_string(port);
  if (failure || found.empty()) throw Error(place, "no such address: " + failure.message());
  const tcp::endpoint end = *found.begin();
  if (!is_loopback(end.address().to_string()) && !insecure)
    throw Error(place, reached_by_others(end.address().to_string()) +
                           ", and the page is plain HTTP: listen on 127.0.0.1, or give --insecure");
  impl_ = std::make_shared<Impl>(io, end, std::move(source));
  impl_->port_ = impl_->acceptor_.local_endpoint().port();
  impl_->start();
}

StatusPage::~StatusPage() {
  close();
}
std::uint16_t StatusPage::port() const {
  return impl_->port();
}
void StatusPage::close() {
  impl_->close();
}

}  // namespace semwave
