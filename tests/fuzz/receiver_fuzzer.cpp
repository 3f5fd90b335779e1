// Frames and datagrams of several peers into a receiver without sockets, with a scenario of each
// pair; at the end its rows are written.
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/fuzz/node_world.h"

namespace {

using namespace semwave;

class Talk {
 public:
  Talk(const fuzz::World& world, fuzz::Input& input)
      : world_(world), input_(input), intake_(*world.station, fuzz::pool(), options(), summary_) {
    come(1);
  }

  void run() {
    for (int steps = 0; !input_.empty() && steps < 48; ++steps) step();
    while (intake_.queued() > 0) serve();
    while (!parties_.empty()) go();
    require(intake_.queued() == 0, "whoever goes takes its queue along");
    require(intake_.held() < intake_.most(), "the budget holds");
    fuzz::check_rows(intake_, summary_);
  }

 private:
  static ServerOptions options() {
    ServerOptions made;
    made.window = 8;
    made.largest_burst = 1u << 16;
    return made;
  }

  void step() {
    const std::uint8_t what = input_.byte();
    if (parties_.empty()) come(input_.byte());
    switch (what % 8) {
      case 0: {
        const std::uint8_t type = input_.byte();
        return say(static_cast<FrameType>(1 + type % 11), std::string(input_.bytes(input_.word())));
      }
      case 1:
      case 2:
      case 3: {
        BurstMessage burst = world_.bursts[input_.byte() % world_.bursts.size()];
        if (what & 64) {  // its symbols follow, or do not
          burst.format = SymbolFormat::datagrams;
          burst.symbols.clear();
        }
        std::string body = write(burst);
        input_.edit(body);
        return say(FrameType::burst, body);
      }
      case 4:
        return serve();
      case 5: {
        const std::uint8_t image = input_.byte();
        Datagram datagram{0,
                          1,
                          {0, static_cast<std::uint32_t>(image % 4)},
                          static_cast<std::uint32_t>(input_.byte()),
                          {}};
        datagram.symbols.assign(1 + input_.byte() % datagram_symbols, {1, 0});
        if (party().datagrams) intake_.take(party(), std::move(datagram));
        return;
      }
      case 6:
        return come(input_.byte());
      default:
        if (what & 64) return go();
        intake_.close_assemblies(party(), NodeClock::now() + std::chrono::seconds(1), what & 32);
    }
  }

  Party& party() { return *parties_.back(); }

  void come(std::uint8_t id) {
    if (parties_.size() >= 4) go();
    for (std::size_t at = 0; at < parties_.size(); ++at)  // one conversation an identity
      if (parties_[at]->hello.node[0] == id) {
        std::swap(parties_[at], parties_.back());
        go();
        break;
      }
    parties_.push_back(std::make_unique<Party>());
    party().fixed_bytes = 1000;
    intake_.join(party());
    Hello hello = world_.hello(id);
    hello.report_every = id % 3;
    const std::string body = write(hello);
    require(!intake_.judge(party(), {FrameType::hello, body}, false), "an honest hello is taken");
    (void)intake_.welcome(party());
    party().datagrams = id & 64;
  }

  void go() {
    intake_.leave(party());
    parties_.pop_back();
  }

  void serve() {
    auto turns = intake_.collect();
    if (!turns.empty()) intake_.hear(turns);
    for (const auto& one : parties_) {
      one->outbox.clear();
      intake_.settle(*one);
    }
  }

  /// In pieces, as a socket hands it over.
  void say(FrameType type, const std::string& body) {
    std::string bytes;
    write_frame(bytes, type, body);
    const std::size_t piece = 1 + 16 * std::size_t{input_.byte()};
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      party().frames.append(std::string_view(bytes).substr(at, piece));
      for (Frame frame; party().frames.next(frame);) {
        while (intake_.full(party()) && intake_.queued() > 0) serve();
        if (!intake_.take(party(), frame) || party().refused) return go();
      }
      if (party().frames.fault() != FrameFault::none) return go();
      intake_.settle(party());
    }
  }

  const fuzz::World& world_;
  fuzz::Input& input_;
  ServerSummary summary_;
  Intake intake_;
  std::vector<std::unique_ptr<Party>> parties_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  semwave::fuzz::Input input(data, bytes);
  const semwave::fuzz::World& world = semwave::fuzz::world(input.byte());
  Talk(world, input).run();
  return 0;
}
