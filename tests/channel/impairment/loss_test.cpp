// Lost tokens and packets: how many, in what bursts, what is left of them, and what is never lost.
#include "channel/impairment/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/channel/air.h"

namespace semwave {
namespace {

TEST(Loss, MemorylessLossHasItsShareAndNoMemory) {
  const LossLaw law{.loss_good = 0.2, .loss_bad = 0};
  constexpr int units = 200000;
  const Draws draws{.seed = 3, .visit = 1, .images = {4}};
  LossWalk walk(law, draws, 0);
  std::vector<double> lost, pairs;
  for (int u = 0; u < units; ++u) {
    lost.push_back(walk.next());
    if (u > 0)
      pairs.push_back((lost[static_cast<std::size_t>(u)] - 0.2) *
                      (lost[static_cast<std::size_t>(u) - 1] - 0.2));
    EXPECT_FALSE(walk.bad());
  }
  EXPECT_NEAR(air::mean_of(lost).value, 0.2, air::mean_of(lost).four);
  EXPECT_NEAR(air::mean_of(pairs).value, 0, air::mean_of(pairs).four);
}

TEST(Loss, GilbertElliottHasItsShareItsBurstsAndItsMemory) {
  for (const auto& [p, r] : {std::pair{0.05, 0.25}, {0.3, 0.4}, {0.02, 0.9}}) {
    const LossLaw law{.loss_good = 0.01, .loss_bad = 0.6, .good_to_bad = p, .bad_to_good = r};
    constexpr int walks = 4000, units = 100;
    std::vector<double> bad, lost, pair,
        first;  // a value a walk: within a walk states are dependent
    double bursts = 0, in_bursts = 0;
    const double share = p / (p + r);
    EXPECT_DOUBLE_EQ(law.share_bad(), share);
    for (std::uint32_t w = 0; w < walks; ++w) {
      const Draws draws{.seed = 5, .images = {w}};
      LossWalk walk(law, draws, 0);
      double sum = 0, losses = 0, product = 0;
      bool before = false;
      int run = 0;
      for (int u = 0; u < units; ++u) {
        losses += walk.next();
        const bool now = walk.bad();
        if (u == 0) first.push_back(now);
        sum += now;
        if (u > 0) product += (now - share) * (before - share);
        if (now) ++run;
        if (!now && before && run < u) {  // a burst that began and ended within
          ++bursts;
          in_bursts += run;
        }
        if (!now) run = 0;
        before = now;
      }
      bad.push_back(sum / units);
      lost.push_back(losses / units);
      pair.push_back(product / (units - 1) / (share * (1 - share)));
    }
    EXPECT_NEAR(air::mean_of(first).value, share,
                air::mean_of(first).four);  // stationary from the first unit on
    EXPECT_NEAR(air::mean_of(bad).value, share, air::mean_of(bad).four);
    EXPECT_NEAR(air::mean_of(lost).value, share * 0.6 + (1 - share) * 0.01,
                air::mean_of(lost).four);
    EXPECT_NEAR(air::mean_of(pair).value, 1 - p - r, air::mean_of(pair).four);
    // Mean burst 1/r; bursts cut off by the end of a walk are left out, which shortens the mean by
    // about a burst in `units`.
    EXPECT_NEAR(in_bursts / bursts, 1 / r,
                4 * std::sqrt((1 - r) / bursts) / r + 1.5 / (r * r * units));
  }
}

ChannelSettings losing(LossLaw law) {
  return {.snr = {10, 10}, .loss = law};
}

TEST(Loss, WhatIsLostIsSilentAndKnownToBe) {
  const ChannelSettings settings =
                            losing({.loss_good = 0.3, .unit = LossUnit::packet, .packet_uses = 8}),
                        whole = {.snr = {10, 10}};
  const air::Heard heard = air::hear(settings, air::ids(200), 60, true),
                   all = air::hear(whole, air::ids(200), 60, true);
  ASSERT_EQ(heard.reception.erased.size(), heard.y.size());
  EXPECT_TRUE(heard.reception.header_erased.empty());
  EXPECT_TRUE(all.reception.erased.empty());
  std::vector<double> lost;
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(heard.reception.header_symbols[i],
              all.reception.header_symbols[i]);  // a control link that loses nothing
    EXPECT_EQ(heard.reception.ledger[i].total(),
              all.reception.ledger[i].total());  // what was sent was sent
    for (std::size_t s = 0; s < 60; ++s) {
      const std::size_t at = i * 60 + s;
      EXPECT_EQ(heard.reception.erased[at],
                heard.reception.erased[i * 60 + s / 8 * 8]);  // packets as a whole
      if (s % 8 == 0) lost.push_back(heard.reception.erased[at]);
      if (heard.reception.erased[at]) {
        EXPECT_EQ(heard.y[at], air::Complex());
        EXPECT_EQ(heard.known[at], air::Complex());
      } else {
        EXPECT_EQ(heard.y[at], all.y[at]);
        EXPECT_EQ(heard.known[at], all.known[at]);
      }
    }
  }
  EXPECT_NEAR(air::mean_of(lost).value, 0.3, air::mean_of(lost).four);
}

TEST(Loss, TokensAreLostAsAWholeAndABurstWithoutTokensTogether) {
  const auto backend = make_cpu_backend();
  const Channel channel(losing({.loss_good = 0.5}));
  Pass pass{.backend = *backend, .draws = {.seed = 2, .images = air::ids(100)}};
  Burst burst = air::burst(*backend, pass.draws.images, 12);
  const Reception together = channel.apply(pass, burst, channel.realise(pass.draws));
  for (std::size_t i = 0; i < 100; ++i) burst.symbols_per_token.push_back(i % 2 ? 3 : 4);
  const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
  int cut = 0;
  for (std::size_t i = 0; i < 100; ++i)
    for (std::size_t s = 0; s < 12; ++s) {
      const std::size_t width = i % 2 ? 3 : 4;
      EXPECT_EQ(heard.erased[i * 12 + s], heard.erased[i * 12 + s / width * width]);
      EXPECT_EQ(together.erased[i * 12 + s], together.erased[i * 12]);
      cut += heard.erased[i * 12 + s] != heard.erased[i * 12];
    }
  EXPECT_GT(cut, 100);
}

TEST(Loss, AHeaderIsLostOnlyWhereItTravelsLikeTheRest) {
  for (const LossUnit unit : {LossUnit::token, LossUnit::packet}) {
    const ChannelSettings settings =
        losing({.loss_good = 0.4, .unit = unit, .packet_uses = 10, .header_too = true});
    const air::Heard heard = air::hear(settings, air::ids(1000), 7, true);
    std::vector<double> lost;
    double expected = 0.4;
    for (std::size_t i = 0; i < 1000; ++i) {
      lost.push_back(heard.reception.header_erased[i]);
      bool silent = true;
      for (const std::complex<float> y : heard.reception.header_symbols[i])
        silent = silent && y == std::complex<float>();
      EXPECT_EQ(silent, lost.back() == 1);
      if (unit == LossUnit::packet)
        expected =
            1 -
            std::pow(0.6,
                     std::ceil(static_cast<double>(heard.reception.header_symbols[0].size()) / 10));
    }
    EXPECT_NEAR(air::mean_of(lost).value, expected, air::mean_of(lost).four);
  }
}

}  // namespace
}  // namespace semwave
