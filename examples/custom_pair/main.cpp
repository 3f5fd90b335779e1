// `semwave` with one pair more: `pixels` sends an image without any network. Each value of the
// image is the phase of a symbol of power 1, sent `repeats` times. The receiver adds up what it
// hears of a value and reads the phase.
#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

#include <semwave/apps/semwave_main.h>
#include <semwave/experiment/pair/pair.h>

namespace {

using namespace semwave;

constexpr double pi = std::numbers::pi;

class PixelTransmitter final : public Transmitter {
 public:
  PixelTransmitter(int values, int repeats) : values_(values), repeats_(repeats) {}

  Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                 const PooledVector<Plan>&, TransmitTrace* trace) const override {
    const auto count = static_cast<int>(states.size()), symbols = values_ * repeats_;
    PooledVector<float> pixels(static_cast<std::size_t>(images.size())), air;
    pass.backend.to_host(images, pixels.data());

    Burst burst{.headers = PooledVector<HeaderOnAir>(states.size()),
                .ledger = PooledVector<Ledger>(states.size(), {.payload = symbols})};
    for (int i = 0; i < count; ++i) {
      burst.starts.push_back(i * symbols);
      for (int s = 0; s < symbols; ++s) {
        const double value = pixels[static_cast<std::size_t>(i * values_ + s % values_)];
        air.push_back(static_cast<float>(std::cos(pi * (value - 0.5))));
        air.push_back(static_cast<float>(std::sin(pi * (value - 0.5))));
        burst.places.push_back(s);
      }
    }
    burst.starts.push_back(count * symbols);
    burst.symbols = Var(pass.backend.from_host({count * symbols, 2}, air.data()));
    if (trace) {
      trace->layout = Ragged::full(count, 0);
      trace->exit_depth.assign(states.size(), 0);
      trace->answer.assign(states.size(), -1);
    }
    return burst;
  }

  std::optional<Forecast> forecast(const ChannelState&, const Plan&, std::uint32_t) const override {
    return Forecast{.uses = {.payload = std::int64_t{values_} * repeats_}};
  }
  double dense_operations(int, int) const override { return 0; }

 private:
  int values_, repeats_;
};

class PixelReceiver final : public Receiver {
 public:
  explicit PixelReceiver(int values) : values_(static_cast<std::size_t>(values)) {}

  Result receive(Pass& pass, const Reception& heard) const override {
    const std::size_t count = heard.starts.size() - 1;
    PooledVector<std::complex<float>> y(static_cast<std::size_t>(heard.starts.back())), h(y.size());
    pass.backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(y.data()));
    pass.backend.to_host(heard.gains, reinterpret_cast<float*>(h.data()));

    Result result{.logits = Var(pass.backend.zeros({static_cast<std::int64_t>(count), 1})),
                  .lost = PooledVector<std::uint8_t>(count, 0)};
    result.expert_rows.assign(1, 0);
    for (std::size_t i = 0; i < count; ++i) {
      result.rebuilt.push_back(static_cast<std::int32_t>(i));
      for (std::size_t v = 0; v < values_; ++v) {
        std::complex<float> sum;  // combined with the gain of each use
        for (std::size_t s = static_cast<std::size_t>(heard.starts[i]) + v;
             s < static_cast<std::size_t>(heard.starts[i + 1]); s += values_)
          sum += std::conj(h[s]) * y[s];
        result.images.push_back(static_cast<float>(std::clamp(std::arg(sum) / pi + 0.5, 0.0, 1.0)));
      }
    }
    return result;
  }

  std::vector<float> mean_image() const override { return std::vector<float>(values_, 0.5f); }
  double operations(const HeaderOnAir*) const override { return 0; }
  double dense_operations(int, int) const override { return 0; }
  bool reads(std::span<const std::complex<float>>, std::span<const std::complex<float>>,
             double) const override {
    return true;  // there is no header
  }

 private:
  std::size_t values_;
};

class PixelPair final : public Pair {
 public:
  explicit PixelPair(int repeats) : repeats_(repeats) {}

  void build(const PairContext&, Model& model) const override {
    const int values = values_of(model.architecture);
    model.transmitter = std::make_unique<PixelTransmitter>(values, repeats_);
    model.receiver = std::make_unique<PixelReceiver>(values);
    model.rebuilds = true;
  }
  std::vector<Component> components(const PairContext&, DeviceKind, bool) const override {
    return {{"pixels", "1"}};  // raise it with every change that changes a result
  }
  bool works_without_network() const override { return true; }
  double least_parameters(const Architecture&) const override { return 0; }
  void check_training(const Json&, const Place& place) const override {
    throw Error(place.str(), "nothing of the pair 'pixels' is trained");
  }
  void check_qpsk_alone(const Place& root, const std::string&) const override {
    throw Error((root / "channel" / "kind").str(), "carries bits alone, and pixels are phases");
  }
  std::int64_t most_symbols(const PairContext&, const Architecture& a) const override {
    return std::int64_t{values_of(a)} * repeats_;
  }
  std::string fault_of(const BurstClaim& claim, const Architecture& a) const override {
    if (claim.header) return "it has a header";
    return claim.symbols == std::int64_t{values_of(a)} * repeats_ ? "" : "symbols are missing";
  }
  using Pair::fault_of;  // of what is noted of an image: nothing is

 private:
  static int values_of(const Architecture& a) { return a.height * a.width * a.channels; }
  int repeats_;
};

}  // namespace

int main(int argc, char** argv) {
  pairs().add("pixels",
              {.summary = "each value of the image as the phase of a symbol",
               .fields = {{.name = "repeats",
                           .type = FieldType::integer,
                           .summary = "symbols for each value",
                           .fallback = 1,
                           .minimum = 1,
                           .maximum = 64}}},
              [](const Json& transmitter, const PairInput&) {
                return std::make_shared<const PixelPair>(transmitter.at("repeats").get<int>());
              });
  return semwave_main(argc, argv);
}
