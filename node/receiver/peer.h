// What a receiver keeps of one connection.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/ip/udp.hpp>

#include "node/net/connection.h"
#include "node/receiver/party.h"

namespace semwave {

struct Peer : Party, std::enable_shared_from_this<Peer> {
  Peer(Connection::Socket socket, TlsContext tls, const boost::asio::any_io_executor& executor,
       std::uint64_t channel_number)
      : connection(std::move(socket), std::move(tls)), room(executor), channel(channel_number) {}

  Connection connection;
  Signal room;                               // its reader waits here while its queue is full
  std::uint64_t channel;                     // names the connection in datagrams
  std::optional<CertificateId> certificate;  // over TLS: the name is its
  bool admitted = false;                     // to a TLS handshake
  NodeClock::time_point opened = NodeClock::now(), heard = opened, half_since = opened,
                        written = opened;
  bool half = false;  // a frame has begun
  bool writing = false;
  std::unique_ptr<DatagramSeal> seal;  // where it sends datagrams
  ReplayWindow replays;
  std::shared_ptr<asio::ip::udp::socket>
      own_port;  // hears `own_from` alone, once that has been believed
  asio::ip::udp::endpoint own_from;
  NodeClock::time_point own_since{};
};

}  // namespace semwave
