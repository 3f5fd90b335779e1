// Padding by the edge and cutting back, and attention that depends on the SNR and on its own image.
#include "core/nn/picture_layers.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/nn/architecture.h"

namespace semwave {
namespace {

std::vector<float> host(Backend& backend, const Tensor& x) {
  std::vector<float> values(static_cast<std::size_t>(x.size()));
  backend.to_host(x, values.data());
  return values;
}

TEST(PictureLayers, PadByRepeatingTheEdgeAndCutItOff) {
  const auto backend = make_cpu_backend();
  std::vector<float> values(2 * 3 * 5 * 2);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  Pass pass{.backend = *backend};
  const Var x(backend->from_host({2, 3, 5, 2}, values.data()));
  const Var padded = pad_by_edge(pass, x, 4);
  ASSERT_EQ(padded.value().shape(), (Shape{2, 4, 8, 2}));
  const auto at = [](const std::vector<float>& of, int width, int height, int image, int y, int x0,
                     int c) {
    return of[static_cast<std::size_t>(((image * height + y) * width + x0) * 2 + c)];
  };
  const std::vector<float> made = host(*backend, padded.value());
  for (int image = 0; image < 2; ++image)
    for (int y = 0; y < 4; ++y)
      for (int column = 0; column < 8; ++column)
        for (int c = 0; c < 2; ++c)
          EXPECT_EQ(at(made, 8, 4, image, y, column, c),
                    at(values, 5, 3, image, std::min(y, 2), std::min(column, 4), c));
  EXPECT_EQ(host(*backend, crop(pass, padded, 3, 5).value()), values);
  EXPECT_EQ(pad_by_edge(pass, padded, 4).value().data(), padded.value().data());
}

TEST(PictureLayers, AttentionSeesTheSnrAndItsOwnImage) {
  const auto backend = make_cpu_backend();
  ParameterSet set(*backend, 3);
  const ChannelAttention attention(set, "a", 6);
  set.pack(false);
  std::vector<float> values(3 * 4 * 5 * 6);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) - 6;
  const auto run = [&](int first, int count, std::vector<float> snr_db, double* operations) {
    Pass pass{.backend = *backend};
    const Var x(backend->from_host({count, 4, 5, 6}, values.data() + first * 120));
    const std::vector<float> y = host(*backend, attention(pass, x, snr_db).value());
    if (operations) *operations = pass.operations;
    return y;
  };
  double operations = 0;
  const std::vector<float> all = run(0, 3, {1, 1, 10}, nullptr);
  EXPECT_EQ(run(1, 1, {1}, &operations), std::vector<float>(all.begin() + 120, all.begin() + 240));
  EXPECT_EQ(operations, ChannelAttention::operations(20, 6));
  EXPECT_NE(run(2, 1, {1}, nullptr), std::vector<float>(all.begin() + 240, all.end()));
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_LE(std::abs(all[i]), std::abs(values[i])) << "a share of each channel";
}

TEST(DeepJsccShape, GivesThePapersNetworkAndItsRatio) {
  const Place place{"x.json", "/deepjscc"};
  const auto shape = [&](const Json& said) {
    return DeepJsccShape::from_json(resolve(said, DeepJsccShape::fields(), place), 3, place);
  };
  const DeepJsccShape paper = shape(Json::object());
  EXPECT_EQ(paper.latent(3), 6);
  EXPECT_EQ(paper.stride(), 4);
  EXPECT_EQ(paper.symbols(512, 768, 3) * 16, 512 * 768 * 3);
  EXPECT_EQ(paper.symbols(13, 9, 3), 4 * 3 * 3);
  EXPECT_EQ(shape({{"ratio", 1.0 / 6}}).latent(3), 16);
  EXPECT_EQ(shape({{"ratio", 0.3333}}).latent(3), 32);
  EXPECT_EQ(shape(paper.to_json()).to_json(), paper.to_json());
  // 301,465,600 for both ends of a patch of 128 x 128.
  EXPECT_EQ(2 * paper.operations(128, 128, 3), 301465600);
}

}  // namespace
}  // namespace semwave
