// How a stream of bits is carried in a number of channel uses: really coded, or by a bound that no
// code reaches.
#pragma once

#include <cstdint>
#include <string>

namespace semwave {

enum class TransportModel : std::uint8_t { coded, capacity, normal_approximation };

inline TransportModel transport_model_named(const std::string& name) {
  return name == "capacity"               ? TransportModel::capacity
         : name == "normal_approximation" ? TransportModel::normal_approximation
                                          : TransportModel::coded;
}
inline const char* name_of(TransportModel transport_model) {
  return transport_model == TransportModel::capacity               ? "capacity"
         : transport_model == TransportModel::normal_approximation ? "normal_approximation"
                                                                   : "coded";
}

}  // namespace semwave
