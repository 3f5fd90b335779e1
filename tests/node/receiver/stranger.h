// A peer made from the wire format alone: it says what it likes.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "node/record/station.h"
#include "node/wire/frame.h"

namespace semwave {

class Stranger {
 public:
  explicit Stranger(std::uint16_t port) : socket_(io_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  }
  void send(const std::string& bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }
  /// What the other end takes, at most all of it, until it takes nothing for half a second.
  std::size_t send_what_goes(const std::string& bytes) {
    socket_.non_blocking(true);
    std::size_t sent = 0;
    for (int still = 0; still < 50 && sent < bytes.size(); ++still) {
      boost::system::error_code full;
      const std::size_t went = boost::asio::write(
          socket_, boost::asio::buffer(bytes.data() + sent, bytes.size() - sent), full);
      sent += went;
      if (went > 0)
        still = 0;
      else
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    socket_.non_blocking(false);
    return sent;
  }
  /// The body of the next frame of a type.
  std::string next(FrameType type) {
    std::string piece(65536, '\0');
    boost::system::error_code failure;
    while (!failure) {
      for (Frame frame; frames_.next(frame);)
        if (frame.type == type) return std::string(frame.body);
      frames_.append(std::string_view(piece).substr(
          0, socket_.read_some(boost::asio::buffer(piece), failure)));
    }
    return "";
  }
  /// Everything up to the end of the connection.
  std::string rest() {
    std::string all, piece(65536, '\0');
    boost::system::error_code failure;
    while (!failure) all.append(piece, 0, socket_.read_some(boost::asio::buffer(piece), failure));
    return all;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  FrameReader frames_{0};
};

inline std::string framed(FrameType type, const std::string& body) {
  std::string bytes;
  write_frame(bytes, type, body);
  return bytes;
}

/// What a transmitter of this scenario says first.
inline Hello hello_of(const Scenario& scenario) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const Station station(scenario, *backend);
  Hello hello;
  hello.scenario = station.scenario_digest();
  hello.model = station.model_digest();
  return hello;
}

}  // namespace semwave
