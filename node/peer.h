// What a receiver keeps of one connection.
#pragma once

#include <memory>

#include "node/connection.h"
#include "node/party.h"

namespace semwave {

struct Peer : Party, std::enable_shared_from_this<Peer> {
  Peer(Connection::Socket socket, TlsContext tls, boost::asio::any_io_executor executor, std::uint64_t channel_number)
      : connection(std::move(socket), std::move(tls)), room(executor), channel(channel_number) {}

  Connection connection;
  Signal room;                        // its reader waits here while its queue is full
  std::uint64_t channel;              // names the connection in datagrams
  NodeClock::time_point opened = NodeClock::now(), heard = opened, half_since = opened, written = opened;
  bool half = false;                  // a frame has begun
  bool writing = false;
  std::unique_ptr<DatagramSeal> seal; // where it sends datagrams
  ReplayWindow replays;
};

}  // namespace semwave
