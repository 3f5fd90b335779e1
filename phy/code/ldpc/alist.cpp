// MacKay's alist format: columns and rows of H, the largest degrees, the degree of each, then for
// each column its rows and for each row its columns, counted from 1, one list a line, padded with
// zeros to the largest degree or not at all. Blank lines are passed over.
#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "phy/code/ldpc/ldpc_code.h"

namespace semwave {
namespace {

using Lists = std::vector<std::vector<std::int32_t>>;

class AlistReader {
 public:
  AlistReader(std::string_view text, const std::string& place) : rest_(text), place_(place) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(place_ + ":" + std::to_string(line_), printable(message));
  }

  /// Moves to the next line that is not blank.
  void next_line(const char* wanted) {
    do {
      ++line_;
      if (rest_.empty()) fail(std::string("the file ends where ") + wanted + " should stand");
      const std::size_t end = rest_.find('\n');
      current_ = rest_.substr(0, end);
      rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
      skip_blanks();
    } while (current_.empty());
  }

  /// The next whole number of this line, nothing at its end.
  std::optional<std::int64_t> number() {
    if (current_.empty()) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(current_.data(), current_.data() + current_.size(), value);
    if (error != std::errc() || (end != current_.data() + current_.size() && !is_blank(*end))) {
      const std::size_t length = std::min<std::size_t>(current_.find_first_of(" \t\r"), 20);
      fail("\"" + std::string(current_.substr(0, length)) + "\" is not a whole number");
    }
    current_.remove_prefix(static_cast<std::size_t>(end - current_.data()));
    skip_blanks();
    return value;
  }

  int number_within(const char* what, std::int64_t low, std::int64_t high) {
    const std::optional<std::int64_t> value = number();
    if (!value) fail(std::string(what) + " is missing");
    if (*value < low || *value > high)
      fail(std::string(what) + " is " + std::to_string(*value) + ", expected " +
           std::to_string(low) + " to " + std::to_string(high));
    return static_cast<int>(*value);
  }

  void end_of_line() {
    if (!current_.empty()) fail("more numbers on the line than expected");
  }

  void end_of_file() {
    const std::size_t more = rest_.find_first_not_of(" \t\r\n");
    if (more == std::string_view::npos) return;
    line_ += 1 + static_cast<int>(std::count(
                     rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(more), '\n'));
    fail("something stands after the last list");
  }

  /// Degrees of all columns or rows, which may run over several lines.
  std::vector<int> degrees(int count, int largest, const char* what) {
    std::vector<int> result;
    next_line(what);
    bool reached = false;
    for (int i = 0; i < count; ++i) {
      while (current_.empty()) next_line(what);
      result.push_back(number_within(what, 1, largest));
      reached = reached || result.back() == largest;
    }
    end_of_line();
    if (!reached)
      fail(std::string("no degree reaches the largest one stated, ") + std::to_string(largest));
    return result;
  }

  /// One list a line, each of its stated degree, indices 1 to `highest` each once, then nothing but
  /// zeros up to `largest` entries.
  Lists lists(const std::vector<int>& degree, int largest, int highest, const char* what) {
    Lists result;
    result.reserve(degree.size());
    for (const int expected : degree) {
      next_line(what);
      std::vector<std::int32_t> list;
#if defined(SEMWAVE_PLANTED_FAULT)
      highest = 1 << 30;
#endif
      list.reserve(static_cast<std::size_t>(expected));  // alist_degree_limit at most
      for (int i = 0; i < expected; ++i) list.push_back(number_within(what, 1, highest) - 1);
      for (int i = expected; i < largest && !current_.empty(); ++i)
        number_within("padding after the list", 0, 0);
      end_of_line();
      std::sort(list.begin(), list.end());
      if (std::adjacent_find(list.begin(), list.end()) != list.end())
        fail("an index stands twice in the list");
      result.push_back(std::move(list));
    }
    return result;
  }

 private:
  static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
  }
  void skip_blanks() {
    while (!current_.empty() && is_blank(current_.front())) current_.remove_prefix(1);
  }

  std::string_view rest_, current_;
  std::string place_;
  int line_ = 0;
};

}  // namespace

std::shared_ptr<const LdpcCode> LdpcCode::parse_alist(std::string_view text,
                                                      const std::string& place) {
  AlistReader reader(text, place);
  reader.next_line("the numbers of columns and rows");
  const int length = reader.number_within("the number of columns", 2, alist_length_limit);
  const int checks = reader.number_within("the number of rows", 1, alist_length_limit);
  reader.end_of_line();
  if (std::int64_t{length} * checks > alist_dense_limit)
    reader.fail("a matrix of " + std::to_string(checks) + " x " + std::to_string(length) +
                " is too large for its encoder to be found, which works on up to " +
                std::to_string(alist_dense_limit) + " entries");
  reader.next_line("the largest degrees");
  const int largest_column =
      reader.number_within("the largest column degree", 1, std::min(checks, alist_degree_limit));
  const int largest_row =
      reader.number_within("the largest row degree", 1, std::min(length, alist_degree_limit));
  reader.end_of_line();
  const std::vector<int> column_degrees = reader.degrees(length, largest_column, "a column degree");
  const std::vector<int> row_degrees = reader.degrees(checks, largest_row, "a row degree");
  std::int64_t from_columns = 0, from_rows = 0;
  for (const int degree : column_degrees) from_columns += degree;
  for (const int degree : row_degrees) from_rows += degree;
  if (from_columns != from_rows)
    reader.fail("the column degrees add up to " + std::to_string(from_columns) +
                ", the row degrees to " + std::to_string(from_rows));
  if (from_columns > alist_edge_limit)
    reader.fail("more than " + std::to_string(alist_edge_limit) + " ones");

  const Lists columns = reader.lists(column_degrees, largest_column, checks, "a row index");
  Lists transposed(static_cast<std::size_t>(checks));
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (const std::int32_t r : columns[c])
      transposed[static_cast<std::size_t>(r)].push_back(static_cast<std::int32_t>(c));
  const Lists rows = reader.lists(row_degrees, largest_row, length, "a column index");
  reader.end_of_file();
  for (std::size_t r = 0; r < rows.size(); ++r)
    if (rows[r] != transposed[r])
      throw Error(place, "row " + std::to_string(r + 1) +
                             " of the lists by row is not that of the lists by column");
  auto code = std::make_shared<const LdpcCode>(length, rows, "LDPC of " + place);
  if (code->information() == 0)
    throw Error(place, "the matrix has full column rank: the code carries no information");
  return code;
}

std::shared_ptr<const LdpcCode> LdpcCode::from_alist(const std::string& path) {
  return parse_alist(read_file_whole(path, std::size_t{64} << 20), path);
}

}  // namespace semwave
