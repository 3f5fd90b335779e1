// The page answers whoever asks next, whatever those before have done.
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "node/status_page.h"

namespace semwave {
namespace {

using boost::asio::ip::tcp;

class StatusPages : public testing::Test {
 protected:
  StatusPages()
      : page_(io_, "127.0.0.1", 0, false,
              {.json = []() -> std::string { throw std::runtime_error("figures"); }, .metrics = [] { return "all is well\n"; }}) {
    thread_ = std::thread([this] { io_.run(); });
  }
  ~StatusPages() override {
    io_.stop();
    thread_.join();
  }
  std::unique_ptr<tcp::socket> connected() {
    auto socket = std::make_unique<tcp::socket>(browser_);
    socket->connect({boost::asio::ip::make_address("127.0.0.1"), page_.port()});
    return socket;
  }
  static std::string ask(tcp::socket& socket, const std::string& target) {
    boost::system::error_code failure;
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(request), failure);
    // As a browser that keeps the connection would: what comes at once.
    std::string answer(1u << 16, '\0');
    answer.resize(socket.read_some(boost::asio::buffer(answer), failure));
    return answer.substr(0, 12);
  }
  std::string ask(const std::string& target) { return ask(*connected(), target); }

  boost::asio::io_context io_{1}, browser_;
  StatusPage page_;
  std::thread thread_;
};

TEST_F(StatusPages, OutliveAHandlerThatThrows) {
  for (int i = 0; i < 70; ++i) EXPECT_EQ(ask("/status.json"), "HTTP/1.1 500");
  EXPECT_EQ(ask("/metrics"), "HTTP/1.1 200");
}

TEST_F(StatusPages, AreHeldByNobody) {
  std::vector<std::unique_ptr<tcp::socket>> kept;
  for (int i = 0; i < 70; ++i) {
    kept.push_back(connected());
    EXPECT_EQ(ask(*kept.back(), "/metrics"), "HTTP/1.1 200") << "browser " << i;
  }
  for (int i = 0; i < 70; ++i) kept.push_back(connected());  // and say nothing
  EXPECT_EQ(ask("/"), "HTTP/1.1 200");
}

}  // namespace
}  // namespace semwave
