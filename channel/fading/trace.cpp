// Every number is bounded before it is used as an index or a gain.
#include "channel/fading/trace.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"

namespace semwave {
namespace {

enum Column { slot_column, link_column, re_column, im_column, snr_column, column_count };
constexpr std::array<const char*, column_count> column_names{"slot", "link", "re", "im", "snr_db"};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

class TraceReader {
 public:
  TraceReader(std::string_view text, const std::string& place) : rest_(text), place_(place) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);  // what spreadsheets put first
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(place_ + ":" + std::to_string(line_), printable(message));
  }

  bool next_line() {
    while (!rest_.empty()) {
      ++line_;
      const std::size_t end = rest_.find('\n');
      current_ = trimmed(rest_.substr(0, end));
      rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
      if (!current_.empty() && current_.front() != '#') return true;
    }
    return false;
  }

  /// Which column of the file is which; -1 where it has none.
  void header() {
    if (!next_line()) throw Error(place_, "holds no header line such as slot,link,re,im");
    order_.fill(-1);
    fields_ = 0;
    for (std::string_view rest = current_;; ++fields_) {
      const std::size_t comma = rest.find(',');
      const std::string_view name = trimmed(rest.substr(0, comma));
      const auto found = std::find(column_names.begin(), column_names.end(), name);
      if (found == column_names.end())
        fail(
            "expected a header line naming the columns slot, link, re and im, or snr_db; found \"" +
            std::string(name.substr(0, 20)) + "\"");
      int& place = order_[static_cast<std::size_t>(found - column_names.begin())];
      if (place >= 0) fail("the column " + std::string(name) + " stands twice");
      place = fields_;
      if (comma == std::string_view::npos) break;
      rest = rest.substr(comma + 1);
    }
    ++fields_;
    const bool gains = has(re_column) && has(im_column), part = has(re_column) || has(im_column);
    if (!has(slot_column)) fail("the column slot is missing");
    if (part && !gains) fail("a complex gain needs both columns re and im");
    if (gains == has(snr_column))
      fail("expected the columns re and im, or the column snr_db, and not both");
  }
  bool has(Column column) const { return order_[column] >= 0; }

  /// The numbers of the current line.
  void numbers() {
    int count = 0;
    for (std::string_view rest = current_;; ++count) {
      const std::size_t comma = rest.find(',');
      const std::string_view cell = trimmed(rest.substr(0, comma));
      if (count < fields_) {
        double& value = values_[static_cast<std::size_t>(count)];
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        if (cell.empty() || error != std::errc() || end != cell.data() + cell.size() ||
            !std::isfinite(value))
          fail("\"" + std::string(cell.substr(0, 20)) + "\" is not a number");
      }
      if (comma == std::string_view::npos) break;
      rest = rest.substr(comma + 1);
    }
    if (++count != fields_)
      fail("expected " + std::to_string(fields_) + " numbers as the header says, found " +
           std::to_string(count));
  }
  double value(Column column, [[maybe_unused]] double limit) const {
    const double value = values_[static_cast<std::size_t>(order_[column])];
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must
                               // notice
    if (std::abs(value) > limit)
      fail(std::string(column_names[column]) + " is beyond " +
           std::to_string(static_cast<std::int64_t>(limit)) + " in magnitude");
#endif
    return value;
  }
  std::int64_t index(Column column) const {
    const double value = values_[static_cast<std::size_t>(order_[column])];
    if (!(value >= 0 && value < static_cast<double>(trace_largest_entries)) ||
        value != std::floor(value))
      fail(std::string(column_names[column]) + " must be a whole number from 0 to " +
           std::to_string(trace_largest_entries - 1));
    return static_cast<std::int64_t>(value);
  }

 private:
  std::string_view rest_, current_;
  const std::string& place_;
  int line_ = 0, fields_ = 0;
  std::array<int, column_count> order_{};
  std::array<double, column_count> values_{};
};

