// Bursts whose symbols come as datagrams.
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "node/receiver/server_impl.h"

namespace semwave {
namespace {

// Images under way, so that what they send fits a socket's buffer while the pool computes (a buffer
// of 416 KiB is what Linux gives unasked).
constexpr std::uint32_t most_under_way = 32;

constexpr int most_a_turn = 64;  // datagrams of one socket
constexpr auto flood_pause =
    std::chrono::milliseconds(1);        // after a turn that was mostly for nobody
constexpr int receive_buffer = 4 << 20;  // bytes

}  // namespace

Server::Impl::UdpSocket Server::Impl::bound_socket(boost::system::error_code& failure) {
  auto socket = std::make_shared<asio::ip::udp::socket>(io_);
  socket->open(datagram_end_.protocol(), failure);
  if (failure) return socket;
  boost::system::error_code ignored;
  socket->set_option(asio::socket_base::receive_buffer_size(receive_buffer),
                     ignored);  // as much of it as the system gives
  const int several = 1;        // sockets on one port, all of this user
  (void)::setsockopt(socket->native_handle(), SOL_SOCKET, SO_REUSEPORT, &several, sizeof several);
  socket->bind(datagram_end_, failure);
  if (!failure) socket->non_blocking(true, failure);
  return socket;
}

void Server::Impl::open_datagrams(const PeerPtr& peer, Welcome& welcome) {
  if (!datagrams_) {
    boost::system::error_code failure;
    const UdpSocket made = bound_socket(failure);
    if (failure)
      return intake_->words().tell("no datagrams", LogLevel::warning,
                                   "no datagrams: " + failure.message());
    datagrams_ = made;
    spawn(io_, receive_datagrams(made, nullptr));
  }
  by_channel_[peer->channel] = peer;
  peer->datagrams = true;
  welcome.window = std::min(welcome.window, most_under_way);
  welcome.datagram_port = datagram_end_.port();
  peer->seal = std::make_unique<DatagramSeal>(
      peer->connection.exported_key(datagram_key_label, datagram_key_bytes));
}

void Server::Impl::close_datagrams(Peer& peer) {
  boost::system::error_code ignored;
  if (peer.own_port) peer.own_port->close(ignored);
  if (by_channel_.erase(peer.channel) == 0 || !by_channel_.empty()) return;
  datagrams_->close(ignored);
  datagrams_.reset();
}

Awaitable<void> Server::Impl::receive_datagrams(UdpSocket socket, PeerPtr owner) {
  std::array<char, 2048> piece;
  boost::system::error_code failure;
  asio::steady_timer timer(io_);
  while (socket->is_open()) {
    co_await socket->async_wait(asio::ip::udp::socket::wait_read,
                                asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    // Many at once: a turn of the loop each would be slower than they come. Not all: they might
    // come for ever.
    int taken = 0, believed = 0;
    for (; taken < most_a_turn; ++taken) {
      asio::ip::udp::endpoint from;
      const std::size_t got = socket->receive_from(asio::buffer(piece), from, 0, failure);
      if (failure) break;
      believed += take_datagram({piece.data(), got}, from, owner);
    }
    // A flood of somebody else's gets a share of the time, and no more.
    if (taken < most_a_turn || 2 * believed > taken) continue;
    timer.expires_after(flood_pause);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  }
}

bool Server::Impl::take_datagram(std::string_view bytes, const asio::ip::udp::endpoint& from,
                                 const PeerPtr& owner) {
  const std::optional<std::uint64_t> channel = channel_of(bytes);
  const auto at = channel ? by_channel_.find(*channel) : by_channel_.end();
  if (at == by_channel_.end() || (owner && owner != at->second)) return false;
  const PeerPtr peer = at->second;
  if (peer->connection.address() != from.address().to_string()) return false;
  std::optional<Datagram> datagram = peer->seal->read(bytes);
  if (!datagram || !peer->replays.passes(datagram->sequence)) return false;
  if (!owner) give_own_port(peer, from);
  intake_->take(*peer, *std::move(datagram));
  if (intake_->queued() > 0) work_.notify();
  return true;
}

void Server::Impl::give_own_port(const PeerPtr& peer, const asio::ip::udp::endpoint& from) {
  if (peer->own_port && peer->own_from == from) return;  // it waited here since before
  boost::system::error_code failure;
  const UdpSocket made = bound_socket(failure);
  if (!failure) made->connect(from, failure);
  if (failure) return;  // out of descriptors, most likely: the port of all does
  if (peer->own_port) peer->own_port->close(failure);
  peer->own_port = made;
  peer->own_from = from;
  peer->own_since = NodeClock::now();
  spawn(io_, receive_datagrams(made, peer));
}

/// Whoever has waited for long enough goes without what is missing. What is on its way through the
/// kernel is waited for, within bounds: somebody may see to it that there always is something.
void Server::Impl::close_assemblies(NodeClock::time_point now) {
  const auto waits = [](const UdpSocket& socket) {
    boost::system::error_code failure;
    return socket && socket->available(failure) > 0 && !failure;
  };
  const bool common = waits(datagrams_);
  for (const PeerPtr& peer : peers_) {
    if (peer->assemblies.empty()) continue;
    const bool known = peer->own_port && seconds_between(peer->own_since, now) > 1;
    const bool more = waits(peer->own_port) || (common && !known);
    intake_->close_assemblies(*peer, now, more);
  }
  if (intake_->queued() > 0) work_.notify();
}

}  // namespace semwave
