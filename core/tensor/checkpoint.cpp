// safetensors: 8 bytes of header length, little-endian; a JSON header {"__metadata__": {...}, name:
// {"dtype", "shape", "data_offsets"}}; the numbers. Nothing of a file is believed before it is
// checked, and nothing is allocated for a size that the file does not have.
#include "core/tensor/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/config/json.h"

namespace semwave {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors holds little-endian numbers, and this reader copies them");

constexpr std::uint64_t header_limit = 16u << 20;
constexpr std::uint64_t file_limit = std::uint64_t{1} << 30;
constexpr std::size_t name_limit = 256, rank_limit = 8;

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
  std::uint64_t elements = 0;
};

/// A whole number of the header, at most 2^53 (beyond any file).
std::uint64_t whole_number(const Json& value, const std::string& place) {
  if (!value.is_number_unsigned())
    throw Error(place, "expected a whole number that is not negative, found " +
                           (value.is_number() ? value.dump() : value.type_name()));
  const auto number = value.get<std::uint64_t>();
  if (number > std::uint64_t{1} << 53)
    throw Error(place, std::to_string(number) + " is larger than any file");
  return number;
}

std::size_t width_of(const std::string& dtype, const std::string& place) {
  if (dtype == "F32") return 4;
  if (dtype == "F16" || dtype == "BF16") return 2;
  throw Error(place, "dtype '" + dtype + "' is not supported, only F32, F16 and BF16");
}

Entry parse_entry(const std::string& name, const Json& value, std::uint64_t data_bytes,
                  const std::string& file) {
  const std::string place = file + ": array '" + name.substr(0, name_limit) + "'";
  if (name.empty() || name.size() > name_limit)
    throw Error(place, "a name must have 1 to " + std::to_string(name_limit) + " bytes");
  if (!value.is_object())
    throw Error(place, "expected an object with dtype, shape and data_offsets");
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key)) throw Error(place, std::string("the key '") + key + "' is missing");
  for (const auto& [key, element] : value.items())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      throw Error(place, "unknown key '" + key + "'");

  Entry entry;
  entry.name = name;
  if (!value["dtype"].is_string()) throw Error(place, "dtype must be a string");
  entry.dtype = value["dtype"].get<std::string>();
  const std::uint64_t width = width_of(entry.dtype, place);

  const Json& shape = value["shape"];
  if (!shape.is_array() || shape.size() > rank_limit)
    throw Error(place,
                "shape must be a list of at most " + std::to_string(rank_limit) + " extents");
  entry.elements = 1;
  for (const Json& extent : shape) {
    const std::uint64_t number = whole_number(extent, place + ": shape");
    if (__builtin_mul_overflow(entry.elements, number, &entry.elements))
      throw Error(place, "shape " + shape.dump() + " overflows");
    entry.shape.push_back(static_cast<std::int64_t>(number));
  }

  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    throw Error(place, "data_offsets must be [begin, end]");
  entry.begin = whole_number(offsets[0], place + ": data_offsets");
  entry.end = whole_number(offsets[1], place + ": data_offsets");
  if (entry.begin > entry.end || entry.end > data_bytes)
    throw Error(place, "data_offsets " + offsets.dump() + " do not lie in the " +
                           std::to_string(data_bytes) + " bytes of data: truncated or corrupt");
  std::uint64_t needed = 0;
  if (__builtin_mul_overflow(entry.elements, width, &needed) || needed != entry.end - entry.begin)
    throw Error(place, "shape " + shape.dump() + " of " + entry.dtype + " does not match its " +
                           std::to_string(entry.end - entry.begin) + " bytes");
  return entry;
}

void parse_metadata(const Json& value, Checkpoint& checkpoint, const std::string& file) {
  const std::string place = file + ": __metadata__";
  if (!value.is_object()) throw Error(place, "expected an object of strings");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw Error(place, "'" + key + "' must be a string");
    checkpoint.metadata[key] = text.get<std::string>();
  }
}

float widen_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u,
                      fraction = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {  // zero and subnormal: fraction 2^-24, exact in a float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
}

/// Nearest half, ties to even; `value` is at most half_limit in magnitude.
std::uint16_t narrow_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 16 & 0x8000u,
                      magnitude = bits & 0x7fffffffu;
  if (magnitude < 0x38800000u) {  // below the smallest normal half: a count of 2^-24, rounded to
                                  // even by the addition
    const float scaled = std::bit_cast<float>(magnitude) + 0.5f;  // the last bit of 0.5f is 2^-24
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(scaled) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | (rounded - 0x38000000u) >> 13);
}
constexpr float half_limit = 65504;

void copy_values(const Entry& entry, const std::uint8_t* bytes, std::vector<float>& values) {
  values.resize(entry.elements);
  if (entry.elements == 0) return;
  if (entry.dtype == "F32") {
    std::memcpy(values.data(), bytes, entry.elements * 4);
    return;
  }
  const bool half = entry.dtype == "F16";
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t word;
    std::memcpy(&word, bytes + 2 * i, 2);
    values[i] = half ? widen_half(word) : std::bit_cast<float>(std::uint32_t{word} << 16);
  }
}

void check_finite(const NamedArray& array, const std::string& file) {
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (!std::isfinite(array.values[i]))
      throw Error(file + ": array '" + array.name + "'", "element " + std::to_string(i) +
                                                             " is not a finite number (" +
                                                             std::to_string(array.values[i]) + ")");
}

}  // namespace

