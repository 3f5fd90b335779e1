// List decoding with lazy copies. Layer l of a path holds the ratios and bits of one node of 2^(m -
// l) leaves; paths share an array until one of them writes to it (Tal and Vardy 2015, section IV),
// so that a fork costs counters, not copies.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "phy/code/polar/polar_code.h"

namespace semwave {
namespace {

/// What a bit that both ends know to be 0 (shortened) is believed with: above any sum of real
/// ratios, far below overflow.
constexpr float certain = 1e20f;
constexpr int layers_at_most = 12;

}  // namespace

class PolarDecoder::List {
 public:
  List(const PolarCode& code, int list)
      : code_(code), list_(list), size_(static_cast<std::size_t>(code.mother())) {
    while (std::size_t{1} << depth_ < size_) ++depth_;
    const auto paths = static_cast<std::size_t>(list_);
    for (int l = 0; l <= depth_; ++l) {
      Layer& layer = layers_[static_cast<std::size_t>(l)];
      layer.node = size_ >> l;
      layer.ratios.resize(paths * layer.node);
      layer.bits.resize(paths * layer.node * 2);
    }
    estimate_.resize(size_);
    checked_.resize(static_cast<std::size_t>(code.information() + code.crc().bits));
  }

  bool decode(std::span<const float> soft, std::span<std::uint8_t> message) {
    start(soft);
    for (std::size_t phase = 0; phase < size_; ++phase) {
      find_ratios(depth_, phase);
      if (code_.frozen()[phase])
        go_on_frozen(phase);
      else
        fork(phase);
      if (phase % 2 == 1) join_bits(depth_, phase);
    }
    return choose(message);
  }

 private:
  struct Layer {
    std::size_t node = 0;                      // leaves of one node
    semwave::PooledVector<float> ratios;       // [arrays][node]
    semwave::PooledVector<std::uint8_t> bits;  // [arrays][2][node] of the left and the right child
    std::array<std::int8_t, polar_largest_list> array_of;  // of each path
    std::array<std::int8_t, polar_largest_list> users;     // of each array
    std::array<std::int8_t, polar_largest_list> free;      // stack of unused arrays
    int free_count = 0;
  };

  Layer& layer(int l) { return layers_[static_cast<std::size_t>(l)]; }
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  void start(std::span<const float> soft) {
    for (int l = 0; l <= depth_; ++l) {
      Layer& at = layer(l);
      at.users.fill(0);
      at.free_count = 0;
      for (int a = list_ - 1; a >= 0; --a)
        at.free[index(at.free_count++)] = static_cast<std::int8_t>(a);
    }
    active_.fill(false);
    idle_count_ = 0;
    for (int p = list_ - 1; p >= 0; --p) idle_[index(idle_count_++)] = p;
    const int path = idle_[index(--idle_count_)];
    active_[index(path)] = true;
    metric_[index(path)] = 0;
    for (int l = 0; l <= depth_; ++l) assign(layer(l), path);
    float* root = layer(0).ratios.data() + index(layer(0).array_of[index(path)]) * size_;
    std::fill(root, root + size_, code_.matching() == PolarMatching::shortening ? certain : 0.0f);
    if (code_.matching() == PolarMatching::shortening)
      for (const std::int32_t place : code_.places()) root[place] = 0;
    for (std::size_t k = 0; k < soft.size(); ++k) root[code_.places()[k]] += soft[k];
  }

  static void assign(Layer& at, int path) {
    const std::int8_t array = at.free[index(--at.free_count)];
    at.array_of[index(path)] = array;
    at.users[index(array)] = 1;
  }

  int clone(int path) {
    const int twin = idle_[index(--idle_count_)];
    active_[index(twin)] = true;
    metric_[index(twin)] = metric_[index(path)];
    for (int l = 0; l <= depth_; ++l) {
      Layer& at = layer(l);
      at.array_of[index(twin)] = at.array_of[index(path)];
      ++at.users[index(at.array_of[index(path)])];
    }
    return twin;
  }

