#include "transmitter/label/label_transmitter.h"

#include <algorithm>

#include "phy/header/header_codec.h"
#include "phy/header/label_header.h"

namespace semwave {

Burst LabelTransmitter::transmit(Pass& pass, const Tensor& images,
                                 const PooledVector<ChannelState>& states,
                                 const PooledVector<Plan>&, TransmitTrace* trace) const {
  const std::size_t count = states.size(), classes = static_cast<std::size_t>(classes_);
  const Var logits = classifier_(pass, images);
  PooledVector<float> said(count * classes);
  pass.backend.to_host(logits.value(), said.data());
  Burst burst{.headers = {},
              .symbols = {},
              .starts = PooledVector<std::int32_t>(count + 1, 0),
              .places = {},
              .ledger = PooledVector<Ledger>(count)};
  PooledVector<std::int32_t> answers;
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = said.data() + i * classes;
    answers.push_back(static_cast<std::int32_t>(std::max_element(row, row + classes) - row));
    burst.headers.push_back(label_header_on_air(answers.back(), classes_, states[i].snr_db));
    burst.ledger[i].header = header_uses(burst.headers.back());
  }
  if (trace) {
    trace->layout = Ragged::full(static_cast<int>(count), 0);
    trace->exit_depth.assign(count, 0);
    trace->answer = std::move(answers);
  }
  return burst;
}

std::optional<Forecast> LabelTransmitter::forecast(const ChannelState& state, const Plan&,
                                                   std::uint32_t image) const {
  Forecast made;
  made.operations = classifier_.operations();
  made.header = label_header_on_air(static_cast<int>(image % static_cast<std::uint32_t>(classes_)),
                                    classes_, state.snr_db);
  made.uses.header = header_uses(made.header);
  return made;
}

}  // namespace semwave
