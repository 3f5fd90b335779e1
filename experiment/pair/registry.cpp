#include "experiment/pair/pair.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace semwave {

// The files of this folder that hold a pair; each has its line below.
void add_semantic(PairRegistry& registry);
void add_separation(PairRegistry& registry);
void add_label(PairRegistry& registry);
void add_deepjscc(PairRegistry& registry);

PairRegistry& pairs() {
  static PairRegistry registry = [] {
    PairRegistry made("the sending end, and with it the pair");
    add_semantic(made);
    add_separation(made);
    add_label(made);
    add_deepjscc(made);
    return made;
  }();
  return registry;
}

std::string outside(const std::string& what, double value, double from, double to) {
  const auto number = [](double x) {
    return x == std::floor(x) && std::abs(x) < 1e15 ? std::to_string(static_cast<std::int64_t>(x))
                                                    : std::to_string(x);
  };
  return what + " " + number(value) + " is not within " + number(from) + " to " + number(to);
}

std::string Pair::refusal(const Architecture& architecture) const {
  return architecture.deepjscc ? "is that of a network of the pair deepjscc" : "";
}

void check_shape(const Pair& pair, const Architecture& architecture, const Place& place) {
  if (const std::string refusal = pair.refusal(architecture); !refusal.empty())
    throw Error(place.str(), refusal);
}

std::string fault_of_notes(const PairNotes& notes) {
  const bool none = std::all_of(notes.begin(), notes.end(), [](auto note) { return note == -1; });
  return none ? "" : "something is noted of its image that this scenario does not note";
}

std::string Pair::fault_of(const BurstClaim& claim, const Architecture&) const {
  if (claim.lost_together > 0)
    return outside("symbols that are lost together", static_cast<double>(claim.lost_together), 0,
                   0);
  if (!claim.header) return "it has no header";
  if (claim.told_bits > 0) return "bits are told that this scenario does not tell";
  return {};
}

std::string Pair::fault_of(const SentHalf& sent, const Architecture&) const {
  if (sent.tokens != 0) return outside("tokens", sent.tokens, 0, 0);
  return fault_of_notes(sent.notes);
}

}  // namespace semwave
