// Image codecs: what is sent is small, says nothing twice, and comes back; anything else is
// refused.
#include "core/data/codec/image_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "core/base/error.h"
#include "core/random/random.h"

// x265 3.5 never gives back the names of its parameters, about a kilobyte an encoder; under the
// address sanitizer that is not ours to report.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}  // NOLINT: the name is the sanitizer's

namespace semwave {
namespace {

/// Smooth shapes with some texture.
Picture picture(int height, int width, int channels, std::uint32_t id = 0) {
  Picture made{height, width, channels, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        const double texture =
            uniform(philox(1, Purpose::data_bits, id, static_cast<std::uint32_t>(c),
                           static_cast<std::uint32_t>(y * width + x))[0]);
        const double shape =
            std::sin(0.31 * x + 0.2 * c + id) * std::cos(0.23 * y) + (x > width / 2 ? 0.5 : 0);
        made.pixels.push_back(
            static_cast<std::uint8_t>(std::clamp(128 + 70 * shape + 10 * texture, 0.0, 255.0)));
      }
  return made;
}

double psnr_db(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    sum += std::pow(double(a.pixels[i]) - b.pixels[i], 2);
  return 10 *
         std::log10(255.0 * 255.0 * static_cast<double>(a.pixels.size()) / std::max(sum, 1e-9));
}

std::shared_ptr<const ImageCodec> codec(const std::string& kind) {
  return image_codecs().make({{"kind", kind}}, Place{"test", ""});
}

class ImageCodecs : public ::testing::TestWithParam<const char*> {};

TEST_P(ImageCodecs, GoodQualityComesBackNearlyAndBadQualityIsShort) {
  const auto c = codec(GetParam());
  for (const auto& [height, width, channels] : {std::array{28, 28, 1}, std::array{32, 32, 3},
                                                std::array{12, 12, 1}, std::array{37, 50, 3}}) {
    const Picture sent = picture(height, width, channels);
    const auto good = c->encode(sent, 95), bad = c->encode(sent, 5);
    const Picture back = c->decode(good, height, width, channels);
    ASSERT_EQ(back.pixels.size(), sent.pixels.size());
    EXPECT_GT(psnr_db(back, sent), 30) << height << "x" << width << "x" << channels;
    EXPECT_LT(bad.size(), good.size());
    EXPECT_LT(psnr_db(c->decode(bad, height, width, channels), sent), psnr_db(back, sent));
  }
}

TEST_P(ImageCodecs, NothingOfAContainerIsSent) {
  // A flat picture says next to nothing: what is left of it is what the codec itself needs.
  const Picture flat{28, 28, 1, std::vector<std::uint8_t>(784, 128)};
  EXPECT_LE(codec(GetParam())->encode(flat, 0).size(), 32u);
}

TEST_P(ImageCodecs, BytesDependOnPictureAndQualityAlone) {
  const auto c = codec(GetParam());
  std::vector<std::vector<std::uint8_t>> alone, together(8);
  for (std::uint32_t i = 0; i < 8; ++i) alone.push_back(c->encode(picture(28, 28, 1, i), 40));
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 8; ++i)
    threads.emplace_back(
        [&, i] { together[i] = codec(GetParam())->encode(picture(28, 28, 1, i), 40); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alone, together);
}

TEST_P(ImageCodecs, GarbageIsRefusedOrDecodesToAPictureOfTheSize) {
  const auto c = codec(GetParam());
  const auto whole = c->encode(picture(28, 28, 1), 60);
  EXPECT_NO_THROW(c->decode(whole, 28, 28, 1));
  int refused = 0;
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    std::vector<std::uint8_t> bytes = whole;
    const RandomWords words = philox(4, Purpose::data_bits, trial, 0, 0);
    if (trial % 2 == 0)
      bytes.resize(words[0] % whole.size());
    else
      bytes[words[1] % whole.size()] ^= static_cast<std::uint8_t>(1 + words[2] % 255);
    try {
      EXPECT_EQ(c->decode(bytes, 28, 28, 1).pixels.size(), 784u);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_THROW(c->decode({}, 28, 28, 1), Error);
  EXPECT_GT(refused, 0);
}

TEST_P(ImageCodecs, SizesGrowWithQualityNearlyEverywhere) {
  const auto c = codec(GetParam());
  std::size_t last = 0, falls = 0;
  for (int quality = 0; quality <= 100; quality += 5) {
    const std::size_t size = c->encode(picture(28, 28, 1), quality).size();
    falls += size + 2 < last;
    last = size;
  }
  EXPECT_LE(falls, 2u);
}

/// A codec of somebody else's: the pixels as they are.
class RawCodec final : public ImageCodec {
 public:
  Component component() const override { return {"raw", "1"}; }
  std::vector<std::uint8_t> encode(const Picture& picture, int) const override {
    return picture.pixels;
  }
  Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                 int channels) const override {
    return {height, width, channels, {bytes.begin(), bytes.end()}};
  }
};

TEST(ImageCodecRegistry, TakesACodecFromOutside) {
  image_codecs().add("raw", {.summary = "pixels"},
                     [](const Json&) { return std::make_shared<const RawCodec>(); });
  EXPECT_EQ(codec("raw")->encode(picture(4, 4, 1), 0).size(), 16u);
  EXPECT_EQ(codec("raw")->component().name, "raw");
  EXPECT_TRUE(codec("jpeg")->component().version.find("libjpeg") != std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, ImageCodecs, ::testing::Values("jpeg", "webp", "heic"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace semwave
