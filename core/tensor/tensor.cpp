// Shapes and tensor views; the memory itself belongs to the backends.
#include "core/tensor/tensor.h"

#include <utility>

namespace semwave {

Shape::Shape(std::initializer_list<std::int64_t> extents) {
  for (std::int64_t extent : extents) push_back(extent);
}

std::int64_t Shape::size() const {
  std::int64_t product = 1;
  for (int axis = 0; axis < rank_; ++axis) product *= extents_[static_cast<std::size_t>(axis)];
  return product;
}

void Shape::push_back(std::int64_t extent) {
  assert(rank_ < max_rank && extent >= 0);
  extents_[static_cast<std::size_t>(rank_++)] = extent;
}

std::string Shape::str() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(extents_[static_cast<std::size_t>(axis)]);
  }
  return text + "]";
}

Tensor::Tensor(std::shared_ptr<Buffer> buffer, Shape shape, std::int64_t offset)
    : buffer_(std::move(buffer)), shape_(shape), offset_(offset), size_(shape.size()) {
  assert(buffer_ && offset_ >= 0);
  assert(static_cast<std::size_t>(offset_ + size_) * sizeof(float) <= buffer_->bytes);
}

Tensor Tensor::reshape(Shape shape) const {
  assert(defined() && shape.size() == size_);
  return Tensor(buffer_, shape, offset_);
}

Tensor Tensor::row_range(std::int64_t begin, std::int64_t end) const {
  assert(defined() && 0 <= begin && begin <= end && end <= rows());
  return Tensor(buffer_, Shape{end - begin, columns()}, offset_ + begin * columns());
}

}  // namespace semwave
