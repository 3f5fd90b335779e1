// Sum-product in double, one frame at a time: the reference of the faster decoders. A check answers
// bit e with 2 artanh(prod_{i != e} tanh(b_i / 2)), the products without one factor made by running
// ones from both ends, so that nothing is divided.
#include <algorithm>
#include <cmath>

#include "core/base/pooled_vector.h"
#include "phy/code/ldpc/ldpc_engine.h"

namespace semwave {
namespace {

/// Beyond it tanh(x / 2) is 1 in double.
constexpr double largest_belief = 36;

class SumProduct final : public LdpcDecoder::Engine {
 public:
  SumProduct(const LdpcCode& code, const LdpcDecoding& decoding)
      : code_(code),
        decoding_(decoding),
        beliefs_(static_cast<std::size_t>(code.length())),
        messages_(code.columns().size()),
        others_(static_cast<std::size_t>(code.largest_row())),
        tangents_(static_cast<std::size_t>(code.largest_row())),
        behind_(static_cast<std::size_t>(code.largest_row()) + 1) {}

  int lanes() const override { return 1; }

  void decode(const float* soft, int, std::uint8_t* codeword, LdpcOutcome* outcome) override {
    const std::span<std::uint8_t> decided(codeword, beliefs_.size());
    std::copy(soft, soft + beliefs_.size(), beliefs_.begin());
    std::fill(messages_.begin(), messages_.end(), 0.0);
    for (int iteration = 1; iteration <= decoding_.iterations; ++iteration) {
      for (int check = 0; check < code_.checks(); ++check) update(check);
      const bool last = iteration == decoding_.iterations;
      if (!decoding_.stop_early && !last) continue;
      for (std::size_t c = 0; c < decided.size(); ++c) decided[c] = beliefs_[c] < 0 ? 1 : 0;
      *outcome = {iteration, code_.holds(decided)};
      if (outcome->holds) return;
    }
  }

 private:
  void update(int check) {
    const std::span<const std::int32_t> columns = code_.row(check);
    double* const message = messages_.data() + code_.row_starts()[static_cast<std::size_t>(check)];
    const std::size_t degree = columns.size();
    for (std::size_t e = 0; e < degree; ++e) {
      others_[e] = beliefs_[static_cast<std::size_t>(columns[e])] - message[e];
      tangents_[e] = std::tanh(0.5 * std::clamp(others_[e], -largest_belief, largest_belief));
    }
    behind_[degree] = 1;
    for (std::size_t e = degree; e-- > 0;) behind_[e] = behind_[e + 1] * tangents_[e];
    double before = 1;
    for (std::size_t e = 0; e < degree; ++e) {
      const double product = before * behind_[e + 1];
      message[e] =
          std::clamp(std::log1p(product) - std::log1p(-product), -largest_belief, largest_belief);
      beliefs_[static_cast<std::size_t>(columns[e])] = others_[e] + message[e];
      before *= tangents_[e];
    }
  }

  const LdpcCode& code_;
  LdpcDecoding decoding_;
  PooledVector<double> beliefs_, messages_, others_, tangents_, behind_;
};

}  // namespace

std::unique_ptr<LdpcDecoder::Engine> make_sum_product(const LdpcCode& code,
                                                      const LdpcDecoding& decoding) {
  return std::make_unique<SumProduct>(code, decoding);
}

}  // namespace semwave
