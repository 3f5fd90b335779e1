// JSON with its place: reading files, JSON pointers, checked fields with defaults, JSON Schema. One
// description of the fields serves `validate`, defaults, `schema`, `list` and the documentation.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace semwave {

using Json = nlohmann::json;

/// Where a value stands: a file and a JSON pointer. `str()` is "scenarios/x.json: /channel/snr_db".
struct Place {
  std::string file;
  std::string pointer;
  Place operator/(const std::string& key) const;
  std::string str() const;
};

/// Parses a file of at most `max_bytes`. Refused: comments, a key twice, more than 64 levels, NUL
/// in a string; errors name line and column.
Json read_json(const std::string& path, std::size_t max_bytes = 16u << 20);
Json parse_json(const std::string& text, const std::string& file);

/// What a field may hold. `object` has sub-fields, `variant` is {"kind": NAME, ...} with the fields
/// of that kind, `any` is checked by its reader.
enum class FieldType { number, integer, boolean, string, choice, object, variant, list, map, any };

struct Fields;

/// Members carry initialisers so that a designated list may leave any of them out.
struct Field {
  std::string name{};
  FieldType type = FieldType::any;
  std::string summary{};
  std::optional<Json> fallback{};  // none: the key is required (or, if `optional`, may be missing)
  bool optional = false;           // may be missing and then stays missing
  double minimum =
      -std::numeric_limits<double>::infinity();  // numbers, integers, the length of a list:
                                                 // inclusive. NaN and infinities are always refused
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices{};      // choice
  std::shared_ptr<const Fields> object{};  // object; element of a list of objects
  std::vector<std::pair<std::string, std::shared_ptr<const Fields>>>
      kinds{};               // variant: name, fields; a plain string is short for {"kind": string}
  std::string usual_kind{};  // variant: what an object without `kind` is; empty: it must say
  std::shared_ptr<const Field> element{};  // list, map: what each element must be
  std::vector<Field> alternatives{};       // any of these besides (a number or {"uniform": [..]})
};

struct Fields {
  std::string summary{};
  std::vector<Field> fields{};
  bool open = false;  // unknown keys are let through
};

/// A checked copy with every default filled in. Throws Error at the place of the first mistake; an
/// unknown key or name is answered with the nearest known one and the list of all. Idempotent: what
/// it returns resolves to itself. A fallback is checked like a value (so an object's fallback of {}
/// is filled in too), but a null fallback stays null, and may be written as null.
Json resolve(const Json& value, const Fields& fields, const Place& place);
Json resolve(const Json& value, const Field& field, const Place& place);
/// JSON Schema (draft 2020-12).
Json json_schema(const Fields& fields);

/// Sets the value at a JSON pointer; the parent must exist. For --set and sweeps.
void set_pointer(Json& root, const std::string& pointer, const Json& value,
                 const std::string& place);

/// Nearest of `known` by edit distance, empty where none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& known);

/// The text that is hashed and compared: keys sorted, shortest numbers that read back the same.
std::string canonical(const Json& value);

}  // namespace semwave
