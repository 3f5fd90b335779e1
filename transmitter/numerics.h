// The parts of this room that decide numbers (core/numerics.h).
#pragma once

#include "core/numerics.h"

namespace semwave::part {

inline constexpr CodePart semantic_transmitter{"semantic transmitter", 1,
                                               "plan semantic_transmitter transmitter"};
inline constexpr CodePart gates{"gates", 1, "gate"};
inline constexpr CodePart exit_rules{"exit rules", 1, "exit_rule"};
inline constexpr CodePart policies{"policies", 1, "plan_table policy"};
inline constexpr CodePart separation_transmitter{
    "separation transmitter", 1,
    "separation/encoded_images separation/separation_transmitter separation/stream_fit"};
inline constexpr CodePart label_transmitter{"label transmitter", 1,
                                            "separation/label_transmitter"};

inline constexpr const CodePart* of_transmitter[] = {
    &semantic_transmitter, &gates, &exit_rules, &policies, &separation_transmitter,
    &label_transmitter};

}  // namespace semwave::part
