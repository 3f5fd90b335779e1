// Kinds of channel one after the other: what each does by itself it does in a chain, and orders
// that mean nothing are refused.
#include <gtest/gtest.h>

#include <cmath>

#include "channel/registry.h"
#include "tests/channel/air.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

using air::Complex;

Json resolved(const std::string& text) {
  return resolve(parse_json(text, "x.json"), channels().field("channel"), {"x.json", "/channel"});
}

ChannelSettings channel_of(const std::string& text) {
  return channels().make(resolved(text), {"x.json", "/channel"});
}

void expect_same(const air::Heard& one, const air::Heard& other) {
  EXPECT_EQ(one.y, other.y);
  EXPECT_EQ(one.known, other.known);
  EXPECT_EQ(one.variance, other.variance);
  EXPECT_EQ(one.reception.header_symbols, other.reception.header_symbols);
  EXPECT_EQ(one.reception.header_gains, other.reception.header_gains);
  EXPECT_EQ(one.reception.mean_gain, other.reception.mean_gain);
  EXPECT_EQ(one.reception.erased, other.reception.erased);
  for (std::size_t i = 0; i < one.reception.ledger.size(); ++i)
    EXPECT_EQ(one.reception.ledger[i].total(), other.reception.ledger[i].total());
}

TEST(Chain, OfOneKindIsThatKindToTheLastBit) {
  const std::string common =
      R"("snr_db": 6, "csi": {"receiver": {"kind": "estimated", "pilots": 2}},)"
      R"( "interference": {"kind": "qpsk", "sir_db": 8})";
  for (const std::string kind :
       {R"("kind": "rayleigh", "coherence": {"block": 9})", R"("kind": "rician", "k_db": 3)",
        R"("kind": "mimo", "antennas": {"transmit": 2, "receive": 3})",
        R"("kind": "impulsive", "probability": 0.1)", R"("kind": "phase_noise")",
        R"("kind": "erasure", "loss": 0.4)", R"("kind": "gilbert_elliott", "of": "packet")"}) {
    const ChannelSettings alone = channel_of("{" + kind + ", " + common + "}"),
                          chain = channel_of(R"({"kind": "chain", "of": [{)" + kind + "}], " +
                                             common + "}");
    expect_same(air::hear(alone, air::ids(6), 40, true), air::hear(chain, air::ids(6), 40, true));
    ASSERT_EQ(alone.components.size(), chain.components.size());
    for (std::size_t c = 0; c < alone.components.size(); ++c)
      EXPECT_EQ(alone.components[c].name, chain.components[c].name);
  }
}

TEST(Chain, EachKindDoesItsPart) {
  const std::string fade = R"({"kind": "rayleigh", "coherence": "symbol"})",
                    impulses = R"({"kind": "impulsive", "probability": 0.05})",
                    phase = R"({"kind": "phase_noise", "deviation": 0.2})",
                    losses = R"({"kind": "erasure", "loss": 0.3, "of": "packet"})";
  const auto heard = [](const std::string& of) {
    return air::hear(channel_of(R"({"kind": "chain", "snr_db": 10, "of": [)" + of + "]}"),
                     air::ids(40), 320);
  };
  const air::Heard faded = heard(fade),
                   all = heard(fade + "," + impulses + "," + phase + "," + losses),
                   turned = heard(fade + "," + phase), loud = heard(fade + "," + impulses);
  std::size_t lost = 0, impulse = 0;
  for (std::size_t s = 0; s < faded.y.size(); ++s) {
    // The same fades everywhere, whatever follows.
    EXPECT_EQ(turned.known[s], faded.known[s]);
    EXPECT_EQ(loud.known[s], faded.known[s]);
    impulse += std::norm(loud.y[s] - faded.y[s]) > 1;
    lost += all.reception.erased[s];
    if (all.reception.erased[s]) {
      EXPECT_EQ(all.y[s], Complex());
      continue;
    }
    EXPECT_EQ(all.known[s], faded.known[s]);
    // The noise of impulses on the signal that has turned.
    EXPECT_NEAR(std::abs(all.y[s] - (turned.y[s] + loud.y[s] - faded.y[s])), 0, 1e-5);
  }
  const auto symbols = static_cast<double>(faded.y.size());
  EXPECT_NEAR(static_cast<double>(lost) / symbols, 0.3, 0.1);
  EXPECT_GT(static_cast<double>(impulse), 0.01 * symbols);
  EXPECT_GT(std::abs(turned.y[300] - faded.y[300]), 0.01);
}

TEST(Chain, RefusesOrdersThatMeanNothing) {
  const auto refused = [](const std::string& of, const std::string& rest = "") {
    return error_of(
        [&] { (void)channel_of(R"({"kind": "chain", "of": [)" + of + "]" + rest + "}"); });
  };
  expect_contains(refused(R"("erasure", "rayleigh")"), "/channel/of/1/kind");
  expect_contains(refused(R"("erasure", "rayleigh")"), "a fading comes first");
  expect_contains(refused(R"("impulsive", "rician")"), "cannot follow 'impulsive'");
  expect_contains(refused(R"("rayleigh", "rician")"), "one at most");
  expect_contains(refused(R"("rayleigh", "erasure", "gilbert_elliott")"), "/channel/of/2/kind");
  expect_contains(refused(R"("impulsive", "phase_noise", "impulsive")"), "stands twice");
  expect_contains(refused(R"({"kind": "mimo", "antennas": {"transmit": 2}}, "phase_noise")"),
                  "one transmit antenna");
  expect_contains(refused(""), "/channel/of");
  // What cannot stand in a chain is not known there, and keys of the chain are the chain's.
  expect_contains(refused(R"("chain")"), "/channel/of/0");
  expect_contains(refused(R"("tdl")"), "rayleigh");
  expect_contains(refused(R"({"kind": "rayleigh", "snr_db": 3})"), "snr_db");
  expect_contains(refused(R"({"kind": "erasure", "noiseless": true})"), "noiseless");
  // Mistakes within a kind have its place; those about csi the chain's.
  expect_contains(refused(R"({"kind": "mimo", "antennas": {"transmit": 3, "receive": 2}})"),
                  "/channel/of/0/antennas/receive");
  expect_contains(refused(R"({"kind": "rayleigh", "coherence": "symbol"})",
                          R"(, "csi": {"receiver": "delayed"})"),
                  "/channel/csi/receiver");
  expect_contains(refused(R"("mimo")", R"(, "csi": {"receiver": "none"})"),
                  "neither combined nor separated");
}

TEST(Chain, FillsInTheDefaultsOfItsKinds) {
  const Json whole = resolved(R"({"kind": "chain", "of": ["rayleigh", "erasure"]})");
  EXPECT_EQ(whole["of"][0]["coherence"], "image");
  EXPECT_EQ(whole["of"][1]["loss"], 0.1);
  EXPECT_EQ(resolve(whole, channels().field("channel"), {"x.json", "/channel"}), whole);
}

}  // namespace
}  // namespace semwave
