// How often a code block of the LDPC codes of 5G NR is lost over AWGN: the normal approximation,
// worse by a margin that is simulated for a few rates, lengths and constellations (min-sum in
// float, 50 iterations, max-log soft bits) and read off between them.
#pragma once

#include "phy/code/ldpc/nr_ldpc.h"
#include "phy/modulation/modulation.h"

namespace semwave {

/// dB that the SNR of a loss of 1e-2 lies above the normal approximation; `rate` as a code has it,
/// CRC included, `message` with its CRC. Straight in the logarithms of rate and message, the
/// nearest beyond those that were simulated. Of a constellation that was not, that of the next
/// size.
double nr_margin_db(NrGraph graph, double rate, double message, int bits_per_symbol);

/// `message` bits, CRC included, of which `sent` coded bits go on air. Held to simulated
/// losses within 0.25 dB at 0.5 and 1e-2, within 0.3 dB at 0.1
/// (tests/phy/code/ldpc/nr_loss_test.cpp); below 1e-3 it is not checked.
double nr_block_loss(NrGraph graph, double rate, double message, double sent, Modulation modulation,
                     double snr_db);

}  // namespace semwave
