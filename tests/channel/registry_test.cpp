// What a scenario may say about its channel.
#include "channel/registry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "channel/kind/rayleigh.h"
#include "channel/mimo_ofdm/tones.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

ChannelSettings settings_of(const std::string& text) {
  const Place place{"x.json", "/channel"};
  return channels().make(resolve(parse_json(text, "x.json"), channels().field("channel"), place),
                         place);
}

TEST(ChannelRegistry, NamesTheChannels) {
  std::vector<std::string> names;
  for (const auto& [name, summary] : channels().list()) {
    names.push_back(name);
    EXPECT_FALSE(summary.empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"ideal", "awgn", "rayleigh", "rician", "nakagami",
                                             "mimo", "tdl", "erasure", "gilbert_elliott", "bsc",
                                             "impulsive", "phase_noise", "trace", "chain"}));
}

TEST(ChannelRegistry, ReadsWhatAScenarioSays) {
  const ChannelSettings awgn = settings_of(R"({"kind": "awgn", "snr_db": -3.5})");
  EXPECT_FALSE(awgn.fading.gains);
  EXPECT_EQ(awgn.snr.from_db, -3.5);
  EXPECT_EQ(awgn.snr.to_db, -3.5);
  EXPECT_FALSE(awgn.noiseless);
  const ChannelSettings drawn = settings_of(
      R"({"kind": "rayleigh", "snr_db": {"uniform": [-5, 20]}, "coherence": "symbol"})");
  EXPECT_EQ(drawn.fading.gains, rayleigh_gains());
  EXPECT_EQ(drawn.snr.from_db, -5);
  EXPECT_EQ(drawn.snr.to_db, 20);
  EXPECT_EQ(drawn.fading.coherence, Coherence::symbol);
  EXPECT_EQ(settings_of(R"({"kind": "rayleigh"})").fading.coherence, Coherence::image);
  EXPECT_EQ(
      settings_of(R"({"kind": "rayleigh", "coherence": "block", "block_uses": 12})").fading.block,
      12);
  const ChannelSettings block = settings_of(R"({"kind": "rayleigh", "coherence": {"block": 7}})");
  EXPECT_EQ(block.fading.coherence, Coherence::block);
  EXPECT_EQ(block.fading.block, 7);
  EXPECT_TRUE(settings_of(R"("ideal")").noiseless);
  EXPECT_EQ(
      settings_of(
          R"({"kind": "awgn", "csi": {"transmitter": "perfect", "receiver": {"kind": "perfect"}}})")
          .snr.from_db,
      10);
  const ChannelSettings rician = settings_of(
      R"({"kind": "rician", "k_db": 10, "doppler": 0.1,)"
      R"( "csi": {"transmitter": {"kind": "delayed", "delay": 3}, "receiver": "estimated",)"
      R"( "pilots": 6}})");
  EXPECT_DOUBLE_EQ(rician.fading.gains->correlation(1, 0), 10.0 / 11);  // K / (K + 1)
  EXPECT_EQ(rician.fading.doppler, 0.1);
  EXPECT_EQ(rician.transmitter.kind, CsiKind::delayed);
  EXPECT_EQ(rician.transmitter.delay, 3);
  EXPECT_EQ(rician.receiver.kind, CsiKind::estimated);
  EXPECT_EQ(rician.receiver.pilots, 6);
  EXPECT_FALSE(drawn.fading.doppler.has_value());
  EXPECT_EQ(
      settings_of(R"({"kind": "awgn", "csi": {"transmitter": {"kind": "estimated", "pilots": 2}}})")
          .transmitter.pilots,
      2);
}

