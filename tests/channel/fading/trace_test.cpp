// Traces from files: what is read, what is refused and where, and who meets which entry.
#include "channel/fading/trace.h"

#include <gtest/gtest.h>

#include <cmath>

#include "channel/kind/trace.h"
#include "tests/channel/air.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

using air::Complex;

std::string refused(const std::string& text) {
  return error_of([&] { (void)Trace::parse(text, "x.csv", false); });
}

TEST(Trace, ReadsGainsInAnyOrder) {
  const auto trace = Trace::parse(
      "# measured\n\nim, re,slot ,link\n 1,0,1,0\r\n0,2,0,0\n0,1,0,1\n-1,-1,1,1\n", "x.csv", false);
  EXPECT_EQ(trace->links(), 2);
  EXPECT_EQ(trace->slots(), 2);
  EXPECT_TRUE(trace->has_gains());
  EXPECT_EQ(trace->gain(0, true, 0), Complex(2, 0));
  EXPECT_EQ(trace->gain(0, true, 1), Complex(0, 1));
  EXPECT_EQ(trace->gain(1, true, 3), Complex(-1, -1));  // round and round
  EXPECT_EQ(trace->gain(3, true, 1), Complex(-1, -1));
  EXPECT_EQ(trace->gain(1, true, 0, 1), Complex(-1, -1));
  EXPECT_EQ(trace->gain(1, true, 0, 5), Complex(-1, -1));
  // Images by themselves: image i meets slot i / links of link i mod links, in every repeat.
  EXPECT_EQ(trace->gain(2, false, 7), Complex(0, 1));
  EXPECT_EQ(trace->gain(4, false, 0), Complex(2, 0));
  EXPECT_DOUBLE_EQ(trace->change(1), (5 + 5 + 5 + 5) / 4.0);
  EXPECT_DOUBLE_EQ(trace->distance_from_one(), (1 + 2 + 0 + 5) / 4.0);
}

TEST(Trace, NormalisesToMeanPowerOne) {
  const auto trace = Trace::parse("slot,re,im\n0,3e-5,0\n1,0,1e-5\n", "x.csv", true);
  EXPECT_NEAR(std::norm(trace->gain(0, true, 0)) + std::norm(trace->gain(0, true, 1)), 2, 1e-12);
  EXPECT_NEAR(trace->gain(0, true, 0).real() / trace->gain(0, true, 1).imag(), 3, 1e-12);
  expect_contains(error_of([] { (void)Trace::parse("slot,re,im\n0,0,0\n", "x.csv", true); }),
                  "no power");
}

TEST(Trace, ReadsSnrs) {
  const auto trace = Trace::parse("slot,snr_db\n0,-3.5\n1,12\n", "x.csv", true);
  EXPECT_FALSE(trace->has_gains());
  EXPECT_EQ(trace->lowest_snr_db(), -3.5);
  EXPECT_EQ(trace->highest_snr_db(), 12);
  EXPECT_EQ(trace->snr_db(0, true, 3), 12);
}

