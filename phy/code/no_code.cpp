// Bits as they are, as a channel code.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "phy/bounds/error_rate.h"
#include "phy/code/channel_code.h"

namespace semwave {
namespace {

constexpr std::int64_t no_limit = std::int64_t{1} << 40;

class NoDecoder final : public BlockDecoder {
 public:
  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    assert(soft.size() == messages.size());
    for (std::size_t i = 0; i < soft.size(); ++i) messages[i] = soft[i] < 0;
    std::fill(verdicts.begin(), verdicts.end(), BlockVerdict{});
  }
};

class NoCoder final : public BlockCoder {
 public:
  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    std::copy(message.begin(), message.end(), coded.begin());
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings&) const override {
    return std::make_unique<NoDecoder>();
  }
};

class NoCode final : public ChannelCode {
 public:
  std::string kind() const override { return "none"; }
  std::string name() const override { return "uncoded"; }
  std::int64_t largest_message() const override { return no_limit; }
  std::int64_t coded_bits(std::int64_t message) const override { return message; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks&) const override {
    return std::make_unique<NoCoder>();
  }
  /// Every symbol right, counted in parts of a symbol where the last is not full.
  std::optional<double> block_loss(std::int64_t message, Modulation modulation,
                                   double snr_db) const override {
    return lost_symbols(static_cast<double>(message), modulation, snr_db);
  }
  std::vector<Component> components() const override { return {}; }
};

}  // namespace

std::shared_ptr<const ChannelCode> no_code() {
  static const auto code = std::make_shared<const NoCode>();
  return code;
}

}  // namespace semwave
