// Frames: what a control connection carries, one after another, in either direction. Byte by byte:
// docs/wire_format.md.
//
//   0  u32  length of the body
//   4  u8   type
//   5  u8   0
//   6  u16  0
//   8  u32  CRC-32C of bytes 0 to 7 and the body
//  12       body
//
// The length is compared with what this type may have before a byte of the body is waited for or
// any memory taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace semwave {

enum class FrameType : std::uint8_t {
  hello = 1,       // transmitter: who I am, what I run
  welcome = 2,     // receiver: go on
  refusal = 3,     // receiver: why not; the connection ends
  burst = 4,       // one image on air
  answer = 5,      // what was heard of it
  receipt = 6,     // transmitter: answers that are kept here
  report = 7,      // receiver: feedback
  ping = 8,        // either: still there
  goodbye = 9,     // either: nothing more comes from here, and why
  record = 10,     // never on a connection: a line of a journal
  number = 11,     // nor this: the number a watched picture goes by
  statement = 12,  // receiver, behind a refusal of the scenario: what its own says
};
inline constexpr std::size_t frame_header_bytes = 12;

/// Why bytes are no frames. A peer that sends such is not listened to any longer.
enum class FrameFault : std::uint8_t { none, type, reserved, length, checksum, body, order };
const char* describe(FrameFault fault);

inline constexpr std::size_t largest_listing = 16384;  // body of receipts, records, statements
/// Largest body of each type; `largest_burst` bounds those of bursts.
std::size_t largest_body(FrameType type, std::size_t largest_burst);

struct Frame {
  FrameType type = FrameType::ping;
  std::string_view body;  // within the reader's buffer, until its next `append` or `next`
};

/// A whole frame, appended to `out`.
void write_frame(std::string& out, FrameType type, std::string_view body);

/// Bytes in, frames out. Holds no more than one frame and what was appended behind it.
class FrameReader {
 public:
  explicit FrameReader(std::size_t largest_burst) : largest_burst_(largest_burst) {}
  /// Of a peer that has not said who it is no burst is taken in.
  void allow_bursts(std::size_t largest) { largest_burst_ = largest; }
  void append(std::string_view bytes);
  /// The next whole frame; false where more bytes are needed, or where what is there is no frame:
  /// then `fault` says why, for good.
  bool next(Frame& frame);
  FrameFault fault() const { return fault_; }
  /// A frame has begun and is not whole.
  bool half() const { return begin_ < buffer_.size(); }
  /// What `next` looks at is a whole frame, or none at all.
  bool whole() const;
  /// Bytes of what was not handed out, and of memory that is held for it.
  std::size_t waiting() const { return buffer_.size() - begin_; }
  std::size_t memory() const { return buffer_.capacity(); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not handed out
  std::size_t largest_burst_;
  FrameFault fault_ = FrameFault::none;
};

}  // namespace semwave
