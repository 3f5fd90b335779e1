// Power, fade and noise, equalisation: forward and backward of each side by side.
#include "phy/signal/signal.h"

#include <cassert>

#include "phy/signal/signal_kernels.h"

namespace semwave {

const SignalKernels& signal_kernels(DeviceKind device) {
  return device == DeviceKind::cpu ? cpu_signal_kernels() : cuda_signal_kernels();
}

PooledVector<std::int32_t> power_segments(PowerScope scope, std::span<const std::int32_t> starts,
                                          std::span<const int> symbols_per_token) {
  if (scope == PowerScope::image) return {starts.begin(), starts.end()};
  assert(starts.size() == symbols_per_token.size() + 1);
  PooledVector<std::int32_t> segments{0};
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    const std::int32_t step = scope == PowerScope::symbol ? 1 : symbols_per_token[i];
    assert(step > 0 && (starts[i + 1] - starts[i]) % step == 0);
    for (std::int32_t end = starts[i] + step; end <= starts[i + 1]; end += step)
      segments.push_back(end);
  }
  return segments;
}

Var unit_power(Pass& pass, const Var& symbols, const PooledVector<std::int32_t>& segments) {
  assert(symbols.value().columns() == 2);
  assert(!segments.empty() && segments.front() == 0 && segments.back() == symbols.value().rows());
  Backend& backend = pass.backend;
  const SignalKernels& kernels = signal_kernels(backend.kind());
  Var y = pass.output(backend.empty(symbols.value().shape()), {&symbols});
  const Tensor scale = y.needs_gradient()
                           ? backend.empty({static_cast<std::int64_t>(segments.size()) - 1})
                           : Tensor{};
  kernels.unit_power(y.value(), scale, symbols.value(), segments);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, &kernels, symbols, segments, y, scale] {
      if (y.has_gradient())
        kernels.unit_power_backward(symbols.gradient(backend), y.gradient(backend), y.value(),
                                    scale, segments);
    });
  }
  return y;
}

Var fade_and_noise(Pass& pass, const Var& x, const Tensor& gains, const Tensor& noise) {
  assert(x.value().size() == gains.size() && x.value().size() == noise.size());
  Backend& backend = pass.backend;
  const SignalKernels& kernels = signal_kernels(backend.kind());
  Var y = pass.output(backend.empty(x.value().shape()), {&x});
  kernels.fade_and_noise(y.value(), x.value(), gains, noise);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, &kernels, x, gains, y] {
      if (y.has_gradient())
        kernels.fade_and_noise_backward(x.gradient(backend), y.gradient(backend), gains);
    });
  }
  return y;
}

namespace {

/// By factors from the host. Undoing the channel is the way back through a fade of g h, and its
/// derivative the way through it, so that the fade's kernels serve.
Equalised equalise_by_law(Pass& pass, const Var& y, const Tensor& gains,
                          const Tensor& noise_variance, const EqualiserLaw& law) {
  Backend& backend = pass.backend;
  const SignalKernels& kernels = signal_kernels(backend.kind());
  const auto count = static_cast<std::size_t>(noise_variance.size());
  PooledVector<std::complex<float>> weights(count);
  PooledVector<float> noise(count), factor(count), variance(count);
  backend.to_host(gains, reinterpret_cast<float*>(weights.data()));
  backend.to_host(noise_variance, noise.data());
  law.weigh(weights, noise, factor, variance);
  for (std::size_t s = 0; s < count; ++s) weights[s] *= factor[s];

  const Tensor fade =
      backend.from_host(gains.shape(), reinterpret_cast<const float*>(weights.data()));
  Equalised result{pass.output(backend.zeros(y.value().shape()), {&y}),
                   backend.from_host({noise_variance.size()}, variance.data())};
  kernels.fade_and_noise_backward(result.symbols.value(), y.value(), fade);
  if (result.symbols.needs_gradient()) {
    pass.tape->record([&backend, &kernels, y, fade, x = result.symbols] {
      if (!x.has_gradient()) return;
      const Tensor through = backend.empty(fade.shape());
      kernels.fade_and_noise(through, x.gradient(backend), fade, backend.zeros(fade.shape()));
      backend.add_scaled(y.gradient(backend), through, 1);
    });
  }
  return result;
}

}  // namespace

Equalised equalise(Pass& pass, const Var& y, const Tensor& gains, const Tensor& noise_variance,
                   const Equaliser& kind) {
  assert(y.value().size() == gains.size() && y.value().size() == 2 * noise_variance.size());
  if (kind.law() != nullptr) return equalise_by_law(pass, y, gains, noise_variance, *kind.law());
  Backend& backend = pass.backend;
  const SignalKernels& kernels = signal_kernels(backend.kind());
  Equalised result{pass.output(backend.empty(y.value().shape()), {&y}),
                   backend.empty({noise_variance.size()})};
  kernels.equalise(result.symbols.value(), result.variance, y.value(), gains, noise_variance, kind);
  if (result.symbols.needs_gradient()) {
    pass.tape->record([&backend, &kernels, y, gains, noise_variance, kind, x = result.symbols] {
      if (x.has_gradient())
        kernels.equalise_backward(y.gradient(backend), x.gradient(backend), gains, noise_variance,
                                  kind);
    });
  }
  return result;
}

}  // namespace semwave
