// Bursts whose symbols come as datagrams.
#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "node/server_impl.h"

namespace semwave {
namespace {

// Images under way, so that what they send fits a socket's buffer while the pool computes (a buffer of 416 KiB is what Linux gives unasked).
constexpr std::uint32_t most_under_way = 32;
constexpr std::size_t most_assemblies = 256;  // of a peer

}  // namespace

void Server::Impl::open_datagrams(Peer& peer, Welcome& welcome) {
  welcome.window = std::min(welcome.window, most_under_way);
  welcome.datagram_port = datagrams_.local_endpoint().port();
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
  auto assembly = peer.assemblies.find(datagram->key);
  if (assembly == peer.assemblies.end()) {
    // Before its frame, or late: then its image is recorded already.
    if (peer.assemblies.size() >= most_assemblies || datagram->key.point >= station_.points().size() || pasts_[peer.hello.node].recorded.contains(datagram->key)) return;
    assembly = peer.assemblies.emplace(datagram->key, Assembly{}).first;
  }
  if (!assembly->second.announced) {
    if (peer.queued_bytes > options_.most_bytes_a_peer) return;
    const std::size_t kept = sizeof(Datagram) + sizeof(std::complex<float>) * datagram->symbols.size();
    assembly->second.early.push_back(std::move(*datagram));
    assembly->second.early_bytes += kept;
    charge(peer, kept);
    return;
  }
  fill(assembly->second, *datagram);
  if (assembly->second.missing == 0) close(peer, assembly);
}

void Server::Impl::fill(Assembly& assembly, const Datagram& datagram) {
  Incoming& image = assembly.waiting.image;
  if (std::size_t{datagram.first} + datagram.symbols.size() > image.erased.size()) return;
  for (std::size_t s = 0; s < datagram.symbols.size(); ++s) {
    const std::size_t at = datagram.first + s;
    if (!image.erased[at]) continue;
    image.erased[at] = 0;
    image.burst.symbols[at] = datagram.symbols[s];
    --assembly.missing;
  }
}

void Server::Impl::announce(Peer& peer, Waiting waiting) {
  const ImageKey key{waiting.image.burst.point, waiting.image.burst.image};
  const std::size_t count = waiting.image.burst.count;
  const AssemblyAt at = peer.assemblies.try_emplace(key).first;
  Assembly& assembly = at->second;
  if (!assembly.announced) {
    charge(peer, waiting.bytes);
    ++peer.announced;
    waiting.image.burst.symbols.assign(count, {});
    waiting.image.erased.assign(count, 1);
    assembly.waiting = std::move(waiting);
    assembly.missing = count;
    assembly.announced = true;
    assembly.begun = NodeClock::now();
    for (const Datagram& early : std::exchange(assembly.early, {})) fill(assembly, early);
    release(peer, std::exchange(assembly.early_bytes, 0));
  }
  if (assembly.missing == 0) close(peer, at);
}

Server::Impl::AssemblyAt Server::Impl::close(Peer& peer, AssemblyAt assembly) {
  release(peer, assembly->second.early_bytes);
  if (assembly->second.announced) {
    --peer.announced;
    enqueue(peer, std::move(assembly->second.waiting));
  }
  return peer.assemblies.erase(assembly);
}

/// Whoever has waited for long enough goes without what is missing, unless that is on its way through the kernel.
void Server::Impl::close_assemblies(NodeClock::time_point now) {
  boost::system::error_code failure;
  if (!datagrams_.is_open() || (datagrams_.available(failure) > 0 && !failure)) return;
  for (const PeerPtr& peer : peers_)
    for (auto at = peer->assemblies.begin(); at != peer->assemblies.end();) {
      at = seconds_between(at->second.begun, now) > options_.datagram_seconds ? close(*peer, at) : std::next(at);
    }
}

}  // namespace semwave
