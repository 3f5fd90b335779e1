// The options of every command that runs, and what is made of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/config/json.h"
#include "core/tensor/backend.h"

namespace semwave {

/// "/json/pointer=value", each; a value that is no JSON is a string. Throws Error, naming the
/// option, for one without pointer or value.
std::vector<std::pair<std::string, Json>> pointer_values(const std::string& option,
                                                         const std::vector<std::string>& entries);

struct RunOptions {
  std::string scenario;
  std::vector<std::string> set;  // "/json/pointer=value"
  std::string out;               // empty: no folder
  std::string device = "auto";
  int threads = 0;  // 0: one a core
  int shard = 0;    // 0: what the device likes
  std::optional<std::uint64_t> seed;
  bool json = false, quiet = false;

  static constexpr const char* result_folder = "result folder; run again with it to go on";
  /// `out_means`: what --out is for; null: the command takes none.
  void add_to(CLI::App& command, const char* out_means = result_folder);
  /// --set and --seed. A whole sweep is given key by key, so that it keeps the order it is written
  /// in.
  std::vector<std::pair<std::string, Json>> overrides() const;
  /// auto: a GPU where there is one. Throws Error where the device asked for cannot be had.
  std::unique_ptr<Backend> make_backend() const;
  int thread_count() const;
};

}  // namespace semwave
