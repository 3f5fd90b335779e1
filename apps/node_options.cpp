#include "apps/node_options.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "apps/interrupt.h"
#include "core/base/error.h"
#include "core/base/text.h"

namespace semwave {

std::pair<std::string, std::uint16_t> host_and_port(const std::string& option,
                                                    const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos && !text.empty())
    throw Error(option + " " + text,
                "the port is missing: expected HOST:PORT, such as " + text + ":7400");
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const std::string digits = text.empty() ? "" : text.substr(colon + 1);
  const bool numeric = !digits.empty() && digits.size() <= 5 &&
                       digits.find_first_not_of("0123456789") == std::string::npos;
  const int port = numeric ? std::stoi(digits) : -1;
  if (host.empty() || port < 0 || port > 65535)
    throw Error(option + " " + text, "expected HOST:PORT, such as 127.0.0.1:7400");
  return {host, static_cast<std::uint16_t>(port)};
}

void NodeOptions::add_to(CLI::App& command, const std::string& default_name) {
  name = default_name;
  command.add_option("--keys", keys, "folder of semwave keys: TLS 1.3, certificates on both ends")
      ->type_name("DIR");
  command
      .add_option("--as", name,
                  "whose certificate, and the name in logs (default: " + default_name + ")")
      ->type_name("NAME");
  command
      .add_option("--revoked", revoked,
                  "list of certificates not to trust: a name or 'serial' and a number a line; "
                  "SIGHUP reads it again")
      ->type_name("FILE");
  command.add_flag("--insecure", insecure, "plain sockets beyond this machine");
  command.add_flag("--verbose", verbose, "log every connection, retry and report");
}

std::optional<KeyFiles> NodeOptions::key_files() const {
  if (!is_printable(name))
    throw Error("--as " + name, "is no printable UTF-8: peers would refuse it");
  if (keys.empty() && !revoked.empty())
    throw Error("--revoked " + revoked, "certificates are asked for with --keys DIR");
  if (keys.empty()) return std::nullopt;
  return KeyFiles{keys, name, revoked};
}

std::atomic<bool>* NodeOptions::reread() const {
  if (revoked.empty()) return nullptr;
  listen_for_hangups();
  return &hung_up;
}

LogSink NodeOptions::log(bool quiet) const {
  auto logger = std::make_shared<spdlog::logger>("semwave",
                                                 std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  logger->set_level(verbose ? spdlog::level::debug
                    : quiet ? spdlog::level::warn
                            : spdlog::level::info);
  return [logger](LogLevel level, const std::string& text) {
    logger->log(level == LogLevel::warning ? spdlog::level::warn
                : level == LogLevel::note  ? spdlog::level::info
                                           : spdlog::level::debug,
                "{}", printable(text));
  };
}

OrderedJson about_node(const std::string& role, const std::string& device, int threads) {
  return {{"semwave_version", SEMWAVE_VERSION},
          {"compiler", __VERSION__},
          {"role", role},
          {"device", device},
          {"threads", threads}};
}

}  // namespace semwave
