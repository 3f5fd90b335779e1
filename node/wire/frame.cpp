#include "node/wire/frame.h"

#include "node/wire/bytes.h"
#include "node/wire/crc32c.h"

namespace semwave {
namespace {

constexpr std::size_t kept_bytes = 1u << 17;

}  // namespace

const char* describe(FrameFault fault) {
  switch (fault) {
    case FrameFault::none:
      return "no fault";
    case FrameFault::type:
      return "a frame of an unknown type";
    case FrameFault::reserved:
      return "a frame whose reserved bytes are not 0";
    case FrameFault::length:
      return "a frame longer than its type may be";
    case FrameFault::checksum:
      return "a frame whose checksum does not hold";
    case FrameFault::body:
      return "a frame whose body does not say what its type says";
    case FrameFault::order:
      return "a frame that has no place at this point of the conversation";
  }
  return "";
}

std::size_t largest_body(FrameType type, std::size_t largest_burst) {
  switch (type) {
    case FrameType::burst:
      return largest_burst;
    case FrameType::record:
    case FrameType::receipt:
    case FrameType::statement:
      return largest_listing;
    case FrameType::answer:
      return 4096;
    case FrameType::hello:
    case FrameType::refusal:
    case FrameType::goodbye:
    case FrameType::number:
      return 1024;
    case FrameType::welcome:
    case FrameType::report:
      return 256;
    case FrameType::ping:
      return 0;
  }
  return 0;
}

void write_frame(std::string& out, FrameType type, std::string_view body) {
  const std::size_t begin = out.size();
  ByteWriter writer(out);
  writer.number(static_cast<std::uint32_t>(body.size()));
  writer.number(static_cast<std::uint8_t>(type));
  writer.number(std::uint8_t{0});
  writer.number(std::uint16_t{0});
  writer.number(crc32c(body, crc32c(std::string_view(out).substr(begin, 8))));
  writer.bytes(body.data(), body.size());
}

void FrameReader::append(std::string_view bytes) {
  if (begin_ > 0) {
    // What a large frame took is given back: a thousand peers would each keep it.
    if (buffer_.capacity() > kept_bytes && waiting() + bytes.size() <= kept_bytes)
      buffer_ = std::string(buffer_, begin_);
    else
      buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_.append(bytes);
}

bool FrameReader::whole() const {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (fault_ != FrameFault::none) return true;
  return rest.size() >= frame_header_bytes &&
         rest.size() - frame_header_bytes >= ByteReader(rest).number<std::uint32_t>();
}

bool FrameReader::next(Frame& frame) {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (fault_ != FrameFault::none || rest.size() < frame_header_bytes) return false;
  ByteReader reader(rest);
  const auto length = reader.number<std::uint32_t>();
  const auto type = reader.number<std::uint8_t>();
  const auto reserved =
      static_cast<unsigned>(reader.number<std::uint8_t>()) | reader.number<std::uint16_t>();
  const auto sum = reader.number<std::uint32_t>();
  if (type < static_cast<std::uint8_t>(FrameType::hello) ||
      type > static_cast<std::uint8_t>(FrameType::statement))
    fault_ = FrameFault::type;
  else if (reserved != 0)
    fault_ = FrameFault::reserved;
  else if (length > largest_body(static_cast<FrameType>(type), largest_burst_))
    fault_ = FrameFault::length;
  if (fault_ != FrameFault::none || rest.size() < frame_header_bytes + length) return false;
  const std::string_view body = rest.substr(frame_header_bytes, length);
  if (crc32c(body, crc32c(rest.substr(0, 8))) != sum) {
    fault_ = FrameFault::checksum;
    return false;
  }
  frame = {static_cast<FrameType>(type), body};
  begin_ += frame_header_bytes + length;
  return true;
}

}  // namespace semwave
