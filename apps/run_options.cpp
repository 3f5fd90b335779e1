#include "apps/run_options.h"

#include <charconv>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/config/ordered_json.h"
#include "experiment/run/device.h"
#include "experiment/scenario/overrides.h"

namespace semwave {

namespace {

/// CLI11 would take -1 for the largest seed, and of "abc" it says that it could not convert.
std::string check_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, seed);
  if (status == std::errc() && stop == end) return "";
  return "expected a whole number from 0 to 18446744073709551615, found '" + text + "'";
}

}  // namespace

void RunOptions::add_to(CLI::App& command, const char* out_means) {
  command.add_option("scenario", scenario, "scenario file")->required()->type_name("SCENARIO");
  command.add_option("--set", set, "change one key, such as /channel/snr_db=5; may be repeated")
      ->type_name("/KEY=VALUE")
      ->allow_extra_args(false);
  if (out_means != nullptr) command.add_option("--out", out, out_means)->type_name("DIR");
  command.add_option("--device", device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->type_name("NAME");
  command.add_option("--threads", threads, "threads of the processor (default: one a core)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command.add_option("--shard", shard, "images a thread takes at once (default: the device's)")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  command.add_option("--seed", seed, "key of all random draws, instead of the scenario's")
      ->check(check_seed)
      ->type_name("N");
  command.add_flag("--json", json, "print one JSON object a line instead of a table");
  command.add_flag("--quiet", quiet, "no progress on standard error");
}

std::vector<std::pair<std::string, Json>> pointer_values(const std::string& option,
                                                         const std::vector<std::string>& entries) {
  std::vector<std::pair<std::string, Json>> made;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || entry[0] != '/')
      throw Error(option + " " + entry, "expected /json/pointer=value, such as /channel/snr_db=5");
    if (!is_utf8(entry)) throw Error(option + " " + entry, "holds bytes that are no UTF-8");
    const std::string text = entry.substr(equals + 1);
    Json value = text;
    try {
      value = parse_json(text, option);
    } catch (const Error&) {
      // Not JSON: a plain word, as in /channel/kind=awgn.
    }
    made.emplace_back(entry.substr(0, equals), std::move(value));
  }
  return made;
}

std::vector<std::pair<std::string, Json>> RunOptions::overrides() const {
  std::vector<std::pair<std::string, Json>> made;
  for (const std::string& entry : set) {
    const auto [pointer, value] = pointer_values("--set", {entry}).front();
    add_override(made, pointer,
                 pointer == "/sweep" && value.is_object()
                     ? parse_ordered_json(entry.substr(entry.find('=') + 1), "--set")
                     : OrderedJson(value));
  }
  if (seed) made.emplace_back("/seed", *seed);
  return made;
}

std::unique_ptr<Backend> RunOptions::make_backend() const {
  return semwave::make_backend(device);
}

int RunOptions::thread_count() const {
  return semwave::thread_count(threads);
}

}  // namespace semwave
