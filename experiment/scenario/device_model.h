// What computing and sending cost on the devices of a scenario.
#pragma once

namespace semwave {

/// What computing and sending cost on the devices of a scenario, for the columns of latency and
/// energy.
struct DeviceModel {
  struct End {
    double operations_per_second = 0, joule_per_operation = 0;
  };
  End transmitter, receiver;
  double symbol_seconds = 0, transmit_watt = 0;
  double seconds(double transmitter_operations, double receiver_operations,
                 double channel_uses) const;
  double joule(double transmitter_operations, double receiver_operations,
               double channel_uses) const;
};

}  // namespace semwave
