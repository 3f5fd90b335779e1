// Bursts whose symbols come as datagrams.
#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "node/server_impl.h"

namespace semwave {
namespace {

// Images under way, so that what they send fits a socket's buffer while the pool computes (a buffer of 416 KiB is what Linux gives unasked).
constexpr std::uint32_t most_under_way = 32;

}  // namespace

void Server::Impl::open_datagrams(Peer& peer, Welcome& welcome) {
  welcome.window = std::min(welcome.window, most_under_way);
  welcome.datagram_port = datagrams_.local_endpoint().port();
  peer.datagrams = true;
  peer.seal = std::make_unique<DatagramSeal>(peer.connection.exported_key(datagram_key_label, datagram_key_bytes));
}

Awaitable<void> Server::Impl::receive_datagrams() {
  std::array<char, 2048> piece;
  boost::system::error_code failure;
  while (datagrams_.is_open()) {
    co_await datagrams_.async_wait(asio::ip::udp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    // All that are there at once: a turn of the loop each would be slower than they come.
    for (;;) {
      asio::ip::udp::endpoint from;
      const std::size_t got = datagrams_.receive_from(asio::buffer(piece), from, 0, failure);
      if (failure) break;
      take_datagram({piece.data(), got}, from);
    }
  }
}

void Server::Impl::take_datagram(std::string_view bytes, const asio::ip::udp::endpoint& from) {
  const std::optional<std::uint64_t> channel = channel_of(bytes);
  if (!channel) return;
  const auto at = std::find_if(peers_.begin(), peers_.end(), [&](const PeerPtr& peer) { return peer->channel == *channel; });
  if (at == peers_.end() || !(*at)->seal || (*at)->connection.address() != from.address().to_string()) return;
  Peer& peer = **at;
  std::optional<Datagram> datagram = peer.seal->read(bytes);
  if (!datagram || !peer.replays.passes(datagram->sequence)) return;
  intake_->take(peer, *std::move(datagram));
  if (intake_->queued() > 0) work_.notify();
}

/// Whoever has waited for long enough goes without what is missing, unless that is on its way through the kernel.
void Server::Impl::close_assemblies(NodeClock::time_point now) {
  boost::system::error_code failure;
  if (!datagrams_.is_open() || (datagrams_.available(failure) > 0 && !failure)) return;
  for (const PeerPtr& peer : peers_) intake_->close_assemblies(*peer, now);
  if (intake_->queued() > 0) work_.notify();
}

}  // namespace semwave
