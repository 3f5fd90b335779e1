// Polar codes as channel codes: one of its own for each length of message.
#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "phy/code/channel_code.h"
#include "phy/code/code_rate.h"
#include "phy/code/polar/polar_code.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

// Mother codes up to 1024, whose reliabilities are those of 38.212. Below a rate of 1/8 they
// repeat.
constexpr std::int64_t longest = 1024, longest_repeated = 2048;
constexpr double repeating_rate = 0.125;

/// Of the longer code blocks, and of the others.
using PolarCodes = std::array<std::shared_ptr<const PolarCode>, 2>;

class PolarBlockDecoder final : public BlockDecoder {
 public:
  PolarBlockDecoder(const PolarCodes& codes, const CodeBlocks& blocks, int list) : blocks_(blocks) {
    for (std::size_t c = 0; c < codes.size(); ++c)
      if (codes[c]) decoders_[c] = std::make_unique<PolarDecoder>(codes[c], list);
    lengths_ = {codes[0] ? codes[0]->length() : 0, codes[1]->length()};
  }

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    const auto code = [&](int block) -> std::size_t { return block < blocks_.longer ? 0 : 1; };
    decode_one_by_one(
        blocks_, soft, messages, verdicts,
        [&](int block) {
          return std::pair(static_cast<std::size_t>(lengths_[code(block)]),
                           static_cast<std::size_t>(blocks_.message_bits(block) - crc_11.bits));
        },
        [&](int block, std::span<const float> heard, std::span<std::uint8_t> message) {
          return BlockVerdict{.holds = decoders_[code(block)]->decode(heard, message)};
        });
  }

 private:
  CodeBlocks blocks_;
  std::array<std::unique_ptr<PolarDecoder>, 2> decoders_;
  std::array<int, 2> lengths_{};
};

class PolarCoder final : public BlockCoder {
 public:
  PolarCoder(PolarCodes codes, const CodeBlocks& blocks)
      : codes_(std::move(codes)), blocks_(blocks) {}

  void encode(int block, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    codes_[block < blocks_.longer ? 0 : 1]->encode(message, coded);
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings& settings) const override {
    return std::make_unique<PolarBlockDecoder>(codes_, blocks_, settings.list);
  }

 private:
  PolarCodes codes_;
  CodeBlocks blocks_;
};

class PolarChannelCode final : public ChannelCode {
 public:
  explicit PolarChannelCode(double rate) : rate_(rate) {}

  std::string kind() const override { return "polar"; }
  std::string name() const override { return rate_name(rate_) + " polar"; }
  Crc own_crc() const override { return crc_11; }

  std::int64_t largest_message() const override {
    const auto length = static_cast<double>(rate_ < repeating_rate ? longest_repeated : longest);
    return static_cast<std::int64_t>(length * rate_ + 1e-9);
  }
  std::int64_t coded_bits(std::int64_t message) const override {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(message) / rate_ - 1e-9));
  }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    const auto code = [&](std::int64_t message) {
      return std::make_shared<const PolarCode>(static_cast<int>(message - crc_11.bits),
                                               static_cast<int>(coded_bits(message)), crc_11);
    };
    return std::make_unique<PolarCoder>(
        PolarCodes{blocks.longer > 0 ? code(blocks.message + 1) : nullptr, code(blocks.message)},
        blocks);
  }

  std::optional<LossRows> loss_rows() const override { return LossRows{"polar", rate_}; }
  std::vector<Component> components() const override {
    static const std::string sequence = polar_tables_sha256();
    return {component_of(part::polar_code),
            component_of(part::crc),
            component_of(part::capacity),
            {"polar tables", sequence}};
  }

 private:
  double rate_;
};

}  // namespace

std::shared_ptr<const ChannelCode> polar_code(double rate) {
  if (!(rate >= 1.0 / 64 && rate <= 0.95))
    throw PartError(
        "/rate", fmt::format("a polar code has a rate between 1/64 and 0.95 here, found {}", rate));
  return std::make_shared<const PolarChannelCode>(rate);
}

}  // namespace semwave
