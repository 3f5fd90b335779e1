// Where a node's words go. The library itself prints nothing.
#pragma once

#include <functional>
#include <string>

namespace semwave {

enum class LogLevel { detail, note, warning };
using LogSink = std::function<void(LogLevel, const std::string&)>;

}  // namespace semwave
