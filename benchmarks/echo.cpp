// A raw echo with Boost.Asio, the yardstick of a node's wire: a server that answers a request of so
// many bytes with so many others, and a client that measures the way there and back.
//   echo serve PORT REQUEST REPLY            echo ask PORT REQUEST REPLY ROUNDS    (prints p50 and
//   p99 in microseconds)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> serve(tcp::socket socket, std::size_t request, std::size_t reply) {
  std::string question(request, '\0'), answer(reply, 'a');
  socket.set_option(tcp::no_delay(true));
  for (;;) {
    co_await asio::async_read(socket, asio::buffer(question), asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
  }
}

asio::awaitable<void> listen(tcp::acceptor acceptor, std::size_t request, std::size_t reply) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), request, reply),
                   asio::detached);
  }
}

asio::awaitable<void> ask(tcp::socket socket, std::size_t request, std::size_t reply, int rounds,
                          double pause_us) {
  std::string question(request, 'q'), answer(reply, '\0');
  socket.set_option(tcp::no_delay(true));
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    co_await asio::async_write(socket, asio::buffer(question), asio::use_awaitable);
    co_await asio::async_read(socket, asio::buffer(answer), asio::use_awaitable);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
    // As a transmitter does between two images: busy elsewhere.
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::duration<double, std::micro>(pause_us);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  std::sort(times.begin(), times.end());
  std::printf("%.3f %.3f\n", times[times.size() / 2], times[times.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const std::string verb = argv[1];
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  const auto request = static_cast<std::size_t>(std::atoi(argv[3])),
             reply = static_cast<std::size_t>(std::atoi(argv[4]));
  asio::io_context io(1);
  const tcp::endpoint end(asio::ip::make_address("127.0.0.1"), port);
  if (verb == "serve") {
    asio::co_spawn(io, listen(tcp::acceptor(io, end), request, reply), asio::detached);
  } else {
    tcp::socket socket(io);
    socket.connect(end);
    asio::co_spawn(io,
                   ask(std::move(socket), request, reply, argc > 5 ? std::atoi(argv[5]) : 1000,
                       argc > 6 ? std::atof(argv[6]) : 0),
                   asio::detached);
  }
  io.run();
  return 0;
}
