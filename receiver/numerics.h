// The parts of this room that decide numbers (core/numerics.h).
#pragma once

#include "core/numerics.h"

namespace semwave::part {

inline constexpr CodePart semantic_receiver{
    "semantic receiver", 1,
    "receiver/semantic/expert_block receiver/receiver receiver/semantic/semantic_receiver"};
inline constexpr CodePart routers{
    "routers", 1,
    "receiver/router/choice receiver/router/expert_choice receiver/router/fixed "
    "receiver/router/kinds receiver/router/router receiver/router/sigmoid_bias "
    "receiver/router/soft receiver/router/top_k"};
inline constexpr CodePart separation_receiver{"separation receiver", 1,
                                              "receiver/separation/separation_receiver"};
inline constexpr CodePart label_receiver{"label receiver", 1, "receiver/label/label_receiver"};
inline constexpr CodePart deepjscc_receiver{"deepjscc receiver", 1,
                                            "receiver/deepjscc/deepjscc_receiver"};

inline constexpr const CodePart* of_receiver[] = {
    &semantic_receiver, &routers, &separation_receiver, &label_receiver, &deepjscc_receiver};

}  // namespace semwave::part
