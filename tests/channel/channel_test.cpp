// A burst through the air: noise, gains, ledger, training passes, and draws that do not know how a
// batch was cut.
#include "channel/channel.h"

#include <gtest/gtest.h>

#include <cmath>

#include "channel/kind/rayleigh.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/header/header_codec.h"
#include "phy/header/semantic_header.h"
#include "phy/header/serialise.h"
#include "phy/signal/signal.h"

namespace semwave {
namespace {

constexpr int grid = 49;

PooledVector<float> host(Backend& backend, const Tensor& tensor) {
  PooledVector<float> values(static_cast<std::size_t>(tensor.size()));
  backend.to_host(tensor, values.data());
  return values;
}

/// What a sender might have sent for this image id: k, S, positions and format depend on the id
/// alone.
SemanticHeader header_of(std::uint32_t id) {
  const RandomWords words = philox(31, Purpose::plan, id, 0, 0);
  SemanticHeader header{.exit_depth = static_cast<int>(words[0] % 5),
                        .symbols_per_token = 1 + static_cast<int>(words[1] % 8),
                        .positions_sent = words[2] % 2 == 0};
  header.k = static_cast<int>(words[3] % (grid + 1));
  for (int i = 0; header.positions_sent && i < header.k; ++i)
    header.positions.push_back(i * grid / header.k);
  return header;
}

Burst burst_of(Backend& backend, const PooledVector<std::uint32_t>& ids) {
  Burst burst;
  burst.starts = {0};
  PooledVector<float> values;
  for (const std::uint32_t id : ids) {
    const SemanticHeader header = header_of(id);
    burst.headers.push_back(
        {.parts = write_semantic_header(header, grid), .format = static_cast<int>(id % 4)});
    for (int i = 0; i < header.k; ++i)
      for (int s = 0; s < header.symbols_per_token; ++s) {
        const int place = i * grid / header.k * header.symbols_per_token + s;
        burst.places.push_back(place);
        const std::complex<double> x = complex_normal(
            philox(32, Purpose::data_bits, id, 0, static_cast<std::uint32_t>(place)));
        values.push_back(static_cast<float>(x.real()));
        values.push_back(static_cast<float>(x.imag()));
      }
    burst.starts.push_back(static_cast<std::int32_t>(burst.places.size()));
    burst.ledger.emplace_back();
  }
  burst.symbols =
      Var(backend.from_host({static_cast<std::int64_t>(burst.places.size()), 2}, values.data()));
  return burst;
}

Reception hear(Backend& backend, const Channel& channel, const PooledVector<std::uint32_t>& ids,
               bool training = false) {
  Pass pass{
      .backend = backend, .draws = {.seed = 7, .visit = 2, .images = ids}, .training = training};
  return channel.apply(pass, burst_of(backend, ids), channel.realise(pass.draws));
}

PooledVector<std::uint32_t> range(std::uint32_t first, std::uint32_t count) {
  PooledVector<std::uint32_t> ids;
  for (std::uint32_t i = 0; i < count; ++i) ids.push_back(first + i);
  return ids;
}

TEST(Channel, NoiseHasHalfItsVarianceInEachRealDimension) {
  const auto backend = make_cpu_backend();
  constexpr int count = 200000;
  for (const double snr_db : {-5.0, 0.0, 7.0}) {
    Pass pass{.backend = *backend, .draws = {.seed = 1, .images = {9}}};
    Burst burst{.headers = {{}},
                .symbols = Var(backend->zeros({count, 2})),
                .starts = {0, count},
                .ledger = {{}}};
    for (int i = 0; i < count; ++i) burst.places.push_back(i);
    const Channel channel({.snr = {snr_db, snr_db}});
    const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
    const PooledVector<float> y = host(*backend, heard.symbols.value());
    double power[2] = {}, product = 0, mean[2] = {};
    for (std::size_t i = 0; i < y.size(); i += 2) {
      for (std::size_t d = 0; d < 2; ++d) {
        power[d] += double{y[i + d]} * y[i + d] / count;
        mean[d] += y[i + d] / static_cast<double>(count);
      }
      product += double{y[i]} * y[i + 1] / count;
    }
    const double n0 = std::pow(10, -snr_db / 10);
    for (int d = 0; d < 2; ++d) {
      EXPECT_NEAR(power[d] / (n0 / 2), 1, 4 * std::sqrt(2.0 / count));
      EXPECT_NEAR(mean[d] / std::sqrt(n0 / 2), 0, 4 / std::sqrt(count));
    }
    EXPECT_NEAR(product / (n0 / 2), 0, 4 / std::sqrt(count));
    EXPECT_FLOAT_EQ(host(*backend, heard.noise_variance)[5], static_cast<float>(n0));
    EXPECT_DOUBLE_EQ(heard.header_noise_variance[0], n0);
  }
}

TEST(Channel, NoiseDoesNotKnowThePowerOfASymbol) {  // trap 5
  const auto backend = make_cpu_backend();
  const Channel channel({.snr = {3, 3}});
  PooledVector<PooledVector<float>> noise;
  for (const float amplitude : {0.0f, 1.0f, 4.0f}) {
    Pass pass{.backend = *backend, .draws = {.seed = 1, .images = {9}}};
    Burst burst{.headers = {{}},
                .symbols = Var(backend->zeros({10, 2})),
                .starts = {0, 10},
                .ledger = {{}}};
    backend->fill(burst.symbols.value(), amplitude);
    for (int i = 0; i < 10; ++i) burst.places.push_back(i);
    noise.push_back(
        host(*backend, channel.apply(pass, burst, channel.realise(pass.draws)).symbols.value()));
    for (float& value : noise.back()) value -= amplitude;
  }
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_NEAR(noise[1][i], noise[0][i], 1e-6);
    EXPECT_NEAR(noise[2][i], noise[0][i], 1e-6);
    EXPECT_NE(noise[0][i], 0);
  }
}

TEST(Channel, NoiseIsKeyedByThePlaceInTheGridAndNotByTheRow) {
  const auto backend = make_cpu_backend();
  const Channel channel({.snr = {0, 0}});
  const auto heard_at = [&](PooledVector<std::int32_t> places) {
    Pass pass{.backend = *backend, .draws = {.seed = 1, .visit = 3, .images = {9}}};
    const auto n = static_cast<std::int32_t>(places.size());
    const Burst burst{.headers = {{}},
                      .symbols = Var(backend->zeros({n, 2})),
                      .starts = {0, n},
                      .places = std::move(places),
                      .ledger = {{}}};
    return host(*backend, channel.apply(pass, burst, channel.realise(pass.draws)).symbols.value());
  };
  const auto all = heard_at({0, 1, 2, 3, 4, 5}), some = heard_at({1, 4});
  EXPECT_EQ(some[0], all[2]);
  EXPECT_EQ(some[3], all[9]);
  const std::complex<double> expected = complex_normal(philox(1, Purpose::noise, 9, 3, 4));
  EXPECT_FLOAT_EQ(some[2], static_cast<float>(expected.real()));
  EXPECT_FLOAT_EQ(some[3], static_cast<float>(expected.imag()));
}

TEST(Channel, WhatIsHeardDoesNotDependOnTheShard) {
  const auto backend = make_cpu_backend();
  for (const Coherence coherence : {Coherence::symbol, Coherence::block, Coherence::image}) {
    const Channel channel(
        {.fading = {.gains = rayleigh_gains(), .coherence = coherence, .block = 9},
         .snr = {-5, 20}});
    const Reception whole = hear(*backend, channel, range(0, 20));
    const PooledVector<float> y = host(*backend, whole.symbols.value()),
                              h = host(*backend, whole.gains),
                              n0 = host(*backend, whole.noise_variance);
    for (const std::uint32_t shard : {1u, 4u, 7u})
      for (std::uint32_t first = 0; first < 20; first += shard) {
        const std::uint32_t count = std::min(shard, 20 - first);
        const Reception part = hear(*backend, channel, range(first, count));
        const auto begin = static_cast<std::size_t>(whole.starts[first]),
                   end = static_cast<std::size_t>(whole.starts[first + count]);
        EXPECT_EQ(host(*backend, part.symbols.value()),
                  PooledVector<float>(&y[2 * begin], &y[0] + 2 * end));
        EXPECT_EQ(host(*backend, part.gains), PooledVector<float>(&h[2 * begin], &h[0] + 2 * end));
        EXPECT_EQ(host(*backend, part.noise_variance),
                  PooledVector<float>(&n0[begin], &n0[0] + end));
        for (std::uint32_t i = 0; i < count; ++i) {
          EXPECT_EQ(part.header_symbols[i], whole.header_symbols[first + i]);
          EXPECT_EQ(part.header_gains[i], whole.header_gains[first + i]);
          EXPECT_EQ(part.mean_gain[i], whole.mean_gain[first + i]);
        }
      }
  }
}

TEST(Channel, LedgerCountsTheSymbolsReallySent) {
  const auto backend = make_cpu_backend();
  const Channel channel(
      {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::symbol}, .snr = {10, 10}});
  const PooledVector<std::uint32_t> ids = range(100, 60);
  const Reception heard = hear(*backend, channel, ids);
  const Burst burst = burst_of(*backend, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const SemanticHeader header = header_of(ids[i]);
    EXPECT_EQ(heard.ledger[i].payload, header.k * header.symbols_per_token);
    EXPECT_EQ(heard.ledger[i].header, static_cast<std::int64_t>(heard.header_symbols[i].size()));
    EXPECT_EQ(heard.header_gains[i].size(), heard.header_symbols[i].size());
    const Symbols sequence = serialise(*backend, burst, static_cast<int>(i));
    EXPECT_EQ(static_cast<std::int64_t>(sequence.size()), heard.ledger[i].total());
    const Symbols coded = encode_header(burst.headers[i]);
    EXPECT_TRUE(std::equal(coded.begin(), coded.end(), sequence.begin()));
  }
}

