// What a scenario may say about its channel and its equaliser.
#include "channel/registry.h"

#include <gtest/gtest.h>

#include "tests/core/expect_error.h"

namespace semwave {
namespace {

ChannelSettings settings_of(const std::string& text) {
  const Place place{"x.json", "/channel"};
  return channels().make(resolve(parse_json(text, "x.json"), channels().field("channel"), place), place);
}

TEST(ChannelRegistry, NamesTheChannels) {
  std::vector<std::string> names;
  for (const auto& [name, summary] : channels().list()) {
    names.push_back(name);
    EXPECT_FALSE(summary.empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"ideal", "awgn", "rayleigh", "rician"}));
  EXPECT_EQ(equalisers().list().size(), 2u);
}

TEST(ChannelRegistry, ReadsWhatAScenarioSays) {
  const ChannelSettings awgn = settings_of(R"({"kind": "awgn", "snr_db": -3.5})");
  EXPECT_EQ(awgn.fading.kind, FadingKind::none);
  EXPECT_EQ(awgn.snr.from_db, -3.5);
  EXPECT_EQ(awgn.snr.to_db, -3.5);
  EXPECT_FALSE(awgn.noiseless);
  const ChannelSettings drawn = settings_of(R"({"kind": "rayleigh", "snr_db": {"uniform": [-5, 20]}, "coherence": "symbol"})");
  EXPECT_EQ(drawn.fading.kind, FadingKind::rayleigh);
  EXPECT_EQ(drawn.snr.from_db, -5);
  EXPECT_EQ(drawn.snr.to_db, 20);
  EXPECT_EQ(drawn.fading.coherence, Coherence::symbol);
  EXPECT_EQ(settings_of(R"({"kind": "rayleigh"})").fading.coherence, Coherence::image);
  EXPECT_EQ(settings_of(R"({"kind": "rayleigh", "coherence": "block", "block_uses": 12})").fading.block, 12);
  const ChannelSettings block = settings_of(R"({"kind": "rayleigh", "coherence": {"block": 7}})");
  EXPECT_EQ(block.fading.coherence, Coherence::block);
  EXPECT_EQ(block.fading.block, 7);
  EXPECT_TRUE(settings_of(R"("ideal")").noiseless);
  EXPECT_EQ(settings_of(R"({"kind": "awgn", "csi": {"transmitter": "perfect", "receiver": {"kind": "perfect"}}})").snr.from_db, 10);
  const ChannelSettings rician = settings_of(R"({"kind": "rician", "k_db": 10, "doppler": 0.1, "csi": {"transmitter": {"kind": "delayed", "delay": 3}, "receiver": "estimated", "pilots": 6}})");
  EXPECT_EQ(rician.fading.kind, FadingKind::rician);
  EXPECT_DOUBLE_EQ(rician.fading.k_factor, 10);
  EXPECT_EQ(rician.fading.doppler, 0.1);
  EXPECT_EQ(rician.transmitter.kind, CsiKind::delayed);
  EXPECT_EQ(rician.transmitter.delay, 3);
  EXPECT_EQ(rician.receiver.kind, CsiKind::estimated);
  EXPECT_EQ(rician.receiver.pilots, 6);
  EXPECT_FALSE(drawn.fading.doppler.has_value());
  EXPECT_EQ(settings_of(R"({"kind": "awgn", "csi": {"transmitter": {"kind": "estimated", "pilots": 2}}})").transmitter.pilots, 2);
  EXPECT_EQ(equalisers().make({{"kind", "zf"}}, {}), Equaliser::zero_forcing);
  EXPECT_EQ(equalisers().make({{"kind", "mmse"}}, {}), Equaliser::mmse);
}

TEST(ChannelRegistry, RefusesWithThePlaceAndTheKnownNames) {
  const std::string unknown = error_of([] { (void)settings_of(R"({"kind": "raylegh"})"); });
  expect_contains(unknown, "/channel");
  expect_contains(unknown, "rayleigh");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "awgn", "snr_db": "ten"})"); }), "/channel/snr_db");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "awgn", "coherence": "image"})"); }), "coherence");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "block_uses": 0})"); }), "/channel/block_uses");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "csi": {"receiver": "guessed"}})"); }), "/channel/csi/receiver");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "csi": {"receiver": {"kind": "estimated", "pilots": 0}}})"); }), "/channel/csi/receiver/pilots");
  const auto needs_one_gain = [](std::string end, std::string kind) {
    return error_of([&] { (void)settings_of(R"({"kind": "rayleigh", "coherence": "symbol", "csi": {")" + end + R"(": ")" + kind + R"("}})"); });
  };
  for (const std::string end : {"transmitter", "receiver"})
    for (const std::string kind : {"delayed", "estimated"}) expect_contains(needs_one_gain(end, kind), "/channel/csi/" + end);
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "coherence": {"block": 4}, "csi": {"receiver": "estimated"}})"); }), "leave nothing");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "doppler": -1})"); }), "/channel/doppler");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "awgn", "snr_db": {"uniform": [1]}})"); }), "/channel/snr_db");
}

}  // namespace
}  // namespace semwave
