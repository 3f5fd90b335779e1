// Strict JSON reading over nlohmann's SAX parser, JSON pointers, names near to a mistyped one, and the canonical text.
#include "core/json.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "core/error.h"
#include "core/file.h"

namespace semwave {
namespace {

constexpr std::size_t depth_limit = 64;

/// Tells how far the lexer has read, which the SAX interface does not.
struct Cursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** seen;
  reference operator*() const { return *at; }
  Cursor& operator++() {
    *seen = ++at;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
  bool operator!=(const Cursor& other) const { return at != other.at; }
};

class Builder : public nlohmann::json_sax<Json> {
 public:
  Json root;
  std::string mistake;   // set where the text is refused
  bool syntax = false;   // refused by the parser itself
  std::size_t position = 0;  // where the parser did

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must notice
    if (open_.back()->contains(name)) return refuse("the key '" + name + "' is given twice");
#endif
    key_ = name;
    return true;
  }

  bool parse_error(std::size_t read, const std::string&, const nlohmann::json::exception& problem) override {
    syntax = true;
    position = read;
    mistake = problem.what();
    if (const std::size_t prefix = mistake.find("] "); prefix != std::string::npos) mistake.erase(0, prefix + 2);
    if (mistake.starts_with("parse error at"))
      if (const std::size_t colon = mistake.find(": "); colon != std::string::npos) mistake.erase(0, colon + 2);
    // The text read so far is quoted in it, and may be no UTF-8.
    for (char& c : mistake)
      if (static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return false;
  }

 private:
  bool refuse(std::string why) {
    mistake = std::move(why);
    return false;
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= depth_limit) return refuse("nested more than " + std::to_string(depth_limit) + " deep");
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  Json* place(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }

  std::vector<Json*> open_;  // an open container's address holds: its parent grows only once it is closed
  std::string key_;
};

/// Better words for what people write that is no JSON.
std::string explain(std::string_view text, std::size_t position, std::string mistake) {
  std::size_t start = std::min(position, text.size());
  const auto part_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '+' || c == '.'; };
  if (start > 0) --start;
  while (start > 0 && part_of_word(text[start]) && part_of_word(text[start - 1])) --start;
  std::string word;
  for (std::size_t i = start; i < text.size() && word.size() < 12 && part_of_word(text[i]); ++i)
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
  if (!word.empty() && (word[0] == '-' || word[0] == '+')) word.erase(0, 1);
  if (word == "nan" || word == "inf" || word == "infinity") return "NaN and Infinity are no JSON numbers and nothing here may be one";
  const std::size_t near = start > 0 && text[start] != '/' ? start - 1 : start;
  if (near < text.size() && text[near] == '/') return "comments are not allowed in JSON";
  return mistake;
}

std::string location(const std::string& text, std::size_t position) {
  position = std::min(position, text.size());
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(position);
  const auto line = std::count(text.begin(), end, '\n') + 1;
  const std::size_t line_start = position == 0 ? std::string::npos : text.rfind('\n', position - 1);
  const std::size_t column = line_start == std::string::npos ? position : position - line_start - 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(std::max<std::size_t>(column, 1));
}

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
      // 10.0 and 10 mean the same point, so they must hash alike; 2^53 bounds what a double counts exactly.
      const bool whole = number == std::floor(number) && std::abs(number) <= 0x1p53;
      const auto end = whole ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(number)).ptr
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
  if (pointer[0] != '/') throw Error(place, "'" + pointer + "' is no JSON pointer: it must start with '/', as in /channel/snr_db");
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
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) next[j] = std::min(next[j], before[j - 2] + 1);
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

Json parse_json(const std::string& text, const std::string& file) {
  const char* seen = text.data();
  Builder builder;
  const Cursor begin{text.data(), &seen}, end{text.data() + text.size(), &seen};
  if (Json::sax_parse(begin, end, &builder)) return std::move(builder.root);
  // The parser tells its own position; after a number it has read one further, which `seen` cannot know.
  const std::size_t position = builder.syntax ? builder.position : static_cast<std::size_t>(seen - text.data());
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) throw Error(file, "is empty, expected JSON");
  throw Error(file, location(text, position) + ": " + (builder.syntax ? explain(text, position, builder.mistake) : builder.mistake));
}

Json read_json(const std::string& path, std::size_t max_bytes) { return parse_json(read_file_whole(path, max_bytes), path); }

void set_pointer(Json& root, const std::string& pointer, const Json& value, const std::string& place) {
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
        throw Error(place, pointer + ": there is no '" + part + "' at " + where + (near.empty() ? "" : "; did you mean '" + near + "'?"));
      }
      at = &(*at)[part];
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool number = status == std::errc() && end == part.data() + part.size() && !(part.size() > 1 && part[0] == '0');
      if (!number || index >= at->size())
        throw Error(place, pointer + ": '" + part + "' is no element of the list of " + std::to_string(at->size()) + " at " + where);
      at = &(*at)[index];
    } else {
      throw Error(place, pointer + ": " + where + " is a " + at->type_name() + " and has no '" + part + "'");
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
      if (lower(candidate).starts_with(wanted) || (candidate.size() >= 3 && wanted.starts_with(lower(candidate)))) return candidate;
  return best;
}

std::string canonical(const Json& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

}  // namespace semwave
