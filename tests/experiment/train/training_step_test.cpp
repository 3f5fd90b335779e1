// Gradients of a batch do not depend on how it is cut, nor on who computes it.
#include "experiment/train/training_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/data/codec/image_codec.h"
#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

std::vector<double> total(const std::vector<Gradients>& lanes) {
  std::vector<double> sum(static_cast<std::size_t>(lanes[0].flat().size()));
  for (const Gradients& lane : lanes)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += lane.flat().data()[i];
  return sum;
}

class Batch : public ::testing::Test {
 protected:
  Batch()
      : backend_(make_cpu_backend()),
        data_(tiny::images(32)),
        scenario_(tiny::scenario({{"/train/losses/balance", 0.5}, {"/train/losses/z", 0.1}})),
        model_(tiny::model(scenario_, *backend_)) {}
  std::vector<double> gradient(int shard, int threads, BatchLoss* loss = nullptr) {
    ThreadPool pool(threads);
    TrainingStep step(scenario_, model_, data_, pool, shard);
    const std::vector<std::int32_t> indices = tiny::first(24);
    const BatchLoss l = step.run(indices, 3);
    if (loss) *loss = l;
    return total(step.lanes());
  }
  std::unique_ptr<Backend> backend_;
  Dataset data_;
  Scenario scenario_;
  Model model_;
};

TEST_F(Batch, ShardSizesGiveEqualGradients) {
  const std::vector<double> one = gradient(1, 1);
  double scale = 0;
  for (const double g : one) scale = std::max(scale, std::abs(g));
  ASSERT_GT(scale, 1e-3);
  for (const int shard : {3, 4, 24}) {
    const std::vector<double> other = gradient(shard, 1);
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
      worst = std::max(worst, std::abs(one[i] - other[i]));
    EXPECT_LT(worst / scale, 1e-5) << "shard " << shard;
    RecordProperty("relative_difference_shard_" + std::to_string(shard),
                   std::to_string(worst / scale));
  }
}

TEST_F(Batch, ThreadsGiveTheSameBits) {
  const std::vector<double> one = gradient(4, 1);
  EXPECT_EQ(one, gradient(4, 2));
  EXPECT_EQ(one, gradient(4, 3));
}

TEST_F(Batch, TheBalanceLossCouplesTheBatch) {
  BatchLoss loss;
  const std::vector<double> with = gradient(4, 1, &loss);
  EXPECT_GE(loss.balance, 0.5);
  EXPECT_GT(loss.z, 0);
  scenario_ = tiny::scenario({{"/train/losses/balance", 0}, {"/train/losses/z", 0}});
  EXPECT_NE(with, gradient(4, 1));
}

/// Directional derivative of the whole loss against a difference: the tape through transmitter,
/// channel and receiver is right.
TEST_F(Batch, GradientIsTheSlopeOfTheLoss) {
  // Keep everything and weigh only terms whose derivative is exact: straight-through, the floor of
  // the logarithm's weights and routing choices have none (conditional computation is not
  // differentiable in what it picks).
  scenario_ =
      tiny::scenario({{"/transmitter/gate", Json{{"kind", "keep_all"}}},
                      {"/train/losses",
                       Json{{"class", 1}, {"image", 0.5}, {"balance", 0}, {"z", 0.1}, {"gate", 0}}},
                      {"/receiver/router", Json{{"kind", "top_k"}, {"k", 4}}}});
  model_ = tiny::model(scenario_, *backend_);
  const std::vector<double> g = gradient(4, 1);
  std::vector<float> direction(g.size());
  double norm = 0;
  for (const double v : g) norm += v * v;
  for (std::size_t i = 0; i < g.size(); ++i)
    direction[i] = static_cast<float>(g[i] / std::sqrt(norm));
  const auto loss_at = [&](double distance) {
    for (Parameter& p : model_.parameters->all())
      for (std::int64_t i = 0; i < p.value.size(); ++i)
        p.value.data()[i] +=
            static_cast<float>(distance * direction[static_cast<std::size_t>(p.offset + i)]);
    model_.parameters->pack(true);
    BatchLoss loss;
    (void)gradient(4, 1, &loss);
    for (Parameter& p : model_.parameters->all())
      for (std::int64_t i = 0; i < p.value.size(); ++i)
        p.value.data()[i] -=
            static_cast<float>(distance * direction[static_cast<std::size_t>(p.offset + i)]);
    return loss.total(*scenario_.train);
  };
  const double h = 2e-4;
  const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
  EXPECT_NEAR(slope / std::sqrt(norm), 1, 2e-2);
}

