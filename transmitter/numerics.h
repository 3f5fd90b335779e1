// The parts of this room that decide numbers (core/numerics.h).
#pragma once

#include "core/numerics.h"

namespace semwave::part {

inline constexpr CodePart semantic_transmitter{
    "semantic transmitter", 1,
    "transmitter/policy/plan transmitter/semantic/semantic_transmitter "
    "transmitter/transmitter"};
inline constexpr CodePart gates{
    "gates", 1,
    "transmitter/gate/attention transmitter/gate/gate transmitter/gate/gumbel "
    "transmitter/gate/kinds transmitter/gate/norm transmitter/gate/share "
    "transmitter/gate/threshold transmitter/gate/uniform"};
inline constexpr CodePart exit_rules{
    "exit rules", 1,
    "transmitter/exit/budgeted transmitter/exit/calibration transmitter/exit/channel_exit "
    "transmitter/exit/ensemble transmitter/exit/exit_rule transmitter/exit/head_exit "
    "transmitter/exit/patience"};
inline constexpr CodePart policies{"policies", 1,
                                   "transmitter/policy/plan_table transmitter/policy/policy"};
inline constexpr CodePart separation_transmitter{
    "separation transmitter", 1,
    "transmitter/separation/encoded_images transmitter/separation/separation_transmitter "
    "transmitter/separation/sent_stream transmitter/separation/stream_fit"};
inline constexpr CodePart label_transmitter{"label transmitter", 1,
                                            "transmitter/label/label_transmitter"};
inline constexpr CodePart deepjscc_transmitter{"deepjscc transmitter", 1,
                                               "transmitter/deepjscc/deepjscc_transmitter"};

inline constexpr const CodePart* of_transmitter[] = {&semantic_transmitter,
                                                     &gates,
                                                     &exit_rules,
                                                     &policies,
                                                     &separation_transmitter,
                                                     &label_transmitter,
                                                     &deepjscc_transmitter};

}  // namespace semwave::part
