// The code that is LDPC or polar, whichever suits the block.
#include "phy/code/channel_code.h"
#include "phy/code/code_rate.h"

namespace semwave {
namespace {

class AutomaticCode final : public ChannelCode {
 public:
  explicit AutomaticCode(double rate)
      : rate_(rate),
        ldpc_(code_fraction(rate) ? ldpc_code(rate) : nullptr),
        polar_(polar_code(rate)) {}

  std::string kind() const override { return "auto"; }
  std::string name() const override { return rate_name(rate_); }

  const ChannelCode& settled(std::int64_t bits, bool check) const override {
    const bool fills = static_cast<double>(bits + crc_16.bits) >= shortest_ldpc * rate_;
    return fills && ldpc_ ? ldpc_->settled(bits, check) : *polar_;
  }

  // A block goes through a settled code; these are those of the more general one.
  std::int64_t largest_message() const override { return polar_->largest_message(); }
  std::int64_t coded_bits(std::int64_t message) const override {
    return polar_->coded_bits(message);
  }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return polar_->coder(blocks);
  }

  std::vector<Component> components() const override {
    std::vector<Component> all = polar_->components();
    for (const Component& one : ldpc_code(0.5)->components()) all.push_back(one);
    return all;
  }

 private:
  double rate_;
  std::shared_ptr<const ChannelCode> ldpc_, polar_;  // no LDPC: not at this rate
};

}  // namespace

std::shared_ptr<const ChannelCode> automatic_code(double rate) {
  return std::make_shared<const AutomaticCode>(rate);
}

}  // namespace semwave
