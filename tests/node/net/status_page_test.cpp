// The page answers whoever asks next, whatever those before have done.
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "node/net/status_page.h"
#include "node/receiver/monitor.h"

namespace semwave {
namespace {

using boost::asio::ip::tcp;

class StatusPages : public testing::Test {
 protected:
  StatusPages()
      : page_(io_, "127.0.0.1", 0, false,
              {.json = []() -> std::string { throw std::runtime_error("figures"); },
               .metrics = [] { return "all is well\n"; }}) {
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

TEST(Monitors, ShowTheLastSecondsAndNotTheMean) {
  const NodeClock::time_point start{};
  const auto at = [&](double seconds) { return start + in_seconds(seconds); };
  Monitor monitor("a receiver", 2, 1, 16, {"cat", "d\x1bog"}, start);
  const auto come = [&](double seconds, std::int32_t decision, std::int32_t label, double signal) {
    Record record;
    record.image.decision = decision;
    record.image.label = label;
    monitor.add(record);
    monitor.came(record, signal, 0.1, at(seconds));
  };
  for (int i = 0; i < 1000; ++i) come(0.5, 0, 0, 1);
  EXPECT_EQ(monitor.json({}, 0, 0, 0, at(0.5))["images_per_second"], 2000);  // half a second old
  for (int i = 0; i < 20; ++i) come(97.2, i % 2, 1, 10);
  come(99.9, -1, -1, 0);

  const OrderedJson shown = monitor.json({}, 0, 0, 0, at(100.1));
  EXPECT_DOUBLE_EQ(shown["images_per_second"].get<double>(), 21 / 5.0);
  const OrderedJson& history = shown["history"];
  for (const char* key : {"images", "accuracy", "snr_db"})
    ASSERT_EQ(history[key].size(), 100u) << key;
  EXPECT_EQ(history["images"][0], 1000);
  EXPECT_EQ(history["images"][1], 0);
  EXPECT_EQ(history["images"][97], 20);
  EXPECT_TRUE(history["accuracy"][1].is_null());
  EXPECT_EQ(history["accuracy"][97], 0.5);
  EXPECT_TRUE(history["accuracy"][99].is_null()) << "it came without a label";
  EXPECT_NEAR(history["snr_db"][97].get<double>(), 20, 1e-9);
  EXPECT_TRUE(history["snr_db"][99].is_null()) << "no header was read";

  EXPECT_EQ(shown["last_tokens"][0]["class"], "lost");
  EXPECT_EQ(shown["last_tokens"][1]["class"], "d\\x1bog");
  EXPECT_EQ(shown["last_classes"].dump(),
            R"([{"class":"lost","images":1},{"class":"cat","images":189},{"class":"d\\x1bog",)"
            R"("images":10}])");

  // A day later nothing of it is left, and the lists are no longer.
  const OrderedJson later = monitor.json({}, 0, 0, 0, at(86400));
  EXPECT_EQ(later["images_per_second"], 0);
  EXPECT_EQ(later["history"]["images"].size(), static_cast<std::size_t>(History::seconds));
  for (const OrderedJson& images : later["history"]["images"]) EXPECT_EQ(images, 0);
}

}  // namespace
}  // namespace semwave
