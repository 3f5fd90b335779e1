// Bytes from the network: the first says whether they are a stream of frames in pieces, a datagram,
// or one body. They are refused, or make messages that can be written and are then read as the
// same.
#include <cstdint>

#include "node/wire/datagram.h"
#include "node/wire/frame.h"
#include "node/wire/messages.h"
#include "tests/fuzz/require.h"

namespace {

template <class T>
void same_again(const std::optional<T>& message, std::optional<T> (*read)(std::string_view)) {
  if (!message) return;
  const std::string body = write(*message);
  const auto back = read(body);
  require(back.has_value(), "what was read can be read again");
  require(write(*back) == body, "and is the same");
}

void take(const semwave::Frame& frame) {
  using namespace semwave;
  switch (frame.type) {
    case FrameType::hello:
      if (const auto hello = read_hello(frame.body); hello && hello->protocol == protocol_version)
        same_again<Hello>(hello, read_hello);
      break;
    case FrameType::welcome:
      return same_again<Welcome>(read_welcome(frame.body), read_welcome);
    case FrameType::refusal:
      return same_again<Refusal>(read_refusal(frame.body), read_refusal);
    case FrameType::statement:
      return same_again<Statement>(read_statement(frame.body), read_statement);
    case FrameType::burst: {
      const auto burst = read_burst(frame.body);
      // Quantised symbols are scaled by their largest, which a peer may have chosen otherwise.
      if (burst && burst->format != SymbolFormat::int16 && burst->format != SymbolFormat::int8)
        same_again<BurstMessage>(burst, read_burst);
      if (burst)
        require(burst->symbols.size() == burst->count || burst->format == SymbolFormat::datagrams,
                "as many symbols as announced");
      break;
    }
    case FrameType::answer:
      return same_again<Answer>(read_answer(frame.body), read_answer);
    case FrameType::receipt:
      return same_again<std::vector<ImageKey>>(read_receipt(frame.body), read_receipt);
    case FrameType::report:
      return same_again<Report>(read_report(frame.body), read_report);
    case FrameType::record:
      return same_again<Record>(read_record(frame.body), read_record);
    case FrameType::number:
      return same_again<Numbered>(read_numbered(frame.body), read_numbered);
    case FrameType::goodbye:
      (void)read_goodbye(frame.body);
      break;
    case FrameType::ping:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace semwave;
  if (bytes < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, bytes - 2);
  if (data[0] < 64) {
    FrameReader reader(1u << 16);
    const std::size_t piece = 1 + data[1];
    for (std::size_t at = 0; at < input.size(); at += piece) {
      reader.append(input.substr(at, piece));
      for (Frame frame; reader.next(frame);) take(frame);
    }
  } else if (data[0] < 96) {
    DatagramSeal clear(""), sealed(std::string(datagram_key_bytes, 'k'));
    for (DatagramSeal* seal : {&clear, &sealed})
      if (auto datagram = seal->read(input))
        require(seal->write(*datagram) == input, "a datagram is written in one way");
    if (const auto channel = channel_of(input)) (void)*channel;
  } else {  // bodies by themselves: no checksum stands between the fuzzer and them
    take({static_cast<FrameType>(1 + data[0] % 10), input});
  }
  return 0;
}
