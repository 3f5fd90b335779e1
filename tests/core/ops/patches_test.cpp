// Windows as rows: every path of the kernel (few channels, squares, several squares) against plain
// loops.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/random/random.h"
#include "core/tensor/backend.h"

namespace semwave {
namespace {

struct Case {
  int channels, kernel, stride, padding;
};

class Patches : public ::testing::TestWithParam<Case> {};

// Calls body(element of the windows' matrix, element of the images or -1).
template <class Body>
void for_elements(const Shape& images, Window window, Body&& body) {
  std::int64_t element = 0;
  for (int image = 0; image < images[0]; ++image)
    for (int oy = 0; oy < window.out(static_cast<int>(images[1])); ++oy)
      for (int ox = 0; ox < window.out(static_cast<int>(images[2])); ++ox)
        for (int c = 0; c < images[3]; ++c)
          for (int ky = 0; ky < window.kernel; ++ky)
            for (int kx = 0; kx < window.kernel; ++kx, ++element) {
              const int y = oy * window.stride + ky - window.padding,
                        x = ox * window.stride + kx - window.padding;
              const bool inside = y >= 0 && y < images[1] && x >= 0 && x < images[2];
              body(element, inside ? ((image * images[1] + y) * images[2] + x) * images[3] + c
                                   : std::int64_t{-1});
            }
}

TEST_P(Patches, GatherAndScatterEveryWindow) {
  const auto backend = make_cpu_backend();
  const Window window{GetParam().kernel, GetParam().stride, GetParam().padding};
  const Shape images{2, 7, 9, GetParam().channels};
  const std::int64_t rows = std::int64_t{2} * window.out(7) * window.out(9),
                     columns = std::int64_t{GetParam().channels} * window.kernel * window.kernel;
  std::vector<float> x(static_cast<std::size_t>(images.size())),
      dy(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i + 1);
  for (std::size_t i = 0; i < dy.size(); ++i)
    dy[i] = static_cast<float>(
        philox(3, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0] % 64);
  const Tensor y = backend->empty({rows, columns}), dx = backend->empty(images);
  backend->fill(dx, 2.0f);
  backend->patches(y, backend->from_host(images, x.data()), window);
  backend->patches_backward(dx, backend->from_host({rows, columns}, dy.data()), window);
  std::vector<float> expected(x.size(),
                              2.0f);  // small whole numbers: the order of the sums does not matter
  for_elements(images, window, [&](std::int64_t element, std::int64_t from) {
    ASSERT_EQ(y.data()[element], from < 0 ? 0.0f : x[static_cast<std::size_t>(from)]) << element;
    if (from >= 0)
      expected[static_cast<std::size_t>(from)] += dy[static_cast<std::size_t>(element)];
  });
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(dx.data()[i], expected[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(AllPaths, Patches,
                         ::testing::Values(Case{1, 3, 1, 1}, Case{3, 3, 2, 1}, Case{8, 3, 1, 0},
                                           Case{16, 3, 1, 1}, Case{24, 3, 2, 1}, Case{33, 3, 1, 1},
                                           Case{16, 5, 2, 2}, Case{3, 5, 1, 2}, Case{20, 1, 1, 0},
                                           Case{16, 4, 4, 0}, Case{9, 7, 1, 3}),
                         [](const auto& of) {
                           const Case& c = of.param;
                           return "Channels" + std::to_string(c.channels) + "Kernel" +
                                  std::to_string(c.kernel) + "Stride" + std::to_string(c.stride) +
                                  "Padding" + std::to_string(c.padding);
                         });

}  // namespace
}  // namespace semwave