TEST(Trace, RefusesWithFileAndLine) {
  expect_contains(refused(""), "x.csv: ");
  expect_contains(refused("0,1,0\n"), "x.csv:1: expected a header line");
  expect_contains(refused("slot,re\n0,1\n"), "both columns re and im");
  expect_contains(refused("re,im\n0,1\n"), "slot is missing");
  expect_contains(refused("slot,re,im,snr_db\n"), "not both");
  expect_contains(refused("slot\n0\n"), "re and im, or");
  expect_contains(refused("slot,slot,snr_db\n"), "stands twice");
  expect_contains(refused("slot,re,im\n"), "no entry");
  expect_contains(refused("slot,re,im\n0,1,0\n\n1,1\n"), "x.csv:4: expected 3 numbers");
  expect_contains(refused("slot,re,im\n0,1,0,5\n"), "found 4");
  expect_contains(refused("slot,re,im\n0,1,\n"), "x.csv:2: \"\" is not a number");
  expect_contains(refused("slot,re,im\n0,1,0x2\n"), "is not a number");
  expect_contains(refused(std::string("slot,re,im\n0,1,2\0\x1b\n", 18)),
                  "\"2\\x00\\x1b\" is not a number");
  expect_contains(refused("slot,re,im\n0,nan,0\n"), "is not a number");
  expect_contains(refused("slot,re,im\n0,inf,0\n"), "is not a number");
  expect_contains(refused("slot,re,im\n0,1e999,0\n"), "is not a number");
  expect_contains(refused("slot,re,im\n0,1e7,0\n"), "re is beyond");
  expect_contains(refused("slot,snr_db\n0,201\n"), "snr_db is beyond");
  expect_contains(refused("slot,snr_db\n-1,3\n"), "whole number");
  expect_contains(refused("slot,snr_db\n0.5,3\n"), "whole number");
  expect_contains(refused("slot,snr_db\n4000000,3\n"), "whole number");
  expect_contains(refused("slot,snr_db\n0,3\n0,4\n"), "slot 0 of link 0 stands twice");
  expect_contains(refused("slot,snr_db\n0,3\n2,4\n"), "do not fill");
  expect_contains(refused("link,slot,snr_db\n0,0,3\n3999999,3999999,4\n"), "do not fill");
  expect_contains(error_of([] { (void)Trace::read("/nowhere/x.csv", false); }), "/nowhere/x.csv");
}

ChannelSettings traced(const std::string& text) {
  ChannelSettings settings{.snr = {10, 10}};
  follow(Trace::parse(text, "x.csv", false), settings);
  return settings;
}

TEST(Trace, GainsAndSnrsAreWhatAnImageMeets) {
  const air::Heard gains =
      air::hear(traced("slot,re,im\n0,0.5,0.5\n1,-2,0\n2,0,1\n"), air::ids(7), 5, true);
  const Complex expected[] = {{0.5, 0.5}, {-2, 0}, {0, 1}};
  for (std::size_t i = 0; i < 7; ++i) {
    for (std::size_t s = 0; s < 5; ++s) EXPECT_EQ(gains.known[i * 5 + s], expected[i % 3]);
    EXPECT_DOUBLE_EQ(gains.reception.mean_gain[i], std::norm(expected[i % 3]));
  }
  const ChannelSettings snrs = traced("slot,snr_db\n0,0\n1,20\n");
  const air::Heard noise = air::hear(snrs, air::ids(4), 5);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(noise.variance[i * 5], i % 2 ? 0.01 : 1, 1e-7);
  const Channel channel(snrs);
  EXPECT_EQ(channel.observe(channel.realise({.seed = 1, .images = {1}}))[0].snr_db, 20);
  // Slots of a timeline.
  EXPECT_EQ(channel.realise({.seed = 1, .visit = 5, .images = {0}}, {0u}, {3.0}).snr_db(0), 20);
  const Channel complex(traced("slot,re,im\n0,0.5,0.5\n1,-2,0\n"));
  EXPECT_EQ(complex.realise({.seed = 1, .visit = 5, .images = {0}}, {0u}, {3.0}).gain(0, 0),
            Complex(-2, 0));
}

TEST(Trace, LateKnowledgeErrsAsTheFileSays) {
  std::string text = "slot,re,im\n";
  for (std::uint32_t s = 0; s < 500; ++s) {
    const Complex h = complex_normal(philox(8, Purpose::fading, 0, 0, s));
    text +=
        std::to_string(s) + "," + std::to_string(h.real()) + "," + std::to_string(h.imag()) + "\n";
  }
  ChannelSettings settings = traced(text);
  settings.receiver = {.kind = CsiKind::delayed, .delay = 3};
  const air::Heard heard = air::hear(settings, air::ids(500), 1);
  const Fading fading = Channel(settings).realise({.seed = 9, .images = air::ids(500)});
  double error = 0;
  for (int i = 0; i < 500; ++i)
    error += std::norm(heard.known[static_cast<std::size_t>(i)] - fading.gain(i, 0)) / 500;
  EXPECT_NEAR(heard.variance[0] - 0.1, error, 1e-4);
  EXPECT_NEAR(error, Trace::parse(text, "x.csv", false)->change(3), 1e-4);
  EXPECT_GT(error, 1);
}

}  // namespace
}  // namespace semwave
