// A small private authority: one key that signs the certificates of receivers and transmitters,
// which then know each other by it.
#pragma once

#include <string>
#include <vector>

namespace semwave {

enum class NodeRole { receiver, transmitter };

struct Certified {
  std::string name;
  NodeRole role = NodeRole::transmitter;
  int days = 825;
  /// Days before now at which it began; a test's way to an expired one.
  int begun_days_ago = 0;
  /// False: without extended key usage, as another authority might make it; a test's way to one
  /// that is refused.
  bool names_role = true;
};

/// Makes `folder` (only its owner enters) with authority.pem and authority.key where they are
/// missing, then NAME.pem and NAME.key of each (ECDSA over P-256, SHA-256; keys are readable by
/// their owner alone). A certificate serves one role: what a transmitter holds opens no receiver.
/// Returns the files made. A key and its certificate are there both or not at all, whatever fails
/// and whenever this is killed (what a kill leaves half done the next call clears away). Throws
/// Error where a name is unfit or taken, where others may change the folder, or a file cannot be
/// written; nothing is overwritten.
std::vector<std::string> make_keys(const std::string& folder, const std::vector<Certified>& nodes);

}  // namespace semwave
