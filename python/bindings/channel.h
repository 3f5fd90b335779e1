// A channel as Python holds it, and what it shares with the model's way through it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "channel/channel.h"
#include "python/bindings/convert.h"

namespace semwave::python {

/// The processor that everything is computed on that begins with NumPy's arrays.
Backend& processor();

/// A channel with its settings as a scenario says them. Any thread; immutable.
struct PythonChannel {
  OrderedJson settings;  // resolved
  Channel channel;
};

/// From a dict or a kind's name, as a scenario's `channel`.
std::shared_ptr<PythonChannel> make_channel(const py::handle& settings);

/// The draws of these images.
Draws draws_argument(const py::handle& images, std::uint64_t seed, std::uint32_t visit);

/// Realised for these draws; `snr_db`: instead of what the channel says, None or numbers.
Fading realised(const Channel& channel, const Draws& draws, const py::handle& snr_db);

py::dict to_dict(const Ledger& ledger);

}  // namespace semwave::python
