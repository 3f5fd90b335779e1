// Strict JSON reading over nlohmann's SAX parser: what that lets pass (a key twice, any depth, a
// NUL) is refused, and mistakes are told in words that help.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>
#include <type_traits>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/config/ordered_json.h"

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

/// Makes a Json or one whose keys keep their order. The latter finds a key by looking at all of
/// them, so the keys of each open object are kept in a set beside it.
template <class Made>
class Builder : public Made::json_sax_t {
 public:
  using typename Made::json_sax_t::binary_t;
  using typename Made::json_sax_t::number_float_t;
  using typename Made::json_sax_t::number_integer_t;
  using typename Made::json_sax_t::number_unsigned_t;
  using typename Made::json_sax_t::string_t;

  Made root;
  std::string mistake;       // set where the text is refused
  bool syntax = false;       // refused by the parser itself
  std::size_t position = 0;  // where the parser did

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return no_nul(value) && add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Made::object()); }
  bool start_array(std::size_t) override { return open(Made::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!no_nul(name)) return false;
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must
                               // notice
    if (is_known(name)) return refuse("the key '" + name + "' is given twice");
#endif
    key_ = name;
    return true;
  }

  bool parse_error(std::size_t read, const std::string&,
                   const nlohmann::json::exception& problem) override {
    syntax = true;
    position = read;
    mistake = problem.what();
    if (const std::size_t prefix = mistake.find("] "); prefix != std::string::npos)
      mistake.erase(0, prefix + 2);
    if (mistake.starts_with("parse error at"))
      if (const std::size_t colon = mistake.find(": "); colon != std::string::npos)
        mistake.erase(0, colon + 2);
    // The text read so far is quoted in it, and may be no UTF-8.
    for (char& c : mistake)
      if (static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return false;
  }

 private:
  static constexpr bool ordered = std::is_same_v<Made, nlohmann::ordered_json>;
  struct Open {
    Made* value;  // its address holds: the parent grows only once this is closed
    std::set<std::string> keys;
  };

  bool refuse(std::string why) {
    mistake = std::move(why);
    return false;
  }
  /// A path or a name would end there for the system, and be another one.
  bool no_nul(const string_t& text) {
    return text.find('\0') == string_t::npos || refuse("a string holds the character NUL");
  }
  bool is_known(const string_t& name) {
    if constexpr (ordered)
      return !open_.back().keys.insert(name).second;
    else
      return open_.back().value->contains(name);
  }
  bool add(Made value) {
    place(std::move(value));
    return true;
  }
  bool open(Made value) {
    if (open_.size() >= depth_limit)
      return refuse("nested more than " + std::to_string(depth_limit) + " deep");
    Made* const placed = place(std::move(value));
    open_.push_back({placed, {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  Made* place(Made value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Made& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    if constexpr (ordered) {
      // Behind the others without looking at them: the key is known to be new.
      auto& members = parent.template get_ref<typename Made::object_t&>();
      static_cast<typename Made::object_t::Container&>(members).emplace_back(key_,
                                                                             std::move(value));
      return &members.back().second;
    } else {
      Made& slot = parent[key_];
      slot = std::move(value);
      return &slot;
    }
  }

  std::vector<Open> open_;
  std::string key_;
};

/// Better words for what people write that is no JSON.
std::string explain(std::string_view text, std::size_t position, std::string mistake) {
  std::size_t start = std::min(position, text.size());
  const auto part_of_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '+' || c == '.';
  };
  if (start > 0) --start;
  while (start > 0 && part_of_word(text[start]) && part_of_word(text[start - 1])) --start;
  std::string word;
  for (std::size_t i = start; i < text.size() && word.size() < 12 && part_of_word(text[i]); ++i)
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
  if (!word.empty() && (word[0] == '-' || word[0] == '+')) word.erase(0, 1);
  if (word == "nan" || word == "inf" || word == "infinity")
    return "NaN and Infinity are no JSON numbers and nothing here may be one";
  const std::size_t near = start > 0 && text[start] != '/' ? start - 1 : start;
  if (near < text.size() && text[near] == '/') return "comments are not allowed in JSON";
  return mistake;
}

std::string location(std::string_view text, std::size_t position) {
  position = std::min(position, text.size());
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(position);
  const auto line = std::count(text.begin(), end, '\n') + 1;
  const std::size_t line_start =
      position == 0 ? std::string_view::npos : text.rfind('\n', position - 1);
  const std::size_t column =
      line_start == std::string_view::npos ? position : position - line_start - 1;
  return "line " + std::to_string(line) + ", column " +
         std::to_string(std::max<std::size_t>(column, 1));
}

template <class Made>
Made parse(std::string_view text, const std::string& file) {
  const char* seen = text.data();
  Builder<Made> builder;
  const Cursor begin{text.data(), &seen}, end{text.data() + text.size(), &seen};
  if (Made::sax_parse(begin, end, &builder)) return std::move(builder.root);
  // The parser tells its own position; after a number it has read one further, which `seen` cannot
  // know.
  const std::size_t position =
      builder.syntax ? builder.position : static_cast<std::size_t>(seen - text.data());
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    throw Error(file, "is empty, expected JSON");
  throw Error(file,
              location(text, position) + ": " +
                  (builder.syntax ? explain(text, position, builder.mistake) : builder.mistake));
}

}  // namespace

Json parse_json(const std::string& text, const std::string& file) {
  return parse<Json>(text, file);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& file) {
  return parse<nlohmann::ordered_json>(text, file);
}

Json read_json(const std::string& path, std::size_t max_bytes) {
  return parse_json(read_file_whole(path, max_bytes), path);
}

}  // namespace semwave
