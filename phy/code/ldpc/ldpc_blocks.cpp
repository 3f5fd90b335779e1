// LDPC codes as channel codes: shortened to the message of a code block, decoded many at a time.
#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include <fmt/core.h>

#include "phy/code/channel_code.h"
#include "phy/code/code_rate.h"
#include "phy/code/ldpc/ldpc_decoder.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr float certain = 1e6f;  // soft bit of a zero that both ends know
constexpr std::array<int, 3> lengths = {1944, 1296, 648};

std::shared_ptr<const LdpcCode> code_of_80211n(int length, const CodeFraction* rate) {
  static const auto codes = [] {
    std::array<std::array<std::shared_ptr<const LdpcCode>, code_fractions.size()>, lengths.size()>
        all;
    for (std::size_t n = 0; n < lengths.size(); ++n)
      for (std::size_t r = 0; r < code_fractions.size(); ++r)
        all[n][r] = LdpcCode::ieee_80211n(lengths[n], static_cast<LdpcRate>(r));
    return all;
  }();
  const auto n =
      static_cast<std::size_t>(std::find(lengths.begin(), lengths.end(), length) - lengths.begin());
  return codes[n][static_cast<std::size_t>(rate - code_fractions.data())];
}

class LdpcBlockDecoder final : public BlockDecoder {
 public:
  LdpcBlockDecoder(std::shared_ptr<const LdpcCode> code, const CodeBlocks& blocks,
                   const LdpcDecoding& settings)
      : blocks_(blocks), decoder_(std::move(code), settings) {}

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    const LdpcCode& code = decoder_.code();
    const auto n = static_cast<std::size_t>(code.length());
    PooledVector<float> whole(verdicts.size() * n);
    lay_out(soft, whole);
    Bits codewords(whole.size()), message(static_cast<std::size_t>(code.information()));
    PooledVector<LdpcOutcome> outcomes(verdicts.size());
    decoder_.decode(whole, codewords, outcomes);
    auto to = messages.begin();
    for (std::size_t b = 0; b < verdicts.size(); ++b) {
      code.extract({codewords.data() + b * n, n}, message);
      to = std::copy_n(message.begin(), message_bits(b), to);
      verdicts[b] = {.holds = outcomes[b].holds, .iterations = outcomes[b].iterations};
    }
  }

 private:
  std::size_t message_bits(std::size_t block) const {
    return static_cast<std::size_t>(blocks_.message_bits(blocks_.in_frame(block)));
  }

  /// Whole codewords from what came of them: the zeros that were not sent are certain.
  void lay_out(std::span<const float> soft, std::span<float> whole) const {
    const auto n = static_cast<std::size_t>(decoder_.code().length());
    const auto positions = decoder_.code().information_positions();
    std::size_t from = 0;
    for (std::size_t b = 0; b < whole.size() / n; ++b) {
      std::size_t unsent = message_bits(b);
      float* const codeword = whole.data() + b * n;
      for (std::size_t c = 0; c < n; ++c) {
        const bool known =
            unsent < positions.size() && positions[unsent] == static_cast<std::int32_t>(c);
        codeword[c] = known ? certain : soft[from++];
        unsent += known;
      }
    }
    assert(from == soft.size());
  }

  CodeBlocks blocks_;
  LdpcDecoder decoder_;
};

class LdpcCoder final : public BlockCoder {
 public:
  LdpcCoder(std::shared_ptr<const LdpcCode> code, const CodeBlocks& blocks)
      : code_(std::move(code)), blocks_(blocks) {}

  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    // Zeros fill the message up to the code's; those of them that are information positions are
    // not sent.
    Bits filled(static_cast<std::size_t>(code_->information())),
        codeword(static_cast<std::size_t>(code_->length()));
    std::copy(message.begin(), message.end(), filled.begin());
    code_->encode(filled, codeword);
    const auto positions = code_->information_positions();
    std::size_t to = 0, unsent = message.size();
    for (std::size_t c = 0; c < codeword.size(); ++c) {
      if (unsent < positions.size() && positions[unsent] == static_cast<std::int32_t>(c))
        ++unsent;
      else
        coded[to++] = codeword[c];
    }
    assert(to == coded.size());
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings& settings) const override {
    return std::make_unique<LdpcBlockDecoder>(code_, blocks_, settings.ldpc);
  }

 private:
  std::shared_ptr<const LdpcCode> code_;
  CodeBlocks blocks_;
};

