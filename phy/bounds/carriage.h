// How a stream of bits is carried in a number of channel uses: really coded, or by a bound that no
// code reaches.
#pragma once

#include <cstdint>
#include <string>

namespace semwave {

enum class Carriage : std::uint8_t { coded, capacity, normal_approximation };

inline Carriage carriage_named(const std::string& name) {
  return name == "capacity"               ? Carriage::capacity
         : name == "normal_approximation" ? Carriage::normal_approximation
                                          : Carriage::coded;
}
inline const char* name_of(Carriage carriage) {
  return carriage == Carriage::capacity               ? "capacity"
         : carriage == Carriage::normal_approximation ? "normal_approximation"
                                                      : "coded";
}

}  // namespace semwave
