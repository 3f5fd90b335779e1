// What a scenario says of digital transmission, read: the keys of `link` and of transmitter.link.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/json.h"
#include "phy/digital/digital_link.h"
#include "phy/transport/transport.h"

namespace semwave {

/// code, rate, length, file, modulation.
std::vector<Field> coding_fields();
/// From resolved keys: `code` is the name of a registered code, whose fields `rate`, `length` and
/// `file` stand beside it, or an object with the fields of the code; `modulation` likewise. Throws
/// Error below `place`; a code's file is read here.
ModulationCoding read_coding(const Json& value, const Place& place, bool check);

/// codings: which list a sender chooses its coding from; where it is not there, the mixed one.
Field coding_list_field();
CodingList read_coding_list(const Json& value);

/// soft_bits, interleaver, decoder.
std::vector<Field> decoding_fields();
TransportDecoding read_decoding(const Json& value);

/// transmitter.link: analogue, or digital with its keys.
Field digital_link_field();
/// Null: analogue.
std::shared_ptr<const DigitalLink> read_digital_link(const Json& value, const Place& place);

}  // namespace semwave
