// A shared buffer of floats with a shape. Copying a Tensor copies the handle, never the numbers.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace semwave {

enum class DeviceKind : std::uint8_t { cpu, cuda };

/// Extents, outermost first; rank 0 (a scalar) to 4.
class Shape {
 public:
  static constexpr int max_rank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t size() const;
  void push_back(std::int64_t extent);
  std::string str() const;  // "[49, 128]"
  bool operator==(const Shape& other) const = default;

 private:
  std::array<std::int64_t, max_rank> extents_{};
  int rank_ = 0;
};

/// Memory on one device; how it is given back is the deleter of the shared_ptr that holds it.
struct Buffer {
  void* data = nullptr;
  std::size_t bytes = 0;
  DeviceKind device = DeviceKind::cpu;
};

/// Row-major, contiguous. Made by a Backend (`empty`, `zeros`). Handles may be used from any
/// thread; the numbers behind them follow the usual rule of one writer or many readers.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<Buffer> buffer, Shape shape, std::int64_t offset = 0);

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DeviceKind device() const { return buffer_->device; }
  std::int64_t size() const { return size_; }
  /// A matrix view of any shape: `columns` is the last extent, `rows` all the others together.
  std::int64_t columns() const { return shape_.rank() == 0 ? 1 : shape_[shape_.rank() - 1]; }
  std::int64_t rows() const { return columns() == 0 ? 0 : size_ / columns(); }

  /// First element (device memory when device() is cuda).
  float* data() const { return buffer_ ? static_cast<float*>(buffer_->data) + offset_ : nullptr; }

  /// The same numbers under another shape of equal size.
  Tensor reshape(Shape shape) const;
  /// Rows [begin, end) of the matrix view; shares the buffer.
  Tensor row_range(std::int64_t begin, std::int64_t end) const;

 private:
  std::shared_ptr<Buffer> buffer_;
  Shape shape_;
  std::int64_t offset_ = 0;
  std::int64_t size_ = 0;
};

}  // namespace semwave
