// `semwave` with a channel code, a constellation, an equaliser and an image codec more: what
// docs/extending/ explains, each as short as it can be.
#include <bit>
#include <cmath>
#include <memory>
#include <numbers>

#include <semwave/apps/semwave_main.h>
#include <semwave/core/data/codec/image_codec.h>
#include <semwave/phy/bounds/error_rate.h>
#include <semwave/phy/code/channel_code.h>
#include <semwave/phy/modulation/modulation.h>
#include <semwave/phy/signal/equaliser_registry.h>

namespace {

using namespace semwave;

// Channel code: every bit several times, their soft bits added.

class RepetitionDecoder final : public BlockDecoder {
 public:
  explicit RepetitionDecoder(std::size_t times) : times_(times) {}

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      float sum = 0;
      for (std::size_t r = 0; r < times_; ++r) sum += soft[i * times_ + r];
      messages[i] = sum < 0;
    }
    for (BlockVerdict& verdict : verdicts) verdict = {};  // it cannot tell
  }

 private:
  std::size_t times_;
};

class RepetitionCoder final : public BlockCoder {
 public:
  explicit RepetitionCoder(std::size_t times) : times_(times) {}

  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    for (std::size_t i = 0; i < coded.size(); ++i) coded[i] = message[i / times_];
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings&) const override {
    return std::make_unique<RepetitionDecoder>(times_);
  }

 private:
  std::size_t times_;
};

class RepetitionCode final : public ChannelCode {
 public:
  explicit RepetitionCode(int times) : times_(times) {}

  std::string kind() const override { return "repetition"; }
  std::string name() const override { return "1/" + std::to_string(times_) + " repetition"; }
  std::int64_t largest_message() const override { return 1 << 16; }
  std::int64_t coded_bits(std::int64_t message) const override { return times_ * message; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks&) const override {
    return std::make_unique<RepetitionCoder>(static_cast<std::size_t>(times_));
  }
  /// On QPSK its soft bits add up to those of so much more power.
  std::optional<double> block_loss(std::int64_t message, Modulation modulation,
                                   double snr_db) const override {
    if (modulation != Modulation::qpsk) return std::nullopt;
    const double wrong = bit_error_rate(modulation, times_ * std::pow(10.0, snr_db / 10));
    return -std::expm1(static_cast<double>(message) * std::log1p(-wrong));
  }
  std::vector<Component> components() const override { return {{"repetition code", "1"}}; }

 private:
  int times_;
};

// Constellation: phases, neighbours differing in one bit.

Modulation phases(int bits) {
  std::vector<std::complex<double>> points(std::size_t{1} << bits);
  for (std::size_t step = 0; step < points.size(); ++step)
    points[step ^ (step >> 1)] = std::polar(
        1.0, 2 * std::numbers::pi * static_cast<double>(step) / static_cast<double>(points.size()));
  return Modulation::of(
      std::make_shared<const Constellation>(std::to_string(points.size()) + "-PSK", points));
}

// Equaliser: conj(h) y / (|h|^2 + w N0), between zero forcing (w = 0) and MMSE (w = 1).

class Regularised final : public EqualiserLaw {
 public:
  explicit Regularised(float weight) : weight_(weight) {}

  void weigh(std::span<const std::complex<float>> gains, std::span<const float> noise_variance,
             std::span<float> factor, std::span<float> variance) const override {
    for (std::size_t s = 0; s < gains.size(); ++s) {
      const float power = std::norm(gains[s]), bias = weight_ * noise_variance[s],
                  divisor = std::max(power + bias, 1e-12f);
      factor[s] = 1 / divisor;
      variance[s] = (bias * bias + power * noise_variance[s]) / (divisor * divisor);
    }
  }

 private:
  float weight_;
};

// Image codec: means of squares, smaller ones at better quality.

class MeansCodec final : public ImageCodec {
 public:
  Component component() const override { return {"means", "1"}; }

  std::vector<std::uint8_t> encode(const Picture& picture, int quality) const override {
    const int side = 1 + (best_quality - quality) / 10;
    std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(side)};
    for (int y = 0; y < picture.height; y += side)
      for (int x = 0; x < picture.width; x += side)
        for (int c = 0; c < picture.channels; ++c) bytes.push_back(mean(picture, y, x, c, side));
    return bytes;
  }

  /// Bytes are believed only where they are as many as the picture takes.
  Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                 int channels) const override {
    const int side = bytes.empty() ? 0 : bytes[0];
    const auto squares = [&](int length) { return (length + side - 1) / side; };
    if (side < 1 || bytes.size() != 1u + static_cast<std::size_t>(squares(height)) *
                                             static_cast<std::size_t>(squares(width)) *
                                             static_cast<std::size_t>(channels))
      throw Error("means", "the stream is no picture of this size");
    Picture made{height, width, channels, {}};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < channels; ++c)
          made.pixels.push_back(
              bytes[1u + static_cast<std::size_t>(
                             ((y / side) * squares(width) + x / side) * channels + c)]);
    return made;
  }

 private:
  static std::uint8_t mean(const Picture& picture, int top, int left, int channel, int side) {
    int sum = 0, count = 0;
    for (int y = top; y < std::min(top + side, picture.height); ++y)
      for (int x = left; x < std::min(left + side, picture.width); ++x, ++count)
        sum += picture.pixels[static_cast<std::size_t>((y * picture.width + x) * picture.channels +
                                                       channel)];
    return static_cast<std::uint8_t>(sum / count);
  }
};

Field number(std::string name, FieldType type, std::string summary, Json usual, double minimum,
             double maximum) {
  return {.name = std::move(name),
          .type = type,
          .summary = std::move(summary),
          .fallback = std::move(usual),
          .minimum = minimum,
          .maximum = maximum};
}

}  // namespace

int main(int argc, char** argv) {
  channel_codes().add(
      "repetition",
      {.summary = "every bit several times",
       .fields = {number("times", FieldType::integer, "how often", 3, 1, 100)}},
      [](const Json& from) { return std::make_shared<const RepetitionCode>(from.at("times")); });
  modulations().add("psk",
                    {.summary = "phases, Gray-mapped",
                     .fields = {number("bits", FieldType::integer, "of a symbol", 3, 1, 8)}},
                    [](const Json& from) { return phases(from.at("bits")); });
  equalisers().add(
      "regularised",
      {.summary = "conj(h) y/(|h|^2 + w N0)",
       .fields = {number("weight", FieldType::number, "w; 0: zero forcing, 1: MMSE", 0.5, 0, 1)}},
      [](const Json& from) {
        return Equaliser(std::make_shared<const Regularised>(from.at("weight").get<float>()));
      });
  image_codecs().add("means",
                     {.summary = "means of squares",
                      .fields = {number("most_quality", FieldType::integer,
                                        "no better quality is tried, however much fits", 100, 0,
                                        ImageCodec::best_quality)}},
                     [](const Json&) { return std::make_shared<const MeansCodec>(); });
  return semwave_main(argc, argv);
}