const NamedArray* Checkpoint::find(const std::string& name) const {
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const NamedArray& array) { return array.name == name; });
  return found == arrays.end() ? nullptr : &*found;
}

Checkpoint parse_checkpoint(const void* data, std::size_t bytes, const std::string& place) {
  if (bytes > file_limit) throw Error(place, "larger than the 1 GiB allowed for a checkpoint");
  if (bytes < 8)
    throw Error(place, "is no safetensors file: " + std::to_string(bytes) +
                           " bytes, shorter than its header length");
  const auto* at = static_cast<const std::uint8_t*>(data);
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, at, 8);
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must
                               // notice
  if (header_bytes > bytes - 8)
    throw Error(place, "truncated, or no safetensors file: the header should have " +
                           std::to_string(header_bytes) + " bytes, " + std::to_string(bytes - 8) +
                           " are there");
#endif
  if (header_bytes > header_limit)
    throw Error(place, "the header has " + std::to_string(header_bytes) +
                           " bytes, at most 16 MiB are allowed");
  const Json header = parse_json(std::string(reinterpret_cast<const char*>(at) + 8, header_bytes),
                                 place + ": header");
  if (!header.is_object()) throw Error(place + ": header", "expected a JSON object");

  const std::uint64_t data_bytes = bytes - 8 - header_bytes;
  Checkpoint checkpoint;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      parse_metadata(value, checkpoint, place);
    else
      entries.push_back(parse_entry(name, value, data_bytes, place));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered)
      throw Error(place + ": array '" + entry.name + "'",
                  entry.begin < covered ? "overlaps the array before it"
                                        : "leaves a gap to the array before it");
    covered = entry.end;
  }
  if (covered != data_bytes)
    throw Error(place, std::to_string(data_bytes) +
                           " bytes of data, the arrays of the header have " +
                           std::to_string(covered) + ": truncated or corrupt");

  for (Entry& entry : entries) {
    NamedArray& array = checkpoint.arrays.emplace_back();
    copy_values(entry, at + 8 + header_bytes + entry.begin, array.values);
    array.name = std::move(entry.name);
    array.shape = std::move(entry.shape);
    check_finite(array, place);
  }
  return checkpoint;
}

Checkpoint read_checkpoint(const std::string& path) {
  const std::string bytes = read_file_whole(path, file_limit);
  Checkpoint checkpoint = parse_checkpoint(bytes.data(), bytes.size(), path);
  checkpoint.sha256 = sha256(bytes.data(), bytes.size());
  return checkpoint;
}

std::string checkpoint_bytes(const Checkpoint& checkpoint, const std::string& place) {
  std::vector<const NamedArray*> arrays;
  for (const NamedArray& array : checkpoint.arrays) arrays.push_back(&array);
  std::sort(arrays.begin(), arrays.end(),
            [](const NamedArray* a, const NamedArray* b) { return a->name < b->name; });

  // Written by hand: a Json object would put __metadata__ among the names.
  std::string header =
      "{\"__metadata__\":" +
      Json(checkpoint.metadata).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::size_t width = checkpoint.half ? 2 : 4;
  std::uint64_t offset = 0;
  [[maybe_unused]] const std::string* before = nullptr;
  for (const NamedArray* each : arrays) {
    const NamedArray& array = *each;
    assert(before == nullptr || *before != array.name);
    before = &array.name;
    [[maybe_unused]] std::uint64_t elements = 1;
    for (const std::int64_t extent : array.shape) elements *= static_cast<std::uint64_t>(extent);
    assert(elements == array.values.size() && !array.name.empty() &&
           array.name.size() <= name_limit && array.shape.size() <= rank_limit);
    check_finite(array, place);
    for (const float value : array.values)
      if (checkpoint.half && std::abs(value) > half_limit)
        throw Error(place, "array '" + array.name +
                               "' has values beyond the range of float16; write float32");
    const std::uint64_t end = offset + array.values.size() * width;
    const Json entry{{"dtype", checkpoint.half ? "F16" : "F32"},
                     {"shape", array.shape},
                     {"data_offsets", {offset, end}}};
    header += ',' + Json(array.name).dump() + ':' + entry.dump();
    offset = end;
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8,
                ' ');  // the numbers then start on 8 bytes, for readers that map the file
  if (header.size() > header_limit || 8 + header.size() + offset > file_limit)
    throw Error(place, "too large for a checkpoint (1 GiB, header 16 MiB)");

  const std::uint64_t header_bytes = header.size();
  std::string bytes(8 + header.size() + offset, '\0');
  std::memcpy(bytes.data(), &header_bytes, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  char* at = bytes.data() + 8 + header.size();
  for (const NamedArray* array : arrays) {
    if (array->values.empty()) continue;
    if (checkpoint.half) {
      for (const float value : array->values) {
        const std::uint16_t word = narrow_half(value);
        std::memcpy(at, &word, 2);
        at += 2;
      }
      continue;
    }
    std::memcpy(at, array->values.data(), array->values.size() * 4);
    at += array->values.size() * 4;
  }
  return bytes;
}

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const std::string bytes = checkpoint_bytes(checkpoint, path);
  write_file_whole(path, bytes.data(), bytes.size());
}

}  // namespace semwave