TEST(Channel, TheIdealChannelDeliversTheSequence) {
  const auto backend = make_cpu_backend();
  const Channel channel({.noiseless = true, .snr = {40, 40}});
  const PooledVector<std::uint32_t> ids = range(0, 30);
  const Reception heard = hear(*backend, channel, ids);
  const Burst burst = burst_of(*backend, ids);
  EXPECT_EQ(host(*backend, heard.symbols.value()), host(*backend, burst.symbols.value()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(heard.mean_gain[i], 1);
    EXPECT_EQ(heard.header_noise_variance[i], 0);
    const auto read =
        decode_header(heard.header_symbols[i], heard.header_gains[i],
                      heard.header_noise_variance[i], semantic_word_bits(grid),
                      [](const Bits& word) { return semantic_second_part_bits(word, grid); });
    ASSERT_TRUE(read.has_value()) << i;
    EXPECT_EQ(*read, burst.headers[i].parts);
  }
}

TEST(Channel, HeadersAreReadAtTheSnrTheyWereChosenForAndLostFarBelow) {
  const auto backend = make_cpu_backend();
  for (const bool far_below : {false, true}) {
    const double believed_db = 6, snr_db = far_below ? -14 : 6;
    const Channel channel({.snr = {snr_db, snr_db}});
    const PooledVector<std::uint32_t> ids = range(0, 300);
    Pass pass{.backend = *backend, .draws = {.seed = 8, .images = ids}};
    Burst burst = burst_of(*backend, ids);
    for (HeaderOnAir& header : burst.headers) {
      PooledVector<int> bits;
      for (const Bits& part : header.parts) bits.push_back(static_cast<int>(part.size()));
      header.format = choose_header_format(bits, believed_db);
    }
    const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
    int read = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto parts =
          decode_header(heard.header_symbols[i], heard.header_gains[i],
                        heard.header_noise_variance[i], semantic_word_bits(grid),
                        [](const Bits& word) { return semantic_second_part_bits(word, grid); });
      read += parts && *parts == burst.headers[i].parts;
    }
    if (far_below) {
      EXPECT_LE(read, 3);
    } else {
      EXPECT_GE(read, 297);
    }
  }
}

