// The profiling backend: one line a kernel (a weight's shape for products), one table a thread.
#include "core/tensor/profiling_backend.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <compare>
#include <map>
#include <mutex>

#include "core/tensor/ragged.h"

namespace semwave {
namespace {

enum class Kernel : std::uint8_t {
  zeros,
  copy,
  fill,
  pack,
  linear,
  linear_backward_input,
  linear_backward_weight,
  activation_backward,
  layer_norm,
  layer_norm_backward,
  attention,
  received_attention,
  attention_backward,
  patches,
  patches_backward,
  max_pool,
  max_pool_backward,
  pool,
  pool_backward,
  gather_rows,
  scatter_add_rows,
  set_columns,
  add_columns,
  add_scaled,
  straight_through_backward,
  prelu,
  prelu_backward,
  sigmoid,
  sigmoid_backward,
  scale_channels,
  scale_channels_backward,
  softmax,
  softmax_backward,
  combine,
  combine_backward,
  cross_entropy,
  cross_entropy_backward,
  squared_error,
  squared_error_backward,
  sum_of_squares,
  adamw,
  count
};
constexpr auto kernel_count = static_cast<std::size_t>(Kernel::count);
constexpr std::array<const char*, kernel_count> names{"zeros",
                                                      "copy",
                                                      "fill",
                                                      "pack",
                                                      "linear",
                                                      "linear_backward_input",
                                                      "linear_backward_weight",
                                                      "activation_backward",
                                                      "layer_norm",
                                                      "layer_norm_backward",
                                                      "attention",
                                                      "received_attention",
                                                      "attention_backward",
                                                      "patches",
                                                      "patches_backward",
                                                      "max_pool",
                                                      "max_pool_backward",
                                                      "pool",
                                                      "pool_backward",
                                                      "gather_rows",
                                                      "scatter_add_rows",
                                                      "set_columns",
                                                      "add_columns",
                                                      "add_scaled",
                                                      "straight_through_backward",
                                                      "prelu",
                                                      "prelu_backward",
                                                      "sigmoid",
                                                      "sigmoid_backward",
                                                      "scale_channels",
                                                      "scale_channels_backward",
                                                      "softmax",
                                                      "softmax_backward",
                                                      "combine",
                                                      "combine_backward",
                                                      "cross_entropy",
                                                      "cross_entropy_backward",
                                                      "squared_error",
                                                      "squared_error_backward",
                                                      "sum_of_squares",
                                                      "adamw"};

using Clock = std::chrono::steady_clock;

double product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(depth) *
         static_cast<double>(columns);
}

double pairs(const Ragged& layout, std::int64_t dim, double operations) {
  double sum = 0;
  for (int image = 0; image < layout.images(); ++image)
    sum += static_cast<double>(layout.rows_of(image)) * layout.rows_of(image);
  return operations * static_cast<double>(dim) * sum;
}

class Profiling final : public ProfilingBackend {
 public:
  explicit Profiling(Backend& inner) : inner_(inner) {}

  std::vector<Line> lines() const override {
    std::vector<Line> all;
    const std::lock_guard lock(mutex_);
    std::map<Key, std::size_t> place;
    for (const auto& table : tables_) {
      for (const Entry& entry : *table) {
        const auto [found, made] = place.emplace(entry.key, all.size());
        if (made) {
          std::string kernel = names[static_cast<std::size_t>(entry.key.kernel)];
          const bool product = kernel.starts_with("linear");
          if (product)
            kernel +=
                " " + std::to_string(entry.key.depth) + "x" + std::to_string(entry.key.columns);
          all.push_back({.kernel = std::move(kernel), .product = product});
        }
        Line& line = all[found->second];
        line.calls += entry.calls;
        line.seconds += std::chrono::duration<double>(entry.time).count();
        line.operations += entry.operations;
      }
    }
    std::sort(all.begin(), all.end(),
              [](const Line& a, const Line& b) { return a.seconds > b.seconds; });
    return all;
  }

