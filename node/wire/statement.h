// What a scenario says, key by key, so that two ends whose scenarios differ can say where.
#pragma once

#include <string>
#include <vector>

#include "experiment/scenario/scenario.h"
#include "node/wire/messages.h"

namespace semwave {

/// Every key that Station::scenario_digest() depends on: those of the scenario by JSON pointer
/// (each swept list as "/sweep" and its pointer), then parts of the code and tables as "part NAME".
/// Paths of checkpoint and images are not in it, other files are their SHA-256. What is long is cut
/// and ends with a sum of the whole.
Statement statement_of(const Scenario& scenario, const std::vector<Point>& points);

/// The first keys on which they differ, each with both values, in one line; empty where none does.
std::string differences(const Statement& here, const Statement& there);

}  // namespace semwave