  void kill(int path) {
    active_[index(path)] = false;
    idle_[index(idle_count_++)] = path;
    for (int l = 0; l <= depth_; ++l) {
      Layer& at = layer(l);
      const std::int8_t array = at.array_of[index(path)];
      if (--at.users[index(array)] == 0) at.free[index(at.free_count++)] = array;
    }
  }

  /// The path's array of a layer for writing: its own, with what stood in it (ratios, which are
  /// written whole, left out).
  std::size_t own(int l, int path) {
    Layer& at = layer(l);
    const std::int8_t shared = at.array_of[index(path)];
    if (at.users[index(shared)] > 1) {
      --at.users[index(shared)];
      assign(at, path);
      const std::size_t from = index(shared) * 2 * at.node,
                        to = index(at.array_of[index(path)]) * 2 * at.node;
      std::copy_n(at.bits.data() + from, 2 * at.node, at.bits.data() + to);
    }
    return index(at.array_of[index(path)]);
  }

  std::size_t held(int l, int path) { return index(layer(l).array_of[index(path)]); }

  void find_ratios(int l, std::size_t phase) {
    if (l == 0) return;
    if (phase % 2 == 0) find_ratios(l - 1, phase / 2);
    Layer& at = layer(l);
    const std::size_t half = at.node;
    for (int path = 0; path < list_; ++path) {
      if (!active_[index(path)]) continue;
      const std::size_t array = own(l, path);
      float* out = at.ratios.data() + array * half;
      const float* a = layer(l - 1).ratios.data() + held(l - 1, path) * 2 * half;
      const float* b = a + half;
      if (phase % 2 == 0) {
        for (std::size_t i = 0; i < half; ++i) {
          const float size = std::min(std::fabs(a[i]), std::fabs(b[i]));
          out[i] = (a[i] < 0) != (b[i] < 0) ? -size : size;
        }
      } else {
        const std::uint8_t* left = at.bits.data() + array * 2 * half;
        for (std::size_t i = 0; i < half; ++i) out[i] = left[i] ? b[i] - a[i] : b[i] + a[i];
      }
    }
  }

  /// Bits of both children of a node known: those of the node itself, up to where it is a left
  /// child.
  void join_bits(int l, std::size_t phase) {
    const std::size_t parent_phase = phase / 2, half = layer(l).node;
    for (int path = 0; path < list_; ++path) {
      if (!active_[index(path)]) continue;
      const std::uint8_t* left = layer(l).bits.data() + held(l, path) * 2 * half;
      const std::uint8_t* right = left + half;
      const std::size_t array = own(l - 1, path);
      std::uint8_t* out =
          layer(l - 1).bits.data() + (array * 2 + (l > 1 ? parent_phase % 2 : 0)) * 2 * half;
      for (std::size_t i = 0; i < half; ++i) {
        out[i] = left[i] ^ right[i];
        out[half + i] = right[i];
      }
    }
    if (l > 1 && parent_phase % 2 == 1) join_bits(l - 1, parent_phase);
  }

  float ratio(int path) { return layer(depth_).ratios[held(depth_, path)]; }
  void set_bit(int path, std::size_t phase, std::uint8_t bit) {
    const std::size_t array = own(depth_, path);
    layer(depth_).bits[array * 2 + phase % 2] = bit;
  }
  /// What deciding against a ratio costs.
  static float penalty(float ratio, int bit) {
    return (ratio < 0) != (bit == 1) ? std::fabs(ratio) : 0.0f;
  }

  void go_on_frozen(std::size_t phase) {
    for (int path = 0; path < list_; ++path) {
      if (!active_[index(path)]) continue;
      metric_[index(path)] += penalty(ratio(path), 0);
      set_bit(path, phase, 0);
    }
  }