/// One code of 802.11n, or one of a file.
class OneLdpcCode final : public ChannelCode {
 public:
  OneLdpcCode(std::shared_ptr<const LdpcCode> code, std::optional<double> rate)
      : code_(std::move(code)), rate_(rate) {}

  std::string kind() const override { return "ldpc"; }
  std::string name() const override {
    return rate_ ? fmt::format("{} ldpc {}", rate_name(*rate_), code_->length()) : code_->name();
  }
  std::int64_t largest_message() const override { return code_->information(); }
  std::int64_t coded_bits(std::int64_t message) const override {
    return message + code_->length() - code_->information();
  }
  std::int64_t full_message() const override { return code_->information(); }
  bool iterates() const override { return true; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return std::make_unique<LdpcCoder>(code_, blocks);
  }
  std::optional<LossRows> loss_rows() const override {
    if (!rate_) return std::nullopt;
    return LossRows{"ldpc", *rate_, code_->length()};
  }
  std::vector<Component> components() const override {
    static const std::string shifts = ldpc_tables_sha256();
    std::vector<Component> all{component_of(part::ldpc_code)};
    if (rate_) all.push_back({"ldpc tables", shifts});  // a file's content is in the digest itself
    return all;
  }

 private:
  std::shared_ptr<const LdpcCode> code_;
  std::optional<double> rate_;  // none: a file's
};

/// The length of 802.11n that a block needs fewest coded bits with.
class LdpcOfAnyLength final : public ChannelCode {
 public:
  explicit LdpcOfAnyLength(double rate) : rate_(rate) {
    for (const int length : lengths)
      codes_.emplace_back(code_of_80211n(length, code_fraction(rate)), rate);
  }

  std::string kind() const override { return "ldpc"; }
  std::string name() const override { return rate_name(rate_) + " ldpc"; }

  const ChannelCode& settled(std::int64_t bits, bool check) const override {
    const OneLdpcCode* best = &codes_.front();
    std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
    for (const OneLdpcCode& code : codes_) {  // longest first: it wins a tie
      const std::int64_t crc = block_crc(code, check).bits, largest = code.largest_message() - crc,
                         blocks = (bits + largest - 1) / largest,
                         coded = bits + blocks * code.coded_bits(crc);
      if (coded < fewest) best = &code, fewest = coded;
    }
    return *best;
  }

  // A block goes through a settled code; these are those of the longest.
  std::int64_t largest_message() const override { return codes_.front().largest_message(); }
  std::int64_t coded_bits(std::int64_t message) const override {
    return codes_.front().coded_bits(message);
  }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return codes_.front().coder(blocks);
  }
  std::optional<LossRows> loss_rows() const override { return LossRows{"ldpc", rate_}; }
  std::vector<Component> components() const override { return codes_.front().components(); }

 private:
  double rate_;
  std::vector<OneLdpcCode> codes_;
};

}  // namespace

std::shared_ptr<const ChannelCode> ldpc_code(double rate, int length) {
  const CodeFraction* const fraction = code_fraction(rate);
  if (fraction == nullptr)
    throw PartError("/rate",
                    fmt::format("802.11n has the rates 1/2, 2/3, 3/4 and 5/6, found {}", rate));
  if (length == 0) return std::make_shared<const LdpcOfAnyLength>(rate);
  if (std::find(lengths.begin(), lengths.end(), length) == lengths.end())
    throw PartError("/length",
                    fmt::format("802.11n has codes of 648, 1296 and 1944 bits, found {}", length));
  return std::make_shared<const OneLdpcCode>(code_of_80211n(length, fraction), rate);
}

std::shared_ptr<const ChannelCode> ldpc_code_of_file(const std::string& path) {
  return std::make_shared<const OneLdpcCode>(LdpcCode::from_alist(path), std::nullopt);
}

}  // namespace semwave
