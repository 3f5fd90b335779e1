// The parts of this room that decide numbers, and the digests of its tables (core/numerics.h).
#pragma once

#include <string>

#include "core/numerics.h"

namespace semwave {
namespace part {

inline constexpr CodePart channel{"channel", 1,
                                  "apply blocks burst channel channel_fields csi disturbance "
                                  "known_gains ledger power_scope registry signal signal_kernels trained_range"};
inline constexpr CodePart channel_kernels_cpu{"channel kernels, cpu", 1, "cpu/"};
inline constexpr CodePart channel_kernels_cuda{"channel kernels, cuda", 1, "cuda/"};
inline constexpr CodePart fading{"fading", 1, "fading"};
inline constexpr CodePart antennas{"antennas", 1, "antennas"};
inline constexpr CodePart ofdm{"ofdm", 1, "ofdm multipath"};
inline constexpr CodePart loss{"loss of tokens and packets", 1, "loss"};
inline constexpr CodePart trace{"trace", 1, "trace"};

inline constexpr CodePart constellations{"constellations", 1, "modulation demapping"};
inline constexpr CodePart crc{"crc", 1, "crc"};
inline constexpr CodePart convolutional_code{"convolutional code", 1, "convolutional_code"};
inline constexpr CodePart ldpc_code{
    "ldpc code", 1, "alist ldpc_80211n ldpc_code ldpc_decoder ldpc_engine ldpc_sum_product"};
inline constexpr CodePart polar_code{"polar code", 1, "polar_code polar_decoder polar_sequence"};
inline constexpr CodePart blocks{"blocks of bits", 1,
                                 "interleaver modulation_coding transport transport_fields"};
inline constexpr CodePart predicted_loss{"predicted loss", 2,
                                         "transport_loss transport_loss_table"};
inline constexpr CodePart capacity{"capacity", 1, "capacity"};
inline constexpr CodePart gain_outlook{"gain outlook", 1, "gain_outlook"};
inline constexpr CodePart digital_link{"digital link", 1, "digital_link quantiser"};

inline constexpr CodePart header_codec{"header codec", 1, "header_codec header_loss_table"};
inline constexpr CodePart semantic_header{"semantic header", 1, "semantic_header"};
inline constexpr CodePart separation_header{"separation header", 1, "carriage separation_header separation_settings"};
inline constexpr CodePart label_header{"label header", 1, "label_header"};

inline constexpr const CodePart* of_channel[] = {&channel,
                                                 &channel_kernels_cpu,
                                                 &channel_kernels_cuda,
                                                 &fading,
                                                 &antennas,
                                                 &ofdm,
                                                 &loss,
                                                 &trace,
                                                 &constellations,
                                                 &crc,
                                                 &convolutional_code,
                                                 &ldpc_code,
                                                 &polar_code,
                                                 &blocks,
                                                 &predicted_loss,
                                                 &capacity,
                                                 &gain_outlook,
                                                 &digital_link,
                                                 &header_codec,
                                                 &semantic_header,
                                                 &separation_header,
                                                 &label_header};

}  // namespace part

// SHA-256 over every value of a table, made when first asked for. That of the transport's
// predicted losses stands in modulation_coding.h.
std::string header_tables_sha256();  // header_loss_table.inc and the formats it is of
std::string polar_tables_sha256();   // polar_sequence.inc and the sub-blocks of rate matching
std::string ldpc_tables_sha256();    // ldpc_80211n.inc
std::string tap_profiles_sha256();
/// What a sender may choose from, and how blocks from a bit to a hundred thousand go on air with
/// each.
std::string modulation_codings_sha256();

}  // namespace semwave
