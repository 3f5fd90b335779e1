// The LDPC codes of 5G NR as a channel code: each code block with the graph, lifting size and rate
// matching of its length, decoded as many at a time as the decoder likes.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "phy/code/channel_code.h"
#include "phy/code/code_rate.h"
#include "phy/code/ldpc/ldpc_decoder.h"
#include "phy/code/ldpc/nr_ldpc.h"
#include "phy/code/ldpc/nr_loss.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

/// What all code blocks of one size share.
struct NrSize {
  NrBlock block;
  std::shared_ptr<const LdpcCode> code;
};

/// Sizes of the longer code blocks, and of the others.
using NrSizes = std::array<NrSize, 2>;

class NrDecoder final : public BlockDecoder {
 public:
  NrDecoder(const NrSizes& sizes, const CodeBlocks& blocks, const LdpcDecoding& decoding)
      : blocks_(blocks) {
    for (std::size_t s = 0; s < sizes.size(); ++s)
      if (sizes[s].code) sizes_[s].emplace(sizes[s], decoding);
  }

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    // A decoder may take several code blocks of its size at a time.
    for (std::size_t s = 0; s < sizes_.size(); ++s) {
      if (!sizes_[s]) continue;
      Size& size = *sizes_[s];
      std::size_t from = 0, to = 0;
      for (std::size_t b = 0; b < verdicts.size(); ++b) {
        const std::size_t of = blocks_.in_frame(b) < blocks_.longer ? 0 : 1;
        const auto sent = static_cast<std::size_t>(sizes_[of]->of.block.sent),
                   bits = static_cast<std::size_t>(sizes_[of]->of.block.message);
        if (of == s) {
          size.take(soft.subspan(from, sent), messages.subspan(to, bits), verdicts[b], width());
          if (size.full()) size.decide();
        }
        from += sent;
        to += bits;
      }
      size.decide();
    }
  }

 private:
  std::size_t width() const { return static_cast<std::size_t>(blocks_.width); }

  /// Code blocks of one size that wait for their decoder.
  struct Size {
    Size(const NrSize& size, const LdpcDecoding& decoding)
        : of(size),
          decoder(size.code, decoding),
          order(static_cast<std::size_t>(size.block.sent)),
          soft(lanes() * length()),
          codewords(soft.size()),
          outcomes(lanes()),
          waiting(lanes()) {}

    std::size_t lanes() const { return static_cast<std::size_t>(decoder.lanes()); }
    std::size_t length() const { return static_cast<std::size_t>(of.block.codeword_length); }
    bool full() const { return count == lanes(); }

    void take(std::span<const float> heard, std::span<std::uint8_t> message, BlockVerdict& verdict,
              std::size_t width) {
      for (std::size_t i = 0, at = 0; i < heard.size() / width; ++i)
        for (std::size_t bit = 0; bit < width; ++bit, ++at)
          order[nr_interleaved(at, heard.size(), width)] = heard[at];
      nr_collect(of.block, order, std::span(soft).subspan(count * length(), length()));
      waiting[count++] = {message, &verdict};
    }

    void decide() {
      decoder.decode(std::span(soft).first(count * length()),
                     std::span(codewords).first(count * length()),
                     std::span(outcomes).first(count));
      for (std::size_t i = 0; i < count; ++i) {
        const auto& [message, verdict] = waiting[i];
        std::copy_n(codewords.begin() + static_cast<std::ptrdiff_t>(i * length()), message.size(),
                    message.begin());
        *verdict = {.holds = outcomes[i].holds, .iterations = outcomes[i].iterations};
      }
      count = 0;
    }

    NrSize of;
    LdpcDecoder decoder;
    PooledVector<float> order, soft;
    Bits codewords;
    PooledVector<LdpcOutcome> outcomes;
    std::vector<std::pair<std::span<std::uint8_t>, BlockVerdict*>> waiting;
    std::size_t count = 0;
  };

  CodeBlocks blocks_;
  std::array<std::optional<Size>, 2> sizes_;
};

class NrCoder final : public BlockCoder {
 public:
  NrCoder(NrSizes sizes, const CodeBlocks& blocks) : sizes_(std::move(sizes)), blocks_(blocks) {}

  void encode(int block, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    const NrSize& size = sizes_[block < blocks_.longer ? 0 : 1];
    Bits filled(static_cast<std::size_t>(size.block.information())),
        codeword(static_cast<std::size_t>(size.block.codeword_length)), sent(coded.size());
    std::copy(message.begin(), message.end(), filled.begin());
    size.code->encode(filled, codeword);
    nr_select(size.block, codeword, sent);
    const auto width = static_cast<std::size_t>(blocks_.width);
    for (std::size_t i = 0; i < coded.size(); ++i)
      coded[i] = sent[nr_interleaved(i, coded.size(), width)];
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings& settings) const override {
    return std::make_unique<NrDecoder>(sizes_, blocks_, settings.ldpc);
  }

