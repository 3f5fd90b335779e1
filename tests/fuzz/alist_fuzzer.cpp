// Any text as an alist: an Error, or a code whose every codeword satisfies its checks and carries
// its message.
#include <cstdint>

#include "core/base/error.h"
#include "phy/code/ldpc/ldpc_code.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  try {
    const auto code = semwave::LdpcCode::parse_alist(text, "x.alist");
    require(code->information() >= 1 && code->information() + code->checks() >= code->length(),
            "k is between n - m and n");
    semwave::Bits message(static_cast<std::size_t>(code->information())),
        codeword(static_cast<std::size_t>(code->length())), back(message.size());
    for (std::size_t i = 0; i < message.size(); ++i) message[i] = data[i % bytes] & 1u;
    code->encode(message, codeword);
    require(code->holds(codeword), "a codeword satisfies every check");
    code->extract(codeword, back);
    require(back == message, "the message stands in its codeword");
  } catch (const semwave::Error&) {
  }
  return 0;
}
