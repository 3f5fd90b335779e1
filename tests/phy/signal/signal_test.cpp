// Power, fade, noise and equalisers: derivatives of the reference by central differences, the
// kernels against the reference, and what the equalisers promise.
#include "phy/signal/signal.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/signal/equaliser_registry.h"
#include "phy/signal/signal_kernels.h"
#include "tests/phy/signal/signal_reference.h"

namespace semwave {
namespace {

namespace reference = signal_reference;
using Rows = reference::Rows<double>;

Rows random_rows(std::size_t count, std::uint32_t what) {
  Rows rows(count);
  for (std::size_t r = 0; r < count; ++r) {
    // Rounded to float, so that both sides start from the same numbers.
    const std::complex<float> value(
        complex_normal(philox(41, Purpose::data_bits, what, 0, static_cast<std::uint32_t>(r))));
    rows[r] = {value.real(), value.imag()};
  }
  return rows;
}

std::vector<double> random_variances(std::size_t count) {
  std::vector<double> variances(count);
  for (std::uint32_t r = 0; r < count; ++r)
    variances[r] = static_cast<float>(0.02 + 2 * uniform(philox(42, Purpose::noise, 0, 0, r)[0]));
  return variances;
}

Tensor tensor(Backend& backend, const Rows& rows) {
  std::vector<float> values;
  for (const std::complex<double>& row : rows) {
    values.push_back(static_cast<float>(row.real()));
    values.push_back(static_cast<float>(row.imag()));
  }
  return backend.from_host({static_cast<std::int64_t>(rows.size()), 2}, values.data());
}

Tensor tensor(Backend& backend, const std::vector<double>& numbers) {
  const std::vector<float> values(numbers.begin(), numbers.end());
  return backend.from_host({static_cast<std::int64_t>(values.size())}, values.data());
}

Rows rows_of(Backend& backend, const Tensor& from) {
  std::vector<float> values(static_cast<std::size_t>(from.size()));
  backend.to_host(from, values.data());
  Rows rows;
  for (std::size_t j = 0; j < values.size(); j += 2) rows.emplace_back(values[j], values[j + 1]);
  return rows;
}

double inner(const Rows& a, const Rows& b) {
  double sum = 0;
  for (std::size_t r = 0; r < a.size(); ++r) sum += (std::conj(a[r]) * b[r]).real();
  return sum;
}

/// Largest |a - b| relative to the largest |b|.
double difference(const Rows& a, const Rows& b) {
  double most = 0, scale = 1e-30;
  for (std::size_t r = 0; r < b.size(); ++r) {
    most = std::max(most, std::abs(a[r] - b[r]));
    scale = std::max(scale, std::abs(b[r]));
  }
  return a.size() == b.size() ? most / scale : 1e9;
}

/// The backward of `forward` at x for the cotangent dy, by central differences along each real
/// coordinate.
Rows central_differences(const std::function<Rows(const Rows&)>& forward, Rows x, const Rows& dy) {
  Rows dx(x.size());
  constexpr double step = 1e-5;
  for (std::size_t r = 0; r < x.size(); ++r) {
    double slope[2];
    for (int d = 0; d < 2; ++d) {
      const std::complex<double> along = d == 0 ? std::complex<double>(step, 0)
                                                : std::complex<double>(0, step),
                                 kept = x[r];
      x[r] = kept + along;
      const double above = inner(dy, forward(x));
      x[r] = kept - along;
      const double below = inner(dy, forward(x));
      x[r] = kept;
      slope[d] = (above - below) / (2 * step);
    }
    dx[r] = {slope[0], slope[1]};
  }
  return dx;
}

const reference::Segments segments{0, 5,  5,
                                   6, 14, 20};  // an image without symbols, one of a single symbol

TEST(SignalReference, DerivativesMatchCentralDifferences) {
  const Rows x = random_rows(20, 1), h = random_rows(20, 2), n = random_rows(20, 3),
             dy = random_rows(20, 4);
  const std::vector<double> n0 = random_variances(20);
  const Rows power = central_differences(
      [](const Rows& at) { return reference::unit_power(at, segments); }, x, dy);
  EXPECT_LT(difference(reference::unit_power_backward(dy, x, segments), power), 1e-6);
  const Rows fade = central_differences(
      [&](const Rows& at) { return reference::fade_and_noise(at, h, n); }, x, dy);
  EXPECT_LT(difference(reference::fade_and_noise_backward(dy, h), fade), 1e-6);
  for (const bool mmse : {false, true}) {
    const Rows equaliser = central_differences(
        [&](const Rows& at) { return reference::equalise(at, h, n0, mmse); }, x, dy);
    EXPECT_LT(difference(reference::equalise_backward(dy, h, n0, mmse), equaliser), 1e-6);
  }
}

TEST(SignalKernels, MatchTheReferenceForwardAndBackward) {
  const auto backend = make_cpu_backend();
  const SignalKernels& kernels = signal_kernels(backend->kind());
  const Rows x = random_rows(20, 1), h = random_rows(20, 2), n = random_rows(20, 3),
             dy = random_rows(20, 4), before = random_rows(20, 5);
  const std::vector<double> n0 = random_variances(20);
  // Backward kernels add: they start from `before`.
  const auto added = [&](const Tensor& to) {
    Rows rows = rows_of(*backend, to);
    for (std::size_t r = 0; r < rows.size(); ++r) rows[r] -= before[r];
    return rows;
  };
  {
    const Tensor y = backend->empty({20, 2}), scale = backend->empty({5}),
                 dx = tensor(*backend, before);
    kernels.unit_power(y, scale, tensor(*backend, x), segments);
    EXPECT_LT(difference(rows_of(*backend, y), reference::unit_power(x, segments)), 1e-6);
    kernels.unit_power_backward(dx, tensor(*backend, dy), y, scale, segments);
    EXPECT_LT(difference(added(dx), reference::unit_power_backward(dy, x, segments)), 2e-6);
  }
  {
    const Tensor y = backend->empty({20, 2}), dx = tensor(*backend, before);
    kernels.fade_and_noise(y, tensor(*backend, x), tensor(*backend, h), tensor(*backend, n));
    EXPECT_LT(difference(rows_of(*backend, y), reference::fade_and_noise(x, h, n)), 1e-6);
    kernels.fade_and_noise_backward(dx, tensor(*backend, dy), tensor(*backend, h));
    EXPECT_LT(difference(added(dx), reference::fade_and_noise_backward(dy, h)), 2e-6);
  }
  for (const bool mmse : {false, true}) {
    const Equaliser kind = mmse ? Equaliser::mmse : Equaliser::zero_forcing;
    const Tensor y = backend->empty({20, 2}), variance = backend->empty({20}),
                 d = tensor(*backend, before);
    kernels.equalise(y, variance, tensor(*backend, x), tensor(*backend, h), tensor(*backend, n0),
                     kind);
    EXPECT_LT(difference(rows_of(*backend, y), reference::equalise(x, h, n0, mmse)), 2e-6);
    std::vector<float> heard(20);
    backend->to_host(variance, heard.data());
    for (std::size_t r = 0; r < 20; ++r)
      EXPECT_NEAR(heard[r] / (n0[r] / (std::norm(h[r]) + (mmse ? n0[r] : 0))), 1, 1e-5);
    kernels.equalise_backward(d, tensor(*backend, dy), tensor(*backend, h), tensor(*backend, n0),
                              kind);
    EXPECT_LT(difference(added(d), reference::equalise_backward(dy, h, n0, mmse)), 2e-6);
  }
}

TEST(SignalOps, TheTapeCarriesTheDerivativeThroughTheWholeLink) {
  const auto backend = make_cpu_backend();
  const Rows x = random_rows(20, 1), h = random_rows(20, 2), n = random_rows(20, 3),
             dz = random_rows(20, 4);
  const std::vector<double> n0 = random_variances(20);
  const Tensor gains = tensor(*backend, h), noise = tensor(*backend, n),
               variance = tensor(*backend, n0);
  for (const bool mmse : {false, true}) {
    Tape tape;
    Pass pass{.backend = *backend, .tape = &tape};
    const Var input(tensor(*backend, x), true);
    const Var sent = unit_power(pass, input, segments);
    const Equaliser kind = mmse ? Equaliser::mmse : Equaliser::zero_forcing;
    const Equalised heard =
        equalise(pass, fade_and_noise(pass, sent, gains, noise), gains, variance, kind);
    ASSERT_EQ(tape.size(), 3u);
    backend->copy(heard.symbols.gradient(*backend), tensor(*backend, dz));
    const Var nothing(backend->zeros({1}), true);
    tape.backward(*backend, nothing);
    const auto link = [&](const Rows& at) {
      return reference::equalise(
          reference::fade_and_noise(reference::unit_power(at, segments), h, n), h, n0, mmse);
    };
    EXPECT_LT(
        difference(rows_of(*backend, input.gradient(*backend)), central_differences(link, x, dz)),
        1e-4);
  }
}

/// conj(h) y/(|h|^2 + N0), as somebody outside would write it.
class OutsideMmse final : public EqualiserLaw {
 public:
  void weigh(std::span<const std::complex<float>> gains, std::span<const float> noise_variance,
             std::span<float> factor, std::span<float> variance) const override {
    for (std::size_t s = 0; s < gains.size(); ++s) {
      factor[s] = 1 / (std::norm(gains[s]) + noise_variance[s]);
      variance[s] = noise_variance[s] * factor[s];
    }
  }
};

TEST(SignalOps, AnEqualiserFromOutsideIsUsedForwardAndBackward) {
  equalisers().add("outside_mmse", {.summary = "again"},
                   [](const Json&) { return Equaliser(std::make_shared<const OutsideMmse>()); });
  const auto backend = make_cpu_backend();
  const Rows y = random_rows(20, 1), dx = random_rows(20, 4);
  const Tensor gains = tensor(*backend, random_rows(20, 2)),
               noise = tensor(*backend, random_variances(20));
  const auto run = [&](const std::string& name) {
    Tape tape;
    Pass pass{.backend = *backend, .tape = &tape};
    const Var input(tensor(*backend, y), true);
    const Equalised made =
        equalise(pass, input, gains, noise, equalisers().make({{"kind", name}}, {}));
    backend->copy(made.symbols.gradient(*backend), tensor(*backend, dx));
    tape.backward(*backend, Var(backend->zeros({1}), true));
    std::vector<float> variance(20);
    backend->to_host(made.variance, variance.data());
    return std::tuple(rows_of(*backend, made.symbols.value()), variance,
                      rows_of(*backend, input.gradient(*backend)));
  };
  const auto [symbols, variance, gradient] = run("outside_mmse");
  const auto [usual_symbols, usual_variance, usual_gradient] = run("mmse");
  EXPECT_LT(difference(symbols, usual_symbols), 1e-6);
  EXPECT_LT(difference(gradient, usual_gradient), 1e-6);
  for (std::size_t s = 0; s < 20; ++s) EXPECT_NEAR(variance[s], usual_variance[s], 1e-6);
}

TEST(SignalOps, WithoutATapeNothingIsKept) {
  const auto backend = make_cpu_backend();
  Pass pass{.backend = *backend};
  const Var input(tensor(*backend, random_rows(20, 1)), true);
  EXPECT_FALSE(unit_power(pass, input, segments).needs_gradient());
}

TEST(UnitPower, EachSegmentHasMeanPowerOneInEveryScope) {
  const auto backend = make_cpu_backend();
  Pass pass{.backend = *backend};
  const PooledVector<std::int32_t> starts{0, 12, 12, 18};
  const std::vector<int> symbols_per_token{4, 8, 2};
  Rows x = random_rows(18, 1);
  for (std::size_t r = 0; r < x.size(); ++r) x[r] *= 1.0 + static_cast<double>(r);
  for (const auto& [scope, count] :
       {std::pair{PowerScope::image, 3u}, {PowerScope::token, 6u}, {PowerScope::symbol, 18u}}) {
    const auto cuts = power_segments(scope, starts, symbols_per_token);
    ASSERT_EQ(cuts.size(), count + 1);
    const Rows y = rows_of(*backend, unit_power(pass, Var(tensor(*backend, x)), cuts).value());
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s)
      if (cuts[s] < cuts[s + 1]) {
        const auto begin = static_cast<std::size_t>(cuts[s]),
                   end = static_cast<std::size_t>(cuts[s + 1]);
        EXPECT_NEAR(reference::segment_power(y, begin, end), 1,
                    1e-5);  // of the complex symbol, |x|^2: trap 1
      }
  }
  EXPECT_EQ(power_segments(PowerScope::token, starts, symbols_per_token),
            (PooledVector<std::int32_t>{0, 4, 8, 12, 14, 16, 18}));
}

TEST(UnitPower, AnImageDoesNotKnowItsNeighbours) {  // trap 4
  const auto backend = make_cpu_backend();
  Pass pass{.backend = *backend};
  Rows x = random_rows(12, 1);
  const Rows alone = rows_of(
      *backend,
      unit_power(pass, Var(tensor(*backend, Rows(x.begin(), x.begin() + 6))), {0, 6}).value());
  for (std::size_t r = 6; r < 12; ++r) x[r] *= 100;
  const Rows together =
      rows_of(*backend, unit_power(pass, Var(tensor(*backend, x)), {0, 6, 12}).value());
  for (std::size_t r = 0; r < 6; ++r) EXPECT_EQ(alone[r], together[r]);
}

TEST(UnitPower, ASegmentWithoutPowerStaysZeroAndHasNoDerivative) {
  const auto backend = make_cpu_backend();
  Tape tape;
  Pass pass{.backend = *backend, .tape = &tape};
  const Var input(backend->zeros({4, 2}), true);
  const Var y = unit_power(pass, input, {0, 4});
  backend->fill(y.gradient(*backend), 1.0f);
  tape.backward(*backend, Var(backend->zeros({1}), true));
  for (const std::complex<double>& row : rows_of(*backend, y.value())) EXPECT_EQ(row, 0.0);
  for (const std::complex<double>& row : rows_of(*backend, input.gradient(*backend)))
    EXPECT_EQ(row, 0.0);
}

struct Errors {
  double square = 0;
  std::complex<double> along;  // mean conj(x) error: the bias, as a factor of x
};

/// Errors after equalisation of unit-power symbols through one gain, simulated.
Errors simulate(Backend& backend, std::complex<double> gain, double noise_variance, Equaliser kind,
                double* stated) {
  constexpr std::size_t count = 200000;
  Rows x = random_rows(count, 7), y(count);
  for (std::uint32_t r = 0; r < count; ++r)
    y[r] = gain * x[r] +
           std::sqrt(noise_variance) * complex_normal(philox(43, Purpose::noise, 0, 0, r));
  Pass pass{.backend = backend};
  const Tensor gains = tensor(backend, Rows(count, gain)),
               n0 = tensor(backend, std::vector<double>(count, noise_variance));
  const Equalised heard = equalise(pass, Var(tensor(backend, y)), gains, n0, kind);
  const Rows out = rows_of(backend, heard.symbols.value());
  Errors errors;
  for (std::size_t r = 0; r < count; ++r) {
    errors.square += std::norm(out[r] - x[r]) / count;
    errors.along += std::conj(x[r]) * (out[r] - x[r]) / static_cast<double>(count);
  }
  std::vector<float> variance(count);
  backend.to_host(heard.variance, variance.data());
  *stated = variance[0];
  return errors;
}

TEST(Equaliser, StatedVarianceIsTheErrorThatRemains) {
  const auto backend = make_cpu_backend();
  for (const double noise_variance : {0.1, 1.0, 3.0})
    for (const std::complex<double> gain :
         {std::complex<double>(1, 0), std::complex<double>(-0.3, 0.5)}) {
      double stated_zf = 0, stated_mmse = 0;
      const Errors zf =
          simulate(*backend, gain, noise_variance, Equaliser::zero_forcing, &stated_zf);
      const Errors mmse = simulate(*backend, gain, noise_variance, Equaliser::mmse, &stated_mmse);
      EXPECT_NEAR(zf.square / stated_zf, 1, 0.02);
      EXPECT_NEAR(mmse.square / stated_mmse, 1, 0.02);
      EXPECT_LT(mmse.square, zf.square);
      // ZF is unbiased; MMSE shrinks by N0/(|h|^2 + N0), and the same factor is its error.
      EXPECT_NEAR(std::abs(zf.along), 0, 0.02 * std::sqrt(stated_zf));
      EXPECT_NEAR(mmse.along.real(), -noise_variance / (std::norm(gain) + noise_variance), 0.02);
    }
}

TEST(Equaliser, AGainThatVanishesGivesZeroAndALargeVariance) {
  const auto backend = make_cpu_backend();
  Pass pass{.backend = *backend};
  const Var y(tensor(*backend, Rows{{1, 2}}));
  const Tensor gains = backend->zeros({1, 2});
  const auto number = [&](const Tensor& one) {
    float value = 0;
    backend->to_host(one, &value);
    return value;
  };
  const Equalised zf =
      equalise(pass, y, gains, tensor(*backend, std::vector<double>{0.1}), Equaliser::zero_forcing);
  EXPECT_EQ(rows_of(*backend, zf.symbols.value())[0], 0.0);
  EXPECT_FLOAT_EQ(number(zf.variance), 1e12f);
  const Equalised mmse =
      equalise(pass, y, gains, tensor(*backend, std::vector<double>{0.1}), Equaliser::mmse);
  EXPECT_EQ(rows_of(*backend, mmse.symbols.value())[0], 0.0);
  EXPECT_FLOAT_EQ(number(mmse.variance), 1.0f);
  EXPECT_FLOAT_EQ(number(equalise(pass, y, gains, backend->zeros({1}), Equaliser::mmse).variance),
                  1.0f);
}

}  // namespace
}  // namespace semwave