TEST(ChannelRegistry, ReadsEveryKind) {
  const ChannelSettings mimo =
      settings_of(R"({"kind": "mimo", "antennas": {"transmit": 2, "receive": 3}, "detector": "zf",)"
                  R"( "coherence": {"block": 30}, "csi": {"receiver": "estimated"}})");
  EXPECT_EQ(mimo.streams(), 2);
  EXPECT_EQ(mimo.passage->mean_power(), 1);  // zero forcing: (3 - 2 + 1)/2
  EXPECT_EQ(mimo.fading.branches, 6);
  EXPECT_EQ(mimo.fading.block, 30);
  EXPECT_FALSE(settings_of(R"("mimo")").passage);
  EXPECT_EQ(settings_of(R"("mimo")").fading.branches, 2);
  const ChannelSettings tdl = settings_of(
      R"({"kind": "tdl", "profile": "A30", "subcarriers": 128, "spacing_khz": 120, "prefix": 9,)"
      R"( "pilots": {"kind": "symbols", "every": 5}, "doppler_hz": 100,)"
      R"( "csi": {"receiver": "estimated"}})");
  const Ofdm& ofdm = dynamic_cast<const Tones&>(*tdl.passage).ofdm();
  EXPECT_EQ(ofdm.settings().subcarriers, 128);
  EXPECT_EQ(ofdm.settings().prefix, 9);
  EXPECT_EQ(ofdm.settings().layout, PilotLayout::symbols);
  EXPECT_EQ(ofdm.settings().pilot_spacing, 5);
  EXPECT_EQ(tdl.fading.branches, static_cast<int>(ofdm.taps().size()));
  EXPECT_NEAR(*tdl.fading.doppler, 100 * 137 / (128 * 120e3), 1e-12);
  EXPECT_EQ(settings_of(R"("tdl")").fading.coherence, Coherence::image);
  const ChannelSettings erasure =
      settings_of(R"({"kind": "erasure", "loss": 0.2, "of": "packet", "packet_uses": 40,)"
                  R"( "header": "lost too", "noiseless": true})");
  EXPECT_EQ(erasure.loss->loss_good, 0.2);
  EXPECT_EQ(erasure.loss->share_bad(), 0);
  EXPECT_EQ(erasure.loss->unit, LossUnit::packet);
  EXPECT_EQ(erasure.loss->packet_uses, 40);
  EXPECT_TRUE(erasure.loss->header_too);
  EXPECT_TRUE(erasure.noiseless);
  const ChannelSettings bursts = settings_of(
      R"({"kind": "gilbert_elliott", "good_to_bad": 0.1, "bad_to_good": 0.4, "loss_good": 0.01,)"
      R"( "loss_bad": 0.9})");
  EXPECT_DOUBLE_EQ(bursts.loss->share_bad(), 0.2);
  EXPECT_EQ(bursts.loss->loss_bad, 0.9);
  EXPECT_FALSE(bursts.loss->header_too);
  const ChannelSettings impulsive =
      settings_of(R"({"kind": "impulsive", "probability": 0.02, "power_ratio_db": 10})");
  EXPECT_EQ(impulsive.impulses.probability, 0.02);
  EXPECT_DOUBLE_EQ(impulsive.impulses.power_ratio, 10);
  EXPECT_EQ(settings_of(R"({"kind": "phase_noise", "deviation": 0.3})").phase_step, 0.3);
  for (const std::string kind : {"ideal", "awgn", "rayleigh", "rician", "mimo", "tdl", "erasure",
                                 "gilbert_elliott", "impulsive", "phase_noise"}) {
    const ChannelSettings disturbed =
        settings_of(R"({"kind": ")" + kind +
                    R"(", "interference": {"kind": "qpsk", "sir_db": 3, "known": true}})");
    EXPECT_EQ(disturbed.interference.kind, InterferenceKind::qpsk);
    EXPECT_NEAR(disturbed.interference.power, std::pow(10, -0.3), 1e-12);
    EXPECT_TRUE(disturbed.interference.known);
    EXPECT_EQ(settings_of("\"" + kind + "\"").interference.kind, InterferenceKind::none);
  }
  const std::string file = temporary_path("trace.csv");
  std::ofstream(file) << "slot,snr_db\n0,-5\n1,15\n";
  const ChannelSettings trace = settings_of(R"({"kind": "trace", "file": ")" + file + R"("})");
  EXPECT_FALSE(trace.fading.gains);
  EXPECT_TRUE(trace.snr.source);
  EXPECT_EQ(trace.snr.from_db, -5);
  EXPECT_EQ(trace.snr.to_db, 15);
}