  void fork(std::size_t phase) {
    struct Candidate {
      float metric;
      int rank;  // breaks ties: path by path, the likelier bit first
      int path, bit;
    };
    std::array<Candidate, 2 * polar_largest_list> candidates;
    std::size_t count = 0;
    for (int path = 0; path < list_; ++path) {
      if (!active_[index(path)]) continue;
      const float belief = ratio(path);
      const int likely = belief < 0 ? 1 : 0;
      candidates[count] = {metric_[index(path)], static_cast<int>(count), path, likely};
      ++count;
      candidates[count] = {metric_[index(path)] + std::fabs(belief), static_cast<int>(count), path,
                           1 - likely};
      ++count;
    }
    const std::size_t kept = std::min(count, index(list_));
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.metric != b.metric ? a.metric < b.metric : a.rank < b.rank;
    };
    if (kept < count)
      std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                       candidates.begin() + static_cast<std::ptrdiff_t>(count), better);
    std::array<std::array<bool, 2>, polar_largest_list> stays{};
    std::array<std::array<float, 2>, polar_largest_list> metric{};
    for (std::size_t c = 0; c < kept; ++c) {
      const Candidate& candidate = candidates[c];
      stays[index(candidate.path)][index(candidate.bit)] = true;
      metric[index(candidate.path)][index(candidate.bit)] = candidate.metric;
    }
    std::array<bool, polar_largest_list> before = active_;
    for (int path = 0; path < list_; ++path)
      if (before[index(path)] && !stays[index(path)][0] && !stays[index(path)][1]) kill(path);
    for (int path = 0; path < list_; ++path) {
      if (!before[index(path)]) continue;
      const auto& bits = stays[index(path)];
      if (!bits[0] && !bits[1]) continue;
      if (bits[0] && bits[1]) {
        const int twin = clone(path);
        metric_[index(twin)] = metric[index(path)][1];
        set_bit(twin, phase, 1);
      }
      const int bit = bits[0] ? 0 : 1;
      metric_[index(path)] = metric[index(path)][index(bit)];
      set_bit(path, phase, static_cast<std::uint8_t>(bit));
    }
  }

  bool choose(std::span<std::uint8_t> message) {
    std::array<int, polar_largest_list> order{};
    std::size_t count = 0;
    for (int path = 0; path < list_; ++path)
      if (active_[index(path)]) order[count++] = path;
    std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), [&](int a, int b) {
      return metric_[index(a)] != metric_[index(b)] ? metric_[index(a)] < metric_[index(b)] : a < b;
    });
    for (std::size_t i = 0; i < count; ++i)
      if (read(order[i])) {
        std::copy_n(checked_.begin(), message.size(), message.begin());
        return true;
      }
    read(order[0]);
    std::copy_n(checked_.begin(), message.size(), message.begin());
    return false;
  }

  /// Message and check of a path from its codeword; whether the check is right.
  bool read(int path) {
    std::copy_n(layer(0).bits.data() + held(0, path) * 2 * size_, size_, estimate_.data());
    polar_transform(estimate_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < size_; ++i)
      if (!code_.frozen()[i]) checked_[next++] = estimate_[i];
    return crc_holds(code_.crc(), checked_);
  }

  const PolarCode& code_;
  int list_, depth_ = 0;
  std::size_t size_;
  std::array<Layer, layers_at_most> layers_;
  std::array<bool, polar_largest_list> active_{};
  std::array<int, polar_largest_list> idle_{};
  int idle_count_ = 0;
  std::array<float, polar_largest_list> metric_{};
  Bits estimate_, checked_;
};

PolarDecoder::PolarDecoder(std::shared_ptr<const PolarCode> code, int list)
    : code_(std::move(code)) {
  assert(list >= 1 && list <= polar_largest_list);
  list_ = std::make_unique<List>(*code_, list);
}

PolarDecoder::~PolarDecoder() = default;
PolarDecoder::PolarDecoder(PolarDecoder&&) noexcept = default;
PolarDecoder& PolarDecoder::operator=(PolarDecoder&&) noexcept = default;

bool PolarDecoder::decode(std::span<const float> soft, std::span<std::uint8_t> message) {
  assert(soft.size() == static_cast<std::size_t>(code_->length()) &&
         message.size() == static_cast<std::size_t>(code_->information()));
  return list_->decode(soft, message);
}

}  // namespace semwave
