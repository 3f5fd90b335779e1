#include "experiment/scenario/device_model.h"

namespace semwave {

double DeviceModel::seconds(double transmitter_operations, double receiver_operations,
                            double channel_uses) const {
  return transmitter_operations / transmitter.operations_per_second +
         receiver_operations / receiver.operations_per_second + channel_uses * symbol_seconds;
}

double DeviceModel::joule(double transmitter_operations, double receiver_operations,
                          double channel_uses) const {
  return transmitter_operations * transmitter.joule_per_operation +
         receiver_operations * receiver.joule_per_operation +
         channel_uses * symbol_seconds * transmit_watt;
}

}  // namespace semwave
