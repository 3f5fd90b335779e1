// Memory of the min-sum decoder, and the choice between the algorithms.
#include "phy/code/ldpc/ldpc_decoder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

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

bool in_bytes(const LdpcDecoding& decoding) {
  return decoding.algorithm == LdpcAlgorithm::min_sum_fixed;
}

const cpu::MinSumFunctions& functions_of(const cpu::MinSumKernel& kernel, const LdpcCode& code,
                                         const LdpcDecoding& decoding) {
  const auto correction = static_cast<std::size_t>(code.correction());
  return in_bytes(decoding) ? kernel.in_bytes[correction] : kernel.in_floats[correction];
}

int lanes_of(const cpu::MinSumKernel& kernel, const LdpcDecoding& decoding) {
  return kernel.register_bytes / (in_bytes(decoding) ? 1 : 4);
}

/// One frame in each lane of a register.
class FrameLanes {
 public:
  FrameLanes(const LdpcCode& code, const LdpcDecoding& decoding, const cpu::MinSumKernel& kernel)
      : decode_(functions_of(kernel, code, decoding).frames) {
    const auto length = static_cast<std::size_t>(code.length()), edges = code.columns().size(),
               row = static_cast<std::size_t>(code.largest_row()),
               registers = static_cast<std::size_t>(kernel.register_bytes),
               frames = static_cast<std::size_t>(lanes_of(kernel, decoding));
    const std::size_t sizes[5] = {length * registers, edges * registers, row * registers,
                                  length * frames, in_bytes(decoding) ? length * frames : 0};
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

  void decode(const float* soft, int frames, std::uint8_t* codewords, LdpcOutcome* outcomes) {
    decode_(work_, soft, frames, codewords, outcomes);
  }

 private:
  cpu::DecodeMinSum decode_;
  std::array<PooledVector<std::byte>, 5> memory_;  // 64-byte aligned, as all blocks are
  cpu::MinSumWork work_{};
};

/// Many bits of one frame in a register.
class BitLanes {
 public:
  BitLanes(const LdpcCode& code, const LdpcDecoding& decoding, const cpu::MinSumKernel& kernel)
      : decode_(functions_of(kernel, code, decoding).circulants), row_starts_{0} {
    const QuasiCyclic& blocks = *code.blocks();
    std::size_t largest = 0;
    for (const std::vector<Circulant>& row : blocks.rows) {
      for (const Circulant& block : row) {
        columns_.push_back(block.column);
        shifts_.push_back(block.shift);
      }
      row_starts_.push_back(static_cast<std::int32_t>(columns_.size()));
      largest = std::max(largest, row.size());
    }
    const int lanes = lanes_of(kernel, decoding),
              column_count = (code.length() + blocks.lift - 1) / blocks.lift;
    lay_places(blocks, column_count, lanes);
    const auto registers = static_cast<std::size_t>(kernel.register_bytes);
    memory_[0].resize(static_cast<std::size_t>(column_count) * 2 *
                      static_cast<std::size_t>(cpu::CirculantWork::room(blocks.lift, lanes)) *
                      (registers / static_cast<std::size_t>(lanes)));
    memory_[1].resize(reads_[0].size() * registers);
    memory_[2].resize(largest * registers);
    work_ = {.row_starts = row_starts_.data(),
             .columns = columns_.data(),
             .shifts = shifts_.data(),
             .rows = static_cast<int>(blocks.rows.size()),
             .column_count = column_count,
             .lift = blocks.lift,
             .checks = code.checks(),
             .length = code.length(),
             .iterations = decoding.iterations,
             .stop_early = decoding.stop_early,
             .reads = {reads_[0].data(), reads_[1].data()},
             .writes = {writes_[0].data(), writes_[1].data()},
             .places = {places_[0].data(), places_[1].data()},
             .firsts = firsts_.data(),
             .beliefs = memory_[0].data(),
             .messages = memory_[1].data(),
             .row = memory_[2].data()};
  }

