// The parts of this room that decide numbers, and the digests of its tables (core/numerics.h).
#pragma once

#include <cstdint>
#include <string>

#include "core/numerics.h"

namespace semwave {

enum class CodingList : std::uint8_t;
namespace part {

inline constexpr CodePart channel_kernels_cpu{"channel kernels, cpu", 1, "phy/signal/cpu/"};
inline constexpr CodePart channel_kernels_cuda{"channel kernels, cuda", 1, "phy/signal/cuda/"};
inline constexpr CodePart constellations{
    "constellations", 1,
    "phy/modulation/modulation phy/modulation/demapping phy/modulation/constellation "
    "phy/modulation/demap_kernels"};
inline constexpr CodePart crc{"crc", 1, "phy/code/crc"};
inline constexpr CodePart convolutional_code{"convolutional code", 1,
                                             "phy/code/convolutional_code"};
inline constexpr CodePart ldpc_code{
    "ldpc code", 1,
    "phy/code/ldpc/alist phy/code/ldpc/ldpc_80211n phy/code/ldpc/ldpc_code "
    "phy/code/ldpc/ldpc_decoder phy/code/ldpc/ldpc_engine phy/code/ldpc/ldpc_sum_product "
    "phy/code/ldpc/ldpc_min_sum phy/code/ldpc/ldpc_blocks"};
inline constexpr CodePart nr_ldpc_code{
    "nr ldpc code", 1,
    "phy/code/ldpc/nr_ldpc phy/code/ldpc/nr_base_graphs phy/code/ldpc/nr_blocks "
    "phy/code/ldpc/nr_loss phy/code/ldpc/nr_margins"};
inline constexpr CodePart polar_code{"polar code", 1,
                                     "phy/code/polar/polar_code phy/code/polar/polar_decoder "
                                     "phy/code/polar/polar_sequence phy/code/polar/polar_blocks"};
inline constexpr CodePart bch_code{"bch code", 1, "phy/code/bch_code"};
inline constexpr CodePart blocks{
    "blocks of bits", 1,
    "phy/code/interleaver phy/code/channel_code phy/code/code_rate phy/code/decoder_settings "
    "phy/code/no_code phy/code/automatic_code phy/transport/modulation_coding "
    "phy/transport/transport "
    "phy/digital/link_fields"};
inline constexpr CodePart predicted_loss{
    "predicted loss", 2, "phy/transport/transport_loss phy/transport/transport_loss_table"};
inline constexpr CodePart capacity{"capacity", 1, "phy/bounds/capacity phy/bounds/error_rate"};
inline constexpr CodePart digital_link{"digital link", 1,
                                       "phy/digital/digital_link phy/digital/quantiser"};
inline constexpr CodePart header_codec{"header codec", 1,
                                       "phy/header/header_codec phy/header/header_loss_table"};
inline constexpr CodePart semantic_header{"semantic header", 1, "phy/header/semantic_header"};
inline constexpr CodePart separation_header{
    "separation header", 1,
    "phy/bounds/transport_model phy/header/separation_header channel/separation_settings"};
inline constexpr CodePart label_header{"label header", 1, "phy/header/label_header"};

inline constexpr const CodePart* of_phy[] = {
    &channel_kernels_cpu,
    &channel_kernels_cuda,
    &constellations,
    &crc,
    &convolutional_code,
    &ldpc_code,
    &nr_ldpc_code,
    &polar_code,
    &bch_code,
    &blocks,
    &predicted_loss,
    &capacity,
    &digital_link,
    &header_codec,
    &semantic_header,
    &separation_header,
    &label_header,
};

}  // namespace part

// SHA-256 over every value of a table, made when first asked for. That of the transport's
// predicted losses stands in phy/transport/modulation_coding.h.
std::string header_tables_sha256();  // header_loss_table.inc and the formats it is of
std::string polar_tables_sha256();   // polar_sequence.inc and the sub-blocks of rate matching
std::string ldpc_tables_sha256();    // ldpc_80211n.inc
std::string nr_tables_sha256();      // nr_base_graphs.inc
std::string nr_margins_sha256();     // nr_margins.inc
/// A list that a sender may choose from, and how blocks from a bit to a hundred thousand go on air
/// with each.
std::string modulation_codings_sha256(CodingList list);

}  // namespace semwave
