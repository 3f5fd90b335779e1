// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011) from Random123. A draw is a
// function of its key and counter alone, so results do not depend on threads, order, batches, a
// resume or the network.
//
// key = seed; counter = (place, visit, image or link, purpose). See docs/conventions.md for what
// each purpose counts.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

namespace semwave {

enum class Purpose : std::uint32_t {
  noise = 1,           // (place = position x S + symbol, visit, image)
  fading = 2,          // (place = transmitted-use index / coherence, slot, link)
  header_noise = 3,    // (place = header use, visit, image)
  snr = 4,             // per-image channel SNR
  gate = 5,            // random gate, Gumbel noise of a training gate (place = position)
  initialisation = 6,  // (element, 0, hash of the name)
  augmentation = 7,
  shuffle = 8,
  plan = 9,          // what a training step draws: depth, keep, S, SNR
  data_bits = 10,    // semwave link, tests
  pilot_noise = 11,  // (place = coherence interval, visit, image) error of the receiver's estimate
  line_of_sight = 12,  // (0, 0, link) its phase
  arrival = 14,        // (0, slot, link) images of a timeline
  feedback = 15,       // (0, slot, link) whether a report is lost
  bound_loss = 28,     // (0, visit, image) whether a stream at the normal approximation is lost
  sounding = 13,       // (branch, slot, link) error of the transmitter's estimate
  interference = 16,   // (place = use, or what sample_noise counts; visit, image)
  sample_noise = 17,   // (place = sample of OFDM without prefixes, or use x receive antennas +
                       // antenna; visit, image)
  impulse = 18,        // (place = use, visit, image)
  phase_step = 19,     // (place = use, visit, image)
  loss = 20,           // (place = token or packet in order of sending, visit, image)
  resampling = 29,     // (0, draw, place of an image) intervals of curves
  selection = 30,      // (place = depth x 2^16 + position, visit, image) noise on a gate's scores
  routing = 31,        // (place = block x 2^16 + position x 64 + expert, visit, image) of a router
  crossover = 24,      // (place = use, header first; visit, image) flips of I and of Q
};

using RandomWords = std::array<std::uint32_t, 4>;

RandomWords philox(std::uint64_t seed, Purpose purpose, std::uint32_t image, std::uint32_t visit,
                   std::uint32_t place);

/// Uniform in the open interval (0, 1) from one word.
inline double uniform(std::uint32_t word) {
  return (static_cast<double>(word) + 0.5) * 0x1p-32;
}

/// CN(0, 1): variance 1/2 in each real dimension. Box-Muller in double on the first two words.
std::complex<double> complex_normal(const RandomWords& words);

}  // namespace semwave
