// The trivial rival: classify at the transmitter, send the label and nothing else.
#pragma once

#include "core/nn/classifier.h"
#include "transmitter/transmitter.h"

namespace semwave {

class LabelTransmitter final : public Transmitter {
 public:
  /// The classifier must outlive it.
  LabelTransmitter(const Classifier& classifier, int classes)
      : classifier_(classifier), classes_(classes) {}

  /// Plans mean nothing to it. The trace says every image was answered at depth 0, whatever the
  /// classifier's own.
  Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                 const PooledVector<Plan>& plans, TransmitTrace* trace) const override;
  std::optional<Forecast> forecast(const ChannelState& state, const Plan& plan,
                                   std::uint32_t image) const override;
  double dense_operations(int, int) const override { return classifier_.operations(); }

 private:
  const Classifier& classifier_;
  int classes_;
};

}  // namespace semwave
