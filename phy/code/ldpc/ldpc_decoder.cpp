// Memory of the min-sum decoder, and the choice between the algorithms.
#include "phy/code/ldpc/ldpc_decoder.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "core/base/pooled_vector.h"
#include "core/cpu/machine.h"
#include "phy/code/ldpc/ldpc_engine.h"

namespace semwave {
namespace cpu {

SEMWAVE_DECLARE_KERNEL(MinSumKernel, min_sum_kernel)

std::vector<MinSumKernel> min_sum_kernels() {
  std::vector<MinSumKernel> made;
  for (const auto kernel : SEMWAVE_RUNNABLE(min_sum_kernel)) made.push_back(kernel());
  return made;
}

}  // namespace cpu

namespace {

class MinSumEngine final : public LdpcDecoder::Engine {
 public:
  MinSumEngine(const LdpcCode& code, const LdpcDecoding& decoding, const cpu::MinSumKernel& kernel)
      : bytes_(decoding.algorithm == LdpcAlgorithm::min_sum_fixed),
        decode_(bytes_ ? kernel.in_bytes : kernel.in_floats),
        lanes_(kernel.register_bytes / (bytes_ ? 1 : 4)) {
    const auto length = static_cast<std::size_t>(code.length()), edges = code.columns().size(),
               row = static_cast<std::size_t>(code.largest_row()),
               registers = static_cast<std::size_t>(kernel.register_bytes),
               frames = static_cast<std::size_t>(lanes_);
    const std::size_t sizes[5] = {length * registers, edges * registers, row * registers,
                                  length * frames, bytes_ ? length * frames : 0};
    for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i].resize(sizes[i]);
    work_ = {.row_starts = code.row_starts().data(),
             .columns = code.columns().data(),
             .checks = code.checks(),
             .length = code.length(),
             .iterations = decoding.iterations,
             .stop_early = decoding.stop_early,
             .beliefs = memory_[0].data(),
             .messages = memory_[1].data(),
             .row = memory_[2].data(),
             .decisions = memory_[3].data(),
             .quantised = memory_[4].data()};
  }

  int lanes() const override { return lanes_; }

  void decode(const float* soft, int frames, std::uint8_t* codewords,
              LdpcOutcome* outcomes) override {
    decode_(work_, soft, frames, codewords, outcomes);
  }

 private:
  bool bytes_;
  cpu::DecodeMinSum decode_;
  int lanes_;
  std::array<PooledVector<std::byte>, 5> memory_;  // 64-byte aligned, as all blocks are
  cpu::MinSumWork work_{};
};

std::unique_ptr<LdpcDecoder::Engine> make_engine(const LdpcCode& code, const LdpcDecoding& decoding,
                                                 const cpu::MinSumKernel* kernel) {
  static const cpu::MinSumKernel best = cpu::min_sum_kernels().front();
  if (decoding.algorithm == LdpcAlgorithm::sum_product) return make_sum_product(code, decoding);
  return std::make_unique<MinSumEngine>(code, decoding, kernel ? *kernel : best);
}

}  // namespace

LdpcDecoder::LdpcDecoder(std::shared_ptr<const LdpcCode> code, const LdpcDecoding& decoding,
                         const cpu::MinSumKernel* kernel)
    : code_(std::move(code)), engine_(make_engine(*code_, decoding, kernel)) {
  assert(decoding.iterations >= 1);
}

LdpcDecoder::~LdpcDecoder() = default;
LdpcDecoder::LdpcDecoder(LdpcDecoder&&) noexcept = default;
LdpcDecoder& LdpcDecoder::operator=(LdpcDecoder&&) noexcept = default;

int LdpcDecoder::lanes() const {
  return engine_->lanes();
}

void LdpcDecoder::decode(std::span<const float> soft, std::span<std::uint8_t> codewords,
                         std::span<LdpcOutcome> outcomes) {
  const auto length = static_cast<std::size_t>(code_->length());
  assert(soft.size() == outcomes.size() * length && codewords.size() == soft.size());
  const auto step = static_cast<std::size_t>(lanes());
  for (std::size_t f = 0; f < outcomes.size(); f += step)
    engine_->decode(soft.data() + f * length, static_cast<int>(std::min(step, outcomes.size() - f)),
                    codewords.data() + f * length, outcomes.data() + f);
}

}  // namespace semwave
