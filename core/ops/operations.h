// How many operations an op executes, multiply-add = 2. The ops count by these in pass.operations
// and the layers predict by them; elementwise work is not counted (docs/results.md).
#pragma once

namespace semwave::operations {

/// linear(); grouped_linear() over all groups; convolution() with a row for each window of the
/// result and its values as inputs; transposed_convolution() with the windows of what it reads.
constexpr double linear(double rows, double in, double out) {
  return 2 * rows * in * out;
}
/// attention() over the rows of one image: scores, then weighted values.
constexpr double attention(double rows, double dim) {
  return 4 * dim * rows * rows;
}
/// pool()
constexpr double pool(double rows, double dim) {
  return 2 * rows * dim;
}
/// combine()
constexpr double combine(double rows, double k, double dim) {
  return 2 * rows * k * dim;
}

}  // namespace semwave::operations