TEST(ChannelRegistry, RefusesByNameWhatMakesNoSense) {
  const auto refused = [](const std::string& text) {
    return error_of([&] { (void)settings_of(text); });
  };
  expect_contains(refused(R"({"kind": "mimo", "antennas": {"transmit": 3, "receive": 2}})"),
                  "/channel/antennas/receive");
  expect_contains(refused(R"({"kind": "mimo", "antennas": {"receive": 9}})"),
                  "/channel/antennas/receive");
  expect_contains(refused(R"({"kind": "mimo", "csi": {"receiver": "none"}})"),
                  "neither combined nor separated");
  expect_contains(
      refused(R"({"kind": "mimo", "antennas": {"transmit": 2}, "coherence": {"block": 8},)"
              R"( "csi": {"receiver": "estimated"}})"),
      "8 pilots leave nothing");
  expect_contains(refused(R"({"kind": "tdl", "subcarriers": 48})"), "power of two");
  expect_contains(refused(R"({"kind": "tdl", "subcarriers": 8, "prefix": 9})"), "/channel/prefix");
  expect_contains(
      refused(R"({"kind": "tdl", "profile": "C300", "subcarriers": 8, "spacing_khz": 2000,)"
              R"( "prefix": 1})"),
      "longest delay of C300");
  expect_contains(refused(R"({"kind": "tdl", "pilots": {"kind": "tones", "every": 33}})"),
                  "/channel/pilots/every");
  expect_contains(refused(R"({"kind": "tdl", "profile": "A40"})"), "A30");
  expect_contains(refused(R"({"kind": "tdl", "csi": {"receiver": "delayed"}})"),
                  "/channel/csi/receiver");
  expect_contains(refused(R"({"kind": "tdl", "csi": {"transmitter": "estimated"}})"),
                  "/channel/csi/transmitter");
  expect_contains(refused(R"({"kind": "erasure", "loss": 1.5})"), "/channel/loss");
  expect_contains(refused(R"({"kind": "gilbert_elliott", "bad_to_good": 0})"),
                  "/channel/bad_to_good");
  expect_contains(refused(R"({"kind": "awgn", "interference": {"kind": "loud"}})"),
                  "/channel/interference");
  expect_contains(refused(R"({"kind": "trace", "file": ""})"), "/channel/file");
  expect_contains(refused(R"({"kind": "trace", "file": "/nowhere.csv"})"), "/nowhere.csv");
}

TEST(ChannelRegistry, RefusesWithThePlaceAndTheKnownNames) {
  const std::string unknown = error_of([] { (void)settings_of(R"({"kind": "raylegh"})"); });
  expect_contains(unknown, "/channel");
  expect_contains(unknown, "rayleigh");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "awgn", "snr_db": "ten"})"); }),
                  "/channel/snr_db");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "awgn", "coherence": "image"})"); }),
                  "coherence");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "block_uses": 0})"); }),
                  "/channel/block_uses");
  expect_contains(error_of([] {
                    (void)settings_of(R"({"kind": "rayleigh", "csi": {"receiver": "guessed"}})");
                  }),
                  "/channel/csi/receiver");
  expect_contains(
      error_of([] {
        (void)settings_of(
            R"({"kind": "rayleigh", "csi": {"receiver": {"kind": "estimated", "pilots": 0}}})");
      }),
      "/channel/csi/receiver/pilots");
  const auto needs_one_gain = [](std::string end, std::string kind) {
    return error_of([&] {
      (void)settings_of(R"({"kind": "rayleigh", "coherence": "symbol", "csi": {")" + end +
                        R"(": ")" + kind + R"("}})");
    });
  };
  for (const std::string end : {"transmitter", "receiver"})
    for (const std::string kind : {"delayed", "estimated"})
      expect_contains(needs_one_gain(end, kind), "/channel/csi/" + end);
  expect_contains(
      error_of([] {
        (void)settings_of(
            R"({"kind": "rayleigh", "coherence": {"block": 4}, "csi": {"receiver": "estimated"}})");
      }),
      "leave nothing");
  expect_contains(error_of([] { (void)settings_of(R"({"kind": "rayleigh", "doppler": -1})"); }),
                  "/channel/doppler");
  expect_contains(
      error_of([] { (void)settings_of(R"({"kind": "awgn", "snr_db": {"uniform": [1]}})"); }),
      "/channel/snr_db");
}

}  // namespace
}  // namespace semwave
