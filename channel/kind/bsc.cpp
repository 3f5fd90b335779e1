#include "channel/kind/bsc.h"

#include <algorithm>
#include <cmath>

#include "channel/registry.h"
#include "core/config/field_builders.h"
#include "core/random/random.h"

namespace semwave {
namespace {

using Complex = std::complex<double>;

class Flips final : public Passage {
 public:
  explicit Flips(double crossover)
      : crossover_(crossover), soft_bit_(std::log((1 - crossover) / std::max(crossover, 1e-9))) {}

  double power(std::span<const Complex>, double) const override { return 1; }
  double mean_power() const override { return 1; }
  std::optional<double> believed_snr_db() const override {
    // A soft bit of QPSK at its own place is 2/N0.
    return std::min(6.0, 10 * std::log10(soft_bit_ / 2));
  }

  /// Signs of either dimension change by themselves; the noise that is told makes soft bits of QPSK
  /// what they should be.
  void carry(const Crossing& crossing, std::span<const Complex> x,
             std::span<Carried> out) const override {
    const Draws& draws = crossing.draws;
    const std::uint32_t id = draws.images[static_cast<std::size_t>(crossing.image)];
    for (std::size_t use = 0; use < x.size(); ++use) {
      const RandomWords words =
          philox(draws.seed, Purpose::crossover, id, draws.visit, static_cast<std::uint32_t>(use));
      const bool in_phase = uniform(words[0]) < crossover_,
                 quadrature = uniform(words[1]) < crossover_;
      out[use] = {
          .residue = {in_phase ? -2 * x[use].real() : 0, quadrature ? -2 * x[use].imag() : 0},
          .variance = 2 / soft_bit_};
    }
  }

 private:
  double crossover_, soft_bit_;
};

}  // namespace

ChannelSettings flipped_bits(double crossover) {
  ChannelSettings channel;
  channel.noiseless = true;
  channel.passage = std::make_shared<const Flips>(crossover);
  channel.snr.from_db = channel.snr.to_db = *channel.passage->believed_snr_db();
  return channel;
}

void add_bsc(ChannelKinds& kinds) {
  kinds.add("bsc",
            {.summary = "binary symmetric: each of the two bits of a QPSK symbol is flipped with "
                        "this probability, and nothing else happens; for bits only",
             .fields = {fields::number("crossover", 0.01, 0, 0.499,
                                       "probability of a flip, which the receiver knows")}},
            [](const Json& parameters) {
              return flipped_bits(parameters.at("crossover").get<double>());
            });
}

}  // namespace semwave
