// What `transmit` and `receive` have in common: addresses, certificates, the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "experiment/results/results.h"
#include "node/net/log.h"
#include "node/net/security.h"

namespace semwave {

/// "host:port", "[::1]:port". Throws Error naming the option.
std::pair<std::string, std::uint16_t> host_and_port(const std::string& option,
                                                    const std::string& text);

struct NodeOptions {
  std::string keys, name, revoked;  // folder, whose certificate, list of those not trusted any more
  bool insecure = false, verbose = false;

  void add_to(CLI::App& command, const std::string& default_name);
  /// Throws Error where there is a list and no keys.
  std::optional<KeyFiles> key_files() const;
  /// What SIGHUP sets from here on; null, and SIGHUP as it was, where there is no list to read
  /// again.
  std::atomic<bool>* reread() const;
  /// To standard error, with the time; quiet: warnings alone.
  LogSink log(bool quiet) const;
};

/// For run.json.
OrderedJson about_node(const std::string& role, const std::string& device, int threads);

}  // namespace semwave
