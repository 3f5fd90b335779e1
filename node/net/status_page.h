// A receiver's page and figures over HTTP: `/` the page (one file, inside the program),
// `/status.json` what it shows, `/metrics` for Prometheus. Nothing can be changed through it. A
// connection is one request; of more than 32 at once the oldest makes room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace semwave {

/// What throws is answered with status 500.
struct StatusSource {
  std::function<std::string()> json, metrics;
};

class StatusPage {
 public:
  /// Listens; requests are served by whoever runs `io`. Throws Error where that address cannot be
  /// had, or is not on this machine and `insecure` was not asked for (the page is plain HTTP).
  StatusPage(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
             bool insecure, StatusSource source);
  ~StatusPage();
  std::uint16_t port() const;
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace semwave