/// A classifier that sees decoded pictures as well.
class Decoded : public Batch {
 protected:
  void learn(const Json& decoded) {
    std::vector<std::pair<std::string, Json>> changes{
        {"/transmitter", "label"},
        {"/receiver", Json::object()},
        {"/metrics", {"accuracy"}},
        {"/train/losses", {{"class", 1}, {"image", 0}, {"balance", 0}, {"z", 0}, {"gate", 0}}}};
    if (!decoded.is_null()) changes.emplace_back("/train/decoded", decoded);
    scenario_ = tiny::scenario(changes);
    model_ = make_model(scenario_, *backend_);
  }
  /// Of one image by itself.
  double loss_of(std::int32_t index) {
    ThreadPool pool(1);
    const std::vector<std::int32_t> indices{index};
    return TrainingStep(scenario_, model_, data_, pool, 1).run(indices, 3).class_loss;
  }
};

TEST_F(Decoded, PicturesAreThoseOfTheCodec) {
  const Dataset stored = data_;
  for (const char* name : {"jpeg", "webp", "heic"}) {
    data_ = stored;
    learn({{"share", 1}, {"codecs", {name}}, {"quality", 20}});
    const std::vector<double> decoded_on_the_way = gradient(4, 1);
    learn(nullptr);
    EXPECT_NE(decoded_on_the_way, gradient(4, 1)) << name;

    const auto codec = image_codecs().make(
        resolve(name, image_codecs().field("codec"), {"test", ""}), {"test", ""});
    for (int i = 0; i < data_.count(); ++i) {
      const Picture picture{12, 12, 1, {stored.image(i), stored.image(i) + stored.values()}};
      const Picture decoded = codec->decode(codec->encode(picture, 20), 12, 12, 1);
      std::copy(decoded.pixels.begin(), decoded.pixels.end(),
                data_.pixels.begin() + i * stored.values());
    }
    EXPECT_EQ(decoded_on_the_way, gradient(4, 1)) << name;
  }
}

TEST_F(Decoded, AShareOfZeroChangesNothing) {
  learn(nullptr);
  const std::vector<double> without = gradient(4, 1);
  learn({{"share", 0}});
  EXPECT_EQ(without, gradient(4, 1));
}

TEST_F(Decoded, ThreadsShardsAndBatchesDrawAlike) {
  learn({{"share", 0.5}, {"quality", {{"uniform", {0, 60}}}}});
  const std::vector<double> one = gradient(4, 1);
  EXPECT_EQ(one, gradient(4, 3));
  const std::vector<double> shards = gradient(24, 1);
  double scale = 0, worst = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    scale = std::max(scale, std::abs(one[i]));
    worst = std::max(worst, std::abs(one[i] - shards[i]));
  }
  EXPECT_LT(worst / scale, 1e-5);

  BatchLoss together;
  (void)gradient(4, 1, &together);
  double apart = 0;
  for (const std::int32_t index : tiny::first(24)) apart += loss_of(index) / 24;
  EXPECT_NEAR(together.class_loss, apart, 1e-5) << "an image draws the same in any batch";
}

TEST_F(Decoded, SharesOfImagesAndOfCodecsAreAsAsked) {
  data_ = tiny::images(240);
  const auto losses = [&](const Json& decoded) {
    learn(decoded);
    std::vector<double> made;
    for (const std::int32_t index : tiny::first(240)) made.push_back(loss_of(index));
    return made;
  };
  const std::vector<double> stored = losses(nullptr),
                            jpeg = losses({{"share", 1}, {"codecs", {"jpeg"}}, {"quality", 10}}),
                            webp = losses({{"share", 1}, {"codecs", {"webp"}}, {"quality", 10}}),
                            mixed = losses({{"share", 0.5},
                                            {"codecs", {"jpeg", "webp", "jpeg"}},
                                            {"quality", 10}});
  int as_stored = 0, as_jpeg = 0, as_webp = 0;
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    as_stored += mixed[i] == stored[i];
    as_jpeg += mixed[i] == jpeg[i];
    as_webp += mixed[i] == webp[i];
  }
  // 120, 80, 40 in the mean; four deviations are 31, 29, 23.
  EXPECT_EQ(as_stored + as_jpeg + as_webp, 240);
  EXPECT_NEAR(as_stored, 120, 31);
  EXPECT_NEAR(as_jpeg, 80, 29);
  EXPECT_NEAR(as_webp, 40, 23);
}

}  // namespace
}  // namespace semwave