TEST(Channel, ATrainingPassHandsTheHeaderOverAndCountsItAllTheSame) {
  const auto backend = make_cpu_backend();
  const Channel channel(
      {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::symbol}, .snr = {0, 0}});
  const PooledVector<std::uint32_t> ids = range(40, 12);
  const Reception training = hear(*backend, channel, ids, true),
                  evaluation = hear(*backend, channel, ids, false);
  ASSERT_EQ(training.headers.size(), ids.size());
  EXPECT_TRUE(evaluation.headers.empty());
  EXPECT_EQ(host(*backend, training.symbols.value()),
            host(*backend, evaluation.symbols.value()));  // the header kept its uses
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_TRUE(training.header_symbols[i].empty());
    EXPECT_EQ(training.ledger[i].header, evaluation.ledger[i].header);
    EXPECT_EQ(training.mean_gain[i], evaluation.mean_gain[i]);
  }
}

TEST(Channel, MeanGainIsOverHeaderAndPayload) {
  const auto backend = make_cpu_backend();
  const Channel channel(
      {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::symbol}, .snr = {10, 10}});
  const PooledVector<std::uint32_t> ids = range(3, 1);
  const Reception heard = hear(*backend, channel, ids);
  double power = 0;
  for (const std::complex<float> h : heard.header_gains[0]) power += std::norm(h);
  for (const float h : host(*backend, heard.gains)) power += double{h} * h;
  EXPECT_NEAR(heard.mean_gain[0], power / static_cast<double>(heard.ledger[0].total()), 1e-5);
}

TEST(Channel, NothingToSendIsLegal) {
  const auto backend = make_cpu_backend();
  const Channel channel({.snr = {10, 10}});
  Pass pass{.backend = *backend, .draws = {.seed = 1, .images = {1}}};
  const Burst burst{.headers = {{.parts = write_semantic_header({.k = 0}, grid)}},
                    .starts = {0, 0},
                    .ledger = {{}}};
  const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
  EXPECT_EQ(heard.symbols.value().size(), 0);
  EXPECT_EQ(heard.ledger[0].payload, 0);
  EXPECT_GT(heard.ledger[0].header, 0);
  Pass empty{.backend = *backend, .draws = {.seed = 1}};
  EXPECT_TRUE(
      channel.apply(empty, Burst{.starts = {0}}, channel.realise(empty.draws)).ledger.empty());
}

}  // namespace
}  // namespace semwave
