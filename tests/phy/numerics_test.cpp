// What the codes make of fixed bits, beside the version under which they made it: who changes a
// coded or decoded bit is told to raise the version, so that results made before are run again.
// Only what comes out alike on every machine is here: whole bits, and soft bits that are small
// whole numbers.

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/sha256.h"
#include "core/random/random.h"
#include "phy/digital/quantiser.h"
#include "phy/header/header_codec.h"
#include "phy/numerics.h"
#include "phy/transport/transport.h"

namespace semwave {
namespace {

constexpr int most_soft = 8;         // magnitude of a soft bit
constexpr double wrong_share = 0.1;  // of soft bits that lie: enough to lose blocks now and then

RandomWords draw(std::uint32_t frame, std::size_t place) {
  return philox(31, Purpose::data_bits, frame, 0, static_cast<std::uint32_t>(place));
}

Bits random_bits(std::size_t count, std::uint32_t frame) {
  Bits bits(count);
  for (std::size_t i = 0; i < count; ++i) bits[i] = draw(frame, i)[0] & 1u;
  return bits;
}

void add(Sha256& sum, const Bits& bits) {
  sum.add(bits.data(), bits.size());
}

/// Over coded bits, decisions and checks of blocks of several sizes.
std::string blocks_sum(const std::vector<ModulationCoding>& codings, bool interleave) {
  const TransportDecoding decoding{.decoder = {.ldpc = {.algorithm = LdpcAlgorithm::min_sum_fixed}},
                                   .interleave = interleave};
  Sha256 sum;
  std::uint32_t frame = 0;
  for (const ModulationCoding& coding : codings)
    for (const std::int64_t bits : {40, 333, 1500}) {
      const Transport transport(bits, coding, decoding);
      const Bits sent = random_bits(transport.bits(), ++frame);
      Bits air(transport.air_bits()), decided(transport.bits()), held(transport.blocks());
      transport.encode_bits(sent, air);
      PooledVector<float> soft(air.size());
      for (std::size_t i = 0; i < air.size(); ++i) {
        const RandomWords words = draw(frame, sent.size() + i);
        const float sure = static_cast<float>(1 + words[1] % most_soft);
        soft[i] = (air[i] != 0) != (uniform(words[2]) < wrong_share) ? -sure : sure;
      }
      transport.decode_soft(soft, decided, held);
      for (const Bits* made : {&air, &decided, &held}) add(sum, *made);
    }
  return sum.hex();
}

std::string headers_sum() {
  Sha256 sum;
  for (int format = 0; format < static_cast<int>(header_formats().size()); ++format) {
    HeaderOnAir header{.format = format};
    for (const std::size_t bits : {17, 60})
      header.parts.push_back(random_bits(bits, static_cast<std::uint32_t>(bits)));
    for (const std::complex<float>& symbol : encode_header(header)) {
      const std::int32_t rounded[2] = {static_cast<std::int32_t>(std::lround(1e4 * symbol.real())),
                                       static_cast<std::int32_t>(std::lround(1e4 * symbol.imag()))};
      sum.add(rounded, sizeof rounded);
    }
  }
  return sum.hex();
}

std::string quantiser_sum() {
  Sha256 sum;
  for (const int bits : {1, 4, 6}) {
    const Quantiser quantiser(bits);
    PooledVector<float> values;
    for (int i = -40; i <= 40; ++i) values.push_back(static_cast<float>(0.0517 * i));
    Bits made(values.size() * static_cast<std::size_t>(bits));
    quantiser.write(values, made);
    add(sum, made);
  }
  return sum.hex();
}

TEST(CodeVersions, WhatACodeMakesIsWhatItMadeWhenItsVersionWasRaisedLast) {
  const ModulationCoding convolutional{.code = convolutional_code()}, none{.code = no_code()};
  const auto polar = [](double rate) { return ModulationCoding{.code = polar_code(rate)}; };
  const auto ldpc = [](double rate) { return ModulationCoding{.code = ldpc_code(rate)}; };
  const auto nr = [](double rate) { return ModulationCoding{.code = nr_ldpc_code(rate)}; };
  const auto on = [](ModulationCoding coding, Modulation modulation) {
    coding.modulation = modulation;
    return coding;
  };
  struct Made {
    const CodePart& part;
    int version;
    std::string then, now;
  };
  const std::vector<Made> all{
      {part::polar_code, 1, "f2cdcb4fc6b66874446ad89dcdb15a54aff3dce3e9188a2325e0a109ac92dc1f",
       blocks_sum({polar(0.1), polar(0.25), polar(0.5), polar(0.8)}, false)},
      {part::ldpc_code, 1, "08ec23ba699b563900c7add1d7e0c244fdcd46e0f10e97b31bfa880d3e6ff790",
       blocks_sum({ldpc(1.0 / 2), ldpc(2.0 / 3), ldpc(3.0 / 4), ldpc(5.0 / 6)}, false)},
      {part::nr_ldpc_code, 1, "1bf58b01b4d29841df6b6a14f8469db9c9f65ae5899d985c54afd32fc27a0786",
       blocks_sum({nr(0.1), nr(1.0 / 3), nr(0.8), on(nr(0.5), Modulation::qam16)}, false)},
      {part::convolutional_code, 1,
       "6159e3b209c240bf34567d3015d2a138268bcf8acbff23e0ba7c93849447de4b",
       blocks_sum({convolutional}, false)},
      {part::blocks, 1, "4d75259fd0559e4ed53fb580e4d85e8a9654b34479b0fb0204e28fb6bdb2bb91",
       blocks_sum({none, on(none, Modulation::qam16), on(none, Modulation::qam64)}, true)},
      {part::header_codec, 1, "6b0ee89fe9535e1c0c3f5efa80e41e2a0f930455e9b4af44e8e74a768c7356c4",
       headers_sum()},
      {part::digital_link, 1, "3588fbb751881e62213cee29265e82e763d72ec27114d21ef9d23346313c12a6",
       quantiser_sum()},
  };
  for (const Made& made : all)
    EXPECT_TRUE(made.version == made.part.version && made.then == made.now)
        << "'" << made.part.name << "' no longer makes what it made at version " << made.version
        << ": raise its version in phy/numerics.h (now " << made.part.version
        << "), so that results made before are run again, and put down here {" << made.part.version
        << ", \"" << made.now << "\"}";
}

}  // namespace
}  // namespace semwave
