// `semwave` with one channel more: `suzuki`, Rayleigh fading below a lognormal shadow (Suzuki
// 1977), as a phone behind hills meets it. The shadow stays for the link.
#include <cmath>
#include <numbers>

#include <semwave/apps/semwave_main.h>
#include <semwave/channel/channel_fields.h>
#include <semwave/channel/registry.h>
#include <semwave/core/config/field_builders.h>

namespace {

using namespace semwave;

constexpr CodePart code{"suzuki", 1, "examples/custom_channel/main"};  // raise it with every change

class Suzuki final : public GainLaw {
 public:
  explicit Suzuki(double shadow_db) : deviation_(shadow_db * std::numbers::ln10 / 10) {}

  void draw(const LinkDraws& link, std::int64_t first, int slots_before,
            std::span<std::complex<double>> gains) const override {
    link.scatter(first, slots_before, gains);
    const double normal = std::numbers::sqrt2 * complex_normal(link.lasting_words()).real();
    for (std::complex<double>& gain : gains) gain *= std::sqrt(shadow(normal));
  }

  /// What is missing of a gain in cells: that of Rayleigh, averaged over the shadow.
  QuantisedNormal quantised(int bits, double range) const override {
    QuantisedNormal mean;
    double mass = 0;
    for (double normal = -4; normal <= 4; normal += 0.125) {
      const double weight = std::exp(-normal * normal / 2), power = shadow(normal);
      const QuantisedNormal one = quantised_normal(bits, range / std::sqrt(power));
      mass += weight;
      mean.error += weight * power * one.error;
      mean.power += weight * power * one.power;
    }
    return {mean.error / mass, mean.power / mass};
  }

 private:
  /// Power behind the shadow, of mean 1 over a standard normal.
  double shadow(double normal) const {
    return std::exp(deviation_ * normal - deviation_ * deviation_ / 2);
  }

  double deviation_;  // of the power's natural logarithm
};

}  // namespace

int main(int argc, char** argv) {
  const Field shadow = fields::number("shadow_db", 6, 0, 20, "deviation of the shadow, dB");
  channels().add({.name = "suzuki",
                  .summary = "Rayleigh below a lognormal shadow that stays for the link",
                  .fields = fields::joined({shadow}, doppler_fields()),
                  .read =
                      [](const Json& parameters, ChannelSettings& channel) {
                        channel.fading.gains = std::make_shared<const Suzuki>(
                            parameters.at("shadow_db").get<double>());
                        channel.made_with(code);
                        read_coherence(parameters, channel.fading);
                      },
                  .chain = ChainPlace::fading});
  return semwave_main(argc, argv);
}