  DeviceKind kind() const override { return inner_.kind(); }
  std::string name() const override { return inner_.name(); }
  int preferred_shard() const override { return inner_.preferred_shard(); }
  Tensor empty(Shape shape) override { return inner_.empty(shape); }
  Tensor zeros(Shape shape) override {
    const Timer timer(*this, {Kernel::zeros}, 0);
    return inner_.zeros(shape);
  }
  Tensor from_host(Shape shape, const float* values) override {
    return inner_.from_host(shape, values);
  }
  void to_host(const Tensor& tensor, float* values) const override {
    return inner_.to_host(tensor, values);
  }
  void copy(const Tensor& to, const Tensor& from) override {
    const Timer timer(*this, {Kernel::copy}, 0);
    return inner_.copy(to, from);
  }
  void fill(const Tensor& x, float value) override {
    const Timer timer(*this, {Kernel::fill}, 0);
    return inner_.fill(x, value);
  }
  PackedMatrix pack(const Tensor& matrix, bool transpose) override {
    const Timer timer(*this, {Kernel::pack}, 0);
    return inner_.pack(matrix, transpose);
  }
  void linear(const Tensor& y, const Tensor& x, const PackedMatrix& w, const Tensor& bias,
              Activation activation, const Tensor& residual, const Tensor& before) override {
    const Timer timer(*this, {Kernel::linear, w.depth, w.columns},
                      product(x.rows(), w.depth, w.columns));
    return inner_.linear(y, x, w, bias, activation, residual, before);
  }
  void linear_backward_input(const Tensor& dx, const Tensor& dy, const PackedMatrix& wt) override {
    const Timer timer(*this, {Kernel::linear_backward_input, wt.depth, wt.columns},
                      dx.defined() ? product(dy.rows(), wt.depth, wt.columns) : 0);
    return inner_.linear_backward_input(dx, dy, wt);
  }
  void linear_backward_weight(const Tensor& dw, const Tensor& dbias, const Tensor& dy,
                              const Tensor& x) override {
    const Timer timer(*this, {Kernel::linear_backward_weight, dy.columns(), x.columns()},
                      dw.defined() ? product(dy.rows(), dy.columns(), x.columns()) : 0);
    return inner_.linear_backward_weight(dw, dbias, dy, x);
  }
  void activation_backward(const Tensor& dx, const Tensor& dy, const Tensor& before,
                           Activation activation) override {
    const Timer timer(*this, {Kernel::activation_backward}, 0);
    return inner_.activation_backward(dx, dy, before, activation);
  }
  void layer_norm(const Tensor& y, const Tensor& mean_rstd, const Tensor& x, const Tensor& gamma,
                  const Tensor& beta, const Tensor& modulation,
                  std::span<const std::int32_t> image) override {
    const Timer timer(*this, {Kernel::layer_norm}, 0);
    return inner_.layer_norm(y, mean_rstd, x, gamma, beta, modulation, image);
  }
  void layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                           const Tensor& dmodulation, const Tensor& dy, const Tensor& x,
                           const Tensor& mean_rstd, const Tensor& gamma, const Tensor& modulation,
                           std::span<const std::int32_t> image) override {
    const Timer timer(*this, {Kernel::layer_norm_backward}, 0);
    return inner_.layer_norm_backward(dx, dgamma, dbeta, dmodulation, dy, x, mean_rstd, gamma,
                                      modulation, image);
  }
  void attention(const Tensor& y, const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                 int heads, const Tensor& bias) override {
    const Timer timer(*this, {Kernel::attention}, pairs(layout, y.columns(), 4));
    return inner_.attention(y, weights, qkv, layout, heads, bias);
  }
  void received_attention(const Tensor& y, const Tensor& weights, const Ragged& layout,
                          int heads) override {
    const Timer timer(*this, {Kernel::received_attention}, 0);
    return inner_.received_attention(y, weights, layout, heads);
  }
  void attention_backward(const Tensor& dqkv, const Tensor& dbias, const Tensor& dy,
                          const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                          int heads) override {
    const Timer timer(*this, {Kernel::attention_backward},
                      dqkv.defined() ? pairs(layout, dy.columns(), 8) : 0);
    return inner_.attention_backward(dqkv, dbias, dy, weights, qkv, layout, heads);
  }
  void patches(const Tensor& y, const Tensor& x, Window window, WindowRows rows) override {
    const Timer timer(*this, {Kernel::patches}, 0);
    return inner_.patches(y, x, window, rows);
  }
  void patches_backward(const Tensor& dx, const Tensor& dy, Window window,
                        WindowRows rows) override {
    const Timer timer(*this, {Kernel::patches_backward}, 0);
    return inner_.patches_backward(dx, dy, window, rows);
  }
  void max_pool(const Tensor& y, PooledVector<std::int32_t>& source, const Tensor& x,
                Window window) override {
    const Timer timer(*this, {Kernel::max_pool}, 0);
    return inner_.max_pool(y, source, x, window);
  }
  void max_pool_backward(const Tensor& dx, const Tensor& dy,
                         std::span<const std::int32_t> source) override {
    const Timer timer(*this, {Kernel::max_pool_backward}, 0);
    return inner_.max_pool_backward(dx, dy, source);
  }
  void pool(const Tensor& y, const Tensor& weights, const Tensor& x, const Tensor& score,
            const Ragged& layout) override {
    const Timer timer(*this, {Kernel::pool}, 0);
    return inner_.pool(y, weights, x, score, layout);
  }
  void pool_backward(const Tensor& dx, const Tensor& dscore, const Tensor& dy, const Tensor& x,
                     const Tensor& weights, const Ragged& layout) override {
    const Timer timer(*this, {Kernel::pool_backward}, 0);
    return inner_.pool_backward(dx, dscore, dy, x, weights, layout);
  }
  void gather_rows(const Tensor& y, const Tensor& x, std::span<const std::int32_t> index) override {
    const Timer timer(*this, {Kernel::gather_rows}, 0);
    return inner_.gather_rows(y, x, index);
  }
  void scatter_add_rows(const Tensor& dx, const Tensor& dy,
                        std::span<const std::int32_t> index) override {
    const Timer timer(*this, {Kernel::scatter_add_rows}, 0);
    return inner_.scatter_add_rows(dx, dy, index);
  }
  void set_columns(const Tensor& y, const Tensor& x, std::int64_t column) override {
    const Timer timer(*this, {Kernel::set_columns}, 0);
    return inner_.set_columns(y, x, column);
  }
  void add_columns(const Tensor& dx, const Tensor& dy, std::int64_t column) override {
    const Timer timer(*this, {Kernel::add_columns}, 0);
    return inner_.add_columns(dx, dy, column);
  }
  void add_scaled(const Tensor& y, const Tensor& x, float scale) override {
    const Timer timer(*this, {Kernel::add_scaled}, 0);
    return inner_.add_scaled(y, x, scale);
  }
  void straight_through_backward(const Tensor& dscore, const Tensor& dy, const Tensor& x,
                                 const Tensor& score) override {
    const Timer timer(*this, {Kernel::straight_through_backward}, 0);
    return inner_.straight_through_backward(dscore, dy, x, score);
  }
  void prelu(const Tensor& y, const Tensor& x, const Tensor& slope) override {
    const Timer timer(*this, {Kernel::prelu}, 0);
    return inner_.prelu(y, x, slope);
  }
  void prelu_backward(const Tensor& dx, const Tensor& dslope, const Tensor& dy, const Tensor& x,
                      const Tensor& slope) override {
    const Timer timer(*this, {Kernel::prelu_backward}, 0);
    return inner_.prelu_backward(dx, dslope, dy, x, slope);
  }
  void sigmoid(const Tensor& y, const Tensor& x) override {
    const Timer timer(*this, {Kernel::sigmoid}, 0);
    return inner_.sigmoid(y, x);
  }
  void sigmoid_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) override {
    const Timer timer(*this, {Kernel::sigmoid_backward}, 0);
    return inner_.sigmoid_backward(dx, dy, y);
  }
  void scale_channels(const Tensor& y, const Tensor& x, const Tensor& scale) override {
    const Timer timer(*this, {Kernel::scale_channels}, 0);
    return inner_.scale_channels(y, x, scale);
  }
  void scale_channels_backward(const Tensor& dx, const Tensor& dscale, const Tensor& dy,
                               const Tensor& x, const Tensor& scale) override {
    const Timer timer(*this, {Kernel::scale_channels_backward}, 0);
    return inner_.scale_channels_backward(dx, dscale, dy, x, scale);
  }
  void softmax(const Tensor& y, const Tensor& x) override {
    const Timer timer(*this, {Kernel::softmax}, 0);
    return inner_.softmax(y, x);
  }
  void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) override {
    const Timer timer(*this, {Kernel::softmax_backward}, 0);
    return inner_.softmax_backward(dx, dy, y);
  }
  void combine(const Tensor& y, const Tensor& residual, const Tensor& e, const Tensor& p,
               std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
               int k) override {
    const Timer timer(*this, {Kernel::combine}, 0);
    return inner_.combine(y, residual, e, p, expert, row, k);
  }
  void combine_backward(const Tensor& dresidual, const Tensor& de, const Tensor& dp,
                        const Tensor& dy, const Tensor& e, const Tensor& p,
                        std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
                        int k) override {
    const Timer timer(*this, {Kernel::combine_backward}, 0);
    return inner_.combine_backward(dresidual, de, dp, dy, e, p, expert, row, k);
  }
  void cross_entropy(const Tensor& loss, const Tensor& p, const Tensor& x,
                     std::span<const std::int32_t> label, float smoothing, float scale) override {
    const Timer timer(*this, {Kernel::cross_entropy}, 0);
    return inner_.cross_entropy(loss, p, x, label, smoothing, scale);
  }
  void cross_entropy_backward(const Tensor& dx, const Tensor& dloss, const Tensor& p,
                              std::span<const std::int32_t> label, float smoothing,
                              float scale) override {
    const Timer timer(*this, {Kernel::cross_entropy_backward}, 0);
    return inner_.cross_entropy_backward(dx, dloss, p, label, smoothing, scale);
  }
  void squared_error(const Tensor& loss, const Tensor& x, const Tensor& target,
                     const Tensor& weight, float scale) override {
    const Timer timer(*this, {Kernel::squared_error}, 0);
    return inner_.squared_error(loss, x, target, weight, scale);
  }
  void squared_error_backward(const Tensor& dx, const Tensor& dloss, const Tensor& x,
                              const Tensor& target, const Tensor& weight, float scale) override {
    const Timer timer(*this, {Kernel::squared_error_backward}, 0);
    return inner_.squared_error_backward(dx, dloss, x, target, weight, scale);
  }
  double sum_of_squares(const Tensor& x) override {
    const Timer timer(*this, {Kernel::sum_of_squares}, 0);
    return inner_.sum_of_squares(x);
  }
  void adamw(const Tensor& value, const Tensor& gradient, const Tensor& first_moment,
             const Tensor& second_moment, const AdamW& settings, float gradient_scale) override {
    const Timer timer(*this, {Kernel::adamw}, 0);
    return inner_.adamw(value, gradient, first_moment, second_moment, settings, gradient_scale);
  }

 private:
  struct Key {
    Kernel kernel;
    std::int64_t depth = 0, columns = 0;  // of a product's matrix
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the zero of the comparison
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Key key;
    std::int64_t calls = 0;
    Clock::duration time{};
    double operations = 0;
  };
  using Table = std::vector<Entry>;  // in the order of first use, tens of entries

  class Timer {
   public:
    Timer(const Profiling& profiling, Key key, double operations)
        : entry_(profiling.entry(key)), operations_(operations), start_(Clock::now()) {}
    ~Timer() {
      entry_.time += Clock::now() - start_;
      entry_.operations += operations_;
      ++entry_.calls;
    }

   private:
    Entry& entry_;
    double operations_;
    Clock::time_point start_;
  };

  /// This thread's entry of the kernel; made at its first call.
  Entry& entry(const Key& key) const {
    thread_local std::uint64_t owner = 0;
    thread_local Table* mine = nullptr;
    if (owner != number_) {
      const std::lock_guard lock(mutex_);
      mine = tables_.emplace_back(std::make_unique<Table>()).get();
      owner = number_;
    }
    // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): the owner has made it
    const auto found = std::find_if(mine->begin(), mine->end(),
                                    [&key](const Entry& entry) { return entry.key == key; });
    return found != mine->end() ? *found : mine->emplace_back(Entry{.key = key});
  }

  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  const std::uint64_t number_ = next_number();  // an address may come again, this does not
  Backend& inner_;
  mutable std::mutex mutex_;  // guards the list; each table belongs to its thread
  mutable std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace

std::unique_ptr<ProfilingBackend> make_profiling_backend(Backend& inner) {
  return std::make_unique<Profiling>(inner);
}

}  // namespace semwave
