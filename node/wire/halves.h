// The two halves of a record as bytes: what its transmitter knows and what its receiver knows
// (experiment/results/record.h). They travel in bursts, answers and journals, and are written and
// read here alone. Byte by byte: docs/wire_format.md.
#pragma once

#include "experiment/results/record.h"
#include "node/wire/bytes.h"

namespace semwave {

void write_sent(ByteWriter& writer, const SentHalf& sent);
void write_heard(ByteWriter& writer, const HeardHalf& heard);

/// A value out of its range fails the reader.
SentHalf read_sent(ByteReader& reader);
HeardHalf read_heard(ByteReader& reader);

}  // namespace semwave
