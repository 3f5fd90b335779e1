// Bursts whose symbols come as datagrams: put together from pieces, in any order, with pieces lost.
#include <algorithm>

#include "node/receiver/intake.h"

namespace semwave {
namespace {

constexpr std::size_t late_bytes = 128;       // of memory, a count of late symbols
constexpr std::size_t most_assemblies = 256;  // of a peer
constexpr double longest_delay = 10;  // of datagram_seconds, while others wait in the kernel

}  // namespace

void Intake::take(Party& party, Datagram datagram) {
  auto assembly = party.assemblies.find(datagram.key);
  if (assembly == party.assemblies.end()) {
    // Before its frame, or late: then its image is recorded already.
    const auto past = pasts_.find(party.hello.node);
    if (datagram.key.point >= station_.points().size()) return;
    if (past != pasts_.end() && past->second.recorded.contains(datagram.key))
      return note_late(party, datagram);
    if (party.assemblies.size() >= most_assemblies) return;
    assembly = party.assemblies.emplace(datagram.key, Assembly{}).first;
  }
  if (!assembly->second.announced) {
    const std::size_t kept =
        sizeof(Assembly) + sizeof(Datagram) + sizeof(std::complex<float>) * datagram.symbols.size();
    if (party.queued_bytes > options_.most_bytes_a_peer || !affords(kept)) return;
    assembly->second.early.push_back(std::move(datagram));
    assembly->second.early_bytes += kept;
    charge(party, kept);
    return;
  }
  fill(assembly->second, datagram);
  if (assembly->second.missing == 0) close(party, assembly);
}

void Intake::note_late(const Party& party, const Datagram& datagram) {
  const auto symbols = static_cast<std::int64_t>(datagram.symbols.size());
  const std::pair key{datagram.key.point, party.hello.data};
  if (const auto at = late_.find(key); at != late_.end()) {
    at->second += symbols;
  } else if (kept_ <= most_ / 2) {  // a peer names ever other sources, if it likes
    late_[key] = symbols;
    kept_ += late_bytes;
  }
}

void Intake::fill(Assembly& assembly, const Datagram& datagram) {
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

void Intake::announce(Party& party, Waiting waiting) {
  const ImageKey key{waiting.image.burst.point, waiting.image.burst.image};
  const std::size_t count = waiting.image.burst.count;
  const AssemblyAt at = party.assemblies.try_emplace(key).first;
  Assembly& assembly = at->second;
  if (!assembly.announced) {
    charge(party, waiting.bytes);
    ++party.announced;
    waiting.image.burst.symbols.assign(count, {});
    waiting.image.erased.assign(count, 1);
    assembly.waiting = std::move(waiting);
    assembly.missing = count;
    assembly.announced = true;
    assembly.begun = NodeClock::now();
    for (const Datagram& early : std::exchange(assembly.early, {})) fill(assembly, early);
    release(party, std::exchange(assembly.early_bytes, 0));
  }
  if (assembly.missing == 0) close(party, at);
}

Intake::AssemblyAt Intake::close(Party& party, AssemblyAt assembly) {
  release(party, assembly->second.early_bytes);
  // Their image is in the queue already, or its frame comes when these are forgotten.
  for (const Datagram& early : assembly->second.early) note_late(party, early);
  if (assembly->second.announced) {
    --party.announced;
    enqueue(party, std::move(assembly->second.waiting));
  }
  return party.assemblies.erase(assembly);
}

void Intake::close_assemblies(Party& party, NodeClock::time_point now, bool more) {
  const double most = more ? longest_delay * options_.datagram_seconds : options_.datagram_seconds;
  for (auto at = party.assemblies.begin(); at != party.assemblies.end();)
    at = seconds_between(at->second.begun, now) > most ? close(party, at) : std::next(at);
}

}  // namespace semwave