 private:
  NrSizes sizes_;
  CodeBlocks blocks_;
};

/// With one of the graphs and one of the ways to check.
class OneNrCode final : public ChannelCode {
 public:
  OneNrCode(double rate, NrGraph graph, Crc check, Crc whole)
      : rate_(rate), graph_(graph), check_(check), whole_(whole) {}

  std::string kind() const override { return "nr-ldpc"; }
  std::string name() const override {
    return fmt::format("{} nr-ldpc bg{}", rate_name(rate_), graph_ == NrGraph::first ? 1 : 2);
  }
  Crc check_crc() const override { return check_; }
  Crc whole_crc() const override { return whole_; }
  bool whole_symbols() const override { return true; }
  std::int64_t largest_message() const override { return nr_largest_message(graph_); }
  std::int64_t coded_bits(std::int64_t message) const override {
    return std::max<std::int64_t>(
        nr_least_sent(graph_, static_cast<int>(message)),
        std::llround(std::ceil(static_cast<double>(message) / rate_ - 1e-9)));
  }
  bool iterates() const override { return true; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    const auto size = [&](std::int64_t message) {
      const NrBlock block = nr_block(graph_, static_cast<int>(message),
                                     static_cast<int>(coded_bits_on(*this, message, blocks.width)));
      return NrSize{block, nr_ldpc(block)};
    };
    return std::make_unique<NrCoder>(
        NrSizes{blocks.longer > 0 ? size(blocks.message + 1) : NrSize{}, size(blocks.message)},
        blocks);
  }
  std::optional<double> block_loss(std::int64_t message, Modulation modulation,
                                   double snr_db) const override {
    const std::int64_t sent = coded_bits_on(*this, message, bits_per_symbol(modulation));
    return nr_block_loss(graph_, rate_, static_cast<double>(message), static_cast<double>(sent),
                         modulation, snr_db);
  }
  std::vector<Component> components() const override {
    static const std::string graphs = nr_tables_sha256(), margins = nr_margins_sha256();
    return {component_of(part::nr_ldpc_code),
            component_of(part::ldpc_code),
            component_of(part::capacity),
            {"nr ldpc tables", graphs},
            {"nr ldpc margins", margins}};
  }

 private:
  double rate_;
  NrGraph graph_;
  Crc check_, whole_;
};

/// The graph and the CRCs that a block needs.
class NrCode final : public ChannelCode {
 public:
  explicit NrCode(double rate) : rate_(rate) {
    for (const NrGraph graph : {NrGraph::first, NrGraph::second}) {
      codes_.emplace_back(rate, graph, crc_16, no_crc);
      codes_.emplace_back(rate, graph, crc_24a, no_crc);
      codes_.emplace_back(rate, graph, crc_24b, crc_24a);
    }
  }

  std::string kind() const override { return "nr-ldpc"; }
  std::string name() const override { return rate_name(rate_) + " nr-ldpc"; }

  const ChannelCode& settled(std::int64_t bits, bool check) const override {
    const NrGraph graph = nr_graph(bits, rate_);
    const bool is_short = bits <= nr_short_check_bits;
    const int crc_bits = check ? (is_short ? crc_16 : crc_24a).bits : 0;
    const std::size_t way = bits + crc_bits > nr_largest_message(graph) ? 2 : is_short ? 0 : 1;
    return codes_[(graph == NrGraph::first ? 0 : 3) + way];
  }

  // A block goes through a settled code; these are those of the first graph.
  bool whole_symbols() const override { return true; }
  std::int64_t largest_message() const override { return codes_.front().largest_message(); }
  std::int64_t coded_bits(std::int64_t message) const override {
    return codes_.front().coded_bits(message);
  }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return codes_.front().coder(blocks);
  }
  std::vector<Component> components() const override { return codes_.front().components(); }

 private:
  double rate_;
  std::vector<OneNrCode> codes_;  // graph by graph; CRC of 16 bits, of 24, several code blocks
};

}  // namespace

std::shared_ptr<const ChannelCode> nr_ldpc_code(double rate) {
  if (!(rate >= 1.0 / 64 && rate <= 0.95))
    throw PartError(
        "/rate",
        fmt::format("an NR LDPC code has a rate between 1/64 and 0.95 here, found {}", rate));
  return std::make_shared<const NrCode>(rate);
}

}  // namespace semwave
