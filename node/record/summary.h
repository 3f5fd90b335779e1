// Rows and records of what went over the wire, as `semwave run` writes them, with the latency of
// each stage beside them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "experiment/results/results.h"
#include "node/record/station.h"

namespace semwave {

/// The row of one point: keys as in docs/results.md, and `node`. `records` all belong to it and
/// come out in the order of their images. `data_sha256` as the transmitter has it; `seconds`: wall
/// time; 0, where nothing came in this life, leaves images a second out.
OrderedJson node_row(const Station& station, std::size_t point, std::vector<Record>& records,
                     const std::string& data_sha256, double seconds);

/// p50 and p99 in milliseconds of each stage that these records know: encode, queue, wire, channel,
/// decode.
OrderedJson latency_json(const std::vector<Record>& records);

/// Payload symbols whose datagram came, but too late for their burst, by point and source: part of
/// those erased.
using LateSymbols = std::map<std::pair<std::uint32_t, Digest>, std::int64_t>;

/// Writes rows (and records where the scenario wants them) of all points there are records of into
/// a result folder; those of other points that the folder has stay. `late`: known to a receiver
/// alone. Returns the rows, in the order of the grid.
std::vector<OrderedJson> write_results(const Station& station, const std::string& folder,
                                       const OrderedJson& about, std::deque<Record> records,
                                       double seconds, const LateSymbols* late = nullptr);

}  // namespace semwave