  void decode(const float* soft, int frames, std::uint8_t* codewords, LdpcOutcome* outcomes) {
    for (int f = 0; f < frames; ++f)
      decode_(work_, soft + f * work_.length, codewords + f * work_.length, outcomes + f);
  }

 private:
  /// Goes through two iterations, as the kernel does.
  void lay_places(const QuasiCyclic& blocks, int column_count, int lanes) {
    const int lift = blocks.lift, chunks = cpu::CirculantWork::chunks(lift, lanes),
              room = cpu::CirculantWork::room(lift, lanes);
    firsts_.resize(static_cast<std::size_t>(column_count));
    for (std::size_t b = 0; b < columns_.size(); ++b)
      firsts_[static_cast<std::size_t>(columns_[b])] = shifts_[b];
    PooledVector<std::int32_t> first = firsts_, place(firsts_.size());
    for (std::size_t c = 0; c < place.size(); ++c) place[c] = static_cast<int>(2 * c) * room;
    for (std::size_t iteration = 0; iteration < 2; ++iteration) {
      places_[iteration] = place;
      for (const std::vector<Circulant>& row : blocks.rows) {
        for (int chunk = 0; chunk < chunks; ++chunk)
          for (const Circulant& block : row) {
            const auto column = static_cast<std::size_t>(block.column);
            const int bit = block.shift - first[column] + lift + chunk * lanes;
            reads_[iteration].push_back(place[column] + bit % lift);
          }
        for (const Circulant& block : row) {
          const auto column = static_cast<std::size_t>(block.column);
          const int own = 2 * block.column * room;
          place[column] = place[column] == own ? own + room : own;
          first[column] = block.shift;
          writes_[iteration].push_back(place[column]);
        }
      }
    }
  }

  cpu::DecodeCirculant decode_;
  PooledVector<std::int32_t> row_starts_, columns_, shifts_, firsts_;
  std::array<PooledVector<std::int32_t>, 2> reads_, writes_, places_;
  std::array<PooledVector<std::byte>, 3> memory_;
  cpu::CirculantWork work_{};
};

/// Either way, whichever is faster for so many frames; the bits are the same. Each is made when it
/// is first needed.
class MinSumEngine final : public LdpcDecoder::Engine {
 public:
  MinSumEngine(const LdpcCode& code, const LdpcDecoding& decoding, const cpu::MinSumKernel& kernel)
      : code_(code), decoding_(decoding), kernel_(kernel) {
    const int most = lanes_of(kernel, decoding);
    lanes_ = alone(most) ? 1 : most;
  }

  int lanes() const override { return lanes_; }

  void decode(const float* soft, int frames, std::uint8_t* codewords,
              LdpcOutcome* outcomes) override {
    const auto by = [&](auto& way) {
      if (!way) way.emplace(code_, decoding_, kernel_);
      way->decode(soft, frames, codewords, outcomes);
    };
    if (alone(frames))
      by(bit_lanes_);
    else
      by(frame_lanes_);
  }

 private:
  /// Registers of messages an iteration: `lift` rows of them for all frames together, or what a
  /// frame's blocks fill, one more for turning each, for every frame. A group of frames whose
  /// messages are larger than the cache of a core waits for them.
  bool alone(int frames) const {
    if (!code_.blocks()) return false;
    constexpr std::size_t cache_bytes = std::size_t{1} << 20;
    const int lift = code_.blocks()->lift, lanes = lanes_of(kernel_, decoding_),
              chunks = (lift + lanes - 1) / lanes;
    const bool waits =
        code_.columns().size() * static_cast<std::size_t>(kernel_.register_bytes) > cache_bytes;
    return waits || frames * (chunks + 1) <= lift;
  }

  const LdpcCode& code_;
  LdpcDecoding decoding_;
  cpu::MinSumKernel kernel_;
  int lanes_;
  std::optional<FrameLanes> frame_lanes_;
  std::optional<BitLanes> bit_lanes_;
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
