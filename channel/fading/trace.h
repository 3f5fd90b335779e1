// Measured channels: a complex gain or an SNR for each slot of each link, from a CSV file.
//
// The file is text, at most 64 MiB. Its first line that is not blank and does not begin with # is
// the header and names the columns, in any order: `slot`, optionally `link`, and either `re` and
// `im` or `snr_db`. Then one line an entry, plain decimal numbers, comma separated, spaces around
// them allowed. Links and slots count from 0, none is missing and none stands twice; every link has
// as many slots.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace semwave {

inline constexpr std::size_t trace_largest_file = 64u << 20;
inline constexpr std::int64_t trace_largest_entries = 4'000'000;  // links x slots
inline constexpr double trace_largest_gain = 1e6, trace_largest_snr_db = 200;

/// Immutable; any number of threads may share one.
class Trace {
 public:
  /// Throws Error naming `place` and the line.
  static std::shared_ptr<const Trace> parse(std::string_view text, const std::string& place,
                                            bool normalise);
  static std::shared_ptr<const Trace> read(const std::string& path, bool normalise);

  bool has_gains() const { return !gains_.empty(); }
  std::int64_t links() const { return links_; }
  std::int64_t slots() const { return slots_; }
  double lowest_snr_db() const { return lowest_; }  // of a trace of SNRs
  double highest_snr_db() const { return highest_; }

  /// Link `link` mod links(). Over time: its slot `slot` mod slots(). Otherwise each image is a
  /// link by itself and image i takes slot i / links() mod slots(). `before` slots earlier, going
  /// round.
  std::complex<double> gain(std::uint32_t link, bool over_time, std::uint32_t slot,
                            int before = 0) const {
    return gains_[entry(link, over_time, slot, before)];
  }
  double snr_db(std::uint32_t link, bool over_time, std::uint32_t slot) const {
    return snr_db_[entry(link, over_time, slot, 0)];
  }
  /// Mean over the file of |h(s) - h(s - before)|^2, going round.
  double change(int before) const;
  /// Mean over the file of |h - 1|^2.
  double distance_from_one() const;

 private:
  std::size_t entry(std::uint32_t link, bool over_time, std::uint32_t slot, int before) const;

  std::int64_t links_ = 0, slots_ = 0;
  std::vector<std::complex<double>> gains_;  // [links x slots] or none
  std::vector<double> snr_db_;               // [links x slots] or none
  double lowest_ = 0, highest_ = 0;
};

}  // namespace semwave
