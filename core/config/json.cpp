// Places, JSON pointers, names near to a mistyped one, and the canonical text.
#include "core/config/json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "core/base/error.h"

namespace semwave {
namespace {

void write_canonical(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object: {
      out += '{';
      const char* separator = "";
      for (const auto& [key, element] : value.items()) {  // the default Json keeps its keys sorted
        out += separator + Json(key).dump() + ':';
        write_canonical(element, out);
        separator = ",";
      }
      out += '}';
      return;
    }
    case Json::value_t::array: {
      out += '[';
      const char* separator = "";
      for (const Json& element : value) {
        out += separator;
        write_canonical(element, out);
        separator = ",";
      }
      out += ']';
      return;
    }
    case Json::value_t::number_float: {
      const double number = value.get<double>();
      if (!std::isfinite(number)) break;
      std::array<char, 32> digits;
      // 10.0 and 10 mean the same point, so they must hash alike; 2^53 bounds what a double counts
      // exactly.
      const bool whole = number == std::floor(number) && std::abs(number) <= 0x1p53;
      const auto end =
          whole ? std::to_chars(digits.data(), digits.data() + digits.size(),
                                static_cast<std::int64_t>(number))
                      .ptr
                : std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
      out.append(digits.data(), end);
      return;
    }
    default:
      break;
  }
  out += value.dump();
}

std::vector<std::string> split_pointer(const std::string& pointer, const std::string& place) {
  std::vector<std::string> parts;
  if (pointer.empty()) return parts;
  if (pointer[0] != '/')
    throw Error(place, "'" + pointer +
                           "' is no JSON pointer: it must start with '/', as in /channel/snr_db");
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      parts.emplace_back();
    } else if (pointer[i] != '~') {
      parts.back() += pointer[i];
    } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      parts.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      throw Error(place, "'" + pointer + "' is no JSON pointer: '~' must be followed by 0 or 1");
    }
  }
  return parts;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  // Optimal string alignment: insert, delete, replace, and swap of neighbours.
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

Place Place::operator/(const std::string& key) const {
  Place deeper = *this;
  deeper.pointer += '/';
  for (const char c : key) {
    if (c == '~')
      deeper.pointer += "~0";
    else if (c == '/')
      deeper.pointer += "~1";
    else
      deeper.pointer += c;
  }
  return deeper;
}

std::string Place::str() const {
  if (pointer.empty()) return file;
  return file.empty() ? pointer : file + ": " + pointer;
}

void set_pointer(Json& root, const std::string& pointer, const Json& value,
                 const std::string& place) {
  const std::vector<std::string> parts = split_pointer(pointer, place);
  Json* at = &root;
  Place here;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const std::string& part = parts[i];
    const std::string where = here.pointer.empty() ? "the top" : here.pointer;
    if (at->is_object()) {
      if (!last && !at->contains(part)) {
        std::vector<std::string> known;
        for (const auto& [key, element] : at->items()) known.push_back(key);
        const std::string near = nearest(part, known);
        throw Error(place, pointer + ": there is no '" + part + "' at " + where +
                               (near.empty() ? "" : "; did you mean '" + near + "'?"));
      }
      at = &(*at)[part];
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool number = status == std::errc() && end == part.data() + part.size() &&
                          !(part.size() > 1 && part[0] == '0');
      if (!number || index >= at->size())
        throw Error(place, pointer + ": '" + part + "' is no element of the list of " +
                               std::to_string(at->size()) + " at " + where);
      at = &(*at)[index];
    } else {
      throw Error(place, pointer + ": " + where + " is a " + at->type_name() + " and has no '" +
                             part + "'");
    }
    here = here / part;
  }
  *at = value;
}

std::string nearest(const std::string& name, const std::vector<std::string>& known) {
  // Long names would make this quadratic in what a file holds; nobody mistypes one that long.
  if (name.empty() || name.size() > 100) return "";
  const std::string wanted = lower(name);
  const std::size_t limit = name.size() <= 3 ? 1 : name.size() <= 6 ? 2 : name.size() / 3;
  std::size_t best_distance = limit + 1;
  std::string best;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best_distance) best_distance = distance, best = candidate;
  }
  if (best.empty() && name.size() >= 3)  // "snr" for "snr_db", "snr_in_db" left to the list
    for (const std::string& candidate : known)
      if (lower(candidate).starts_with(wanted) ||
          (candidate.size() >= 3 && wanted.starts_with(lower(candidate))))
        return candidate;
  return best;
}

std::string canonical(const Json& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

}  // namespace semwave
