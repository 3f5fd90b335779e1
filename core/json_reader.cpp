// Strict JSON reading over nlohmann's SAX parser: what that lets pass (a key twice, any depth) is refused, and mistakes are told in
// words that help.
#include <algorithm>
#include <cctype>
#include <iterator>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"

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

}  // namespace

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

}  // namespace semwave