struct Entry {
  std::int64_t link, slot;
  std::complex<double> value;
};

}  // namespace

std::shared_ptr<const Trace> Trace::parse(std::string_view text, const std::string& place,
                                          bool normalise) {
  TraceReader reader(text, place);
  reader.header();
  const bool gains = reader.has(re_column);
  std::vector<Entry> entries;
  const auto made = std::make_shared<Trace>();
  while (reader.next_line()) {
    reader.numbers();
    Entry entry{
        reader.has(link_column) ? reader.index(link_column) : 0, reader.index(slot_column), {}};
    entry.value = gains ? std::complex<double>(reader.value(re_column, trace_largest_gain),
                                               reader.value(im_column, trace_largest_gain))
                        : reader.value(snr_column, trace_largest_snr_db);
    made->links_ = std::max(made->links_, entry.link + 1);
    made->slots_ = std::max(made->slots_, entry.slot + 1);
    if (entries.size() == static_cast<std::size_t>(trace_largest_entries))
      reader.fail("more than " + std::to_string(trace_largest_entries) + " entries");
    entries.push_back(entry);
  }
  if (entries.empty()) throw Error(place, "holds no entry after its header");
  if (made->links_ > trace_largest_entries / made->slots_ ||
      static_cast<std::size_t>(made->links_ * made->slots_) > entries.size())
    throw Error(place, std::to_string(entries.size()) + " entries do not fill " +
                           std::to_string(made->links_) + " links of " +
                           std::to_string(made->slots_) +
                           " slots: each link needs every slot from 0 on");
  // As many entries as places, or more: then none is empty unless one stands twice.
  std::vector<std::complex<double>> values(static_cast<std::size_t>(made->links_ * made->slots_));
  std::vector<std::uint8_t> filled(values.size());
  for (const Entry& entry : entries) {
    const auto at = static_cast<std::size_t>(entry.link * made->slots_ + entry.slot);
    if (filled[at])
      throw Error(place, "slot " + std::to_string(entry.slot) + " of link " +
                             std::to_string(entry.link) + " stands twice");
    filled[at] = 1;
    values[at] = entry.value;
  }
  if (gains) {
    double power = 0;
    for (const std::complex<double> gain : values)
      power += std::norm(gain) / static_cast<double>(values.size());
    if (normalise && power < 1e-30) throw Error(place, "the gains have no power to normalise");
    if (normalise)
      for (std::complex<double>& gain : values) gain /= std::sqrt(power);
    made->gains_ = std::move(values);
  } else {
    for (const std::complex<double> value : values) made->snr_db_.push_back(value.real());
    made->lowest_ = *std::min_element(made->snr_db_.begin(), made->snr_db_.end());
    made->highest_ = *std::max_element(made->snr_db_.begin(), made->snr_db_.end());
  }
  return made;
}

std::shared_ptr<const Trace> Trace::read(const std::string& path, bool normalise) {
  return parse(read_file_whole(path, trace_largest_file), path, normalise);
}

std::size_t Trace::entry(std::uint32_t link, bool over_time, std::uint32_t slot, int before) const {
  const std::int64_t at =
      (over_time ? std::int64_t{slot} : link / links_) - before % slots_ + slots_;
  return static_cast<std::size_t>(link % links_ * slots_ + at % slots_);
}

double Trace::change(int before) const {
  double sum = 0;
  for (std::int64_t link = 0; link < links_; ++link)
    for (std::int64_t slot = 0; slot < slots_; ++slot)
      sum += std::norm(
          gain(static_cast<std::uint32_t>(link), true, static_cast<std::uint32_t>(slot)) -
          gain(static_cast<std::uint32_t>(link), true, static_cast<std::uint32_t>(slot), before));
  return sum / static_cast<double>(gains_.size());
}

double Trace::distance_from_one() const {
  double sum = 0;
  for (const std::complex<double> gain : gains_) sum += std::norm(gain - 1.0);
  return sum / static_cast<double>(gains_.size());
}

}  // namespace semwave
