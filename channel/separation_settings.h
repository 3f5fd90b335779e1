// What both ends of the separation pair know beside the size of the pictures.
#pragma once

#include <cstdint>
#include <optional>

#include "channel/channel.h"
#include "core/config/json.h"
#include "phy/bounds/transport_model.h"
#include "phy/transport/modulation_coding.h"

namespace semwave {

struct SeparationSettings {
  Json codec;               // for image_codecs()
  std::int64_t budget = 0;  // channel uses an image may take, header, pilots and parity included
  TransportModel transport_model = TransportModel::coded;
  double outage = 0.01;       // largest predicted loss of header and stream together
  ChannelSettings channel{};  // its laws, not its draws
  std::optional<double>
      design_snr_db{};  // what is believed whatever was observed: a link that does not adapt
  CodingList codings = CodingList::mixed;  // that a coding is chosen from
};

}  // namespace semwave
