// Who may talk to whom: TLS 1.3 with certificates on both ends, plain sockets on loopback alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace semwave {

/// Files that `semwave keys` made: DIR/authority.pem, DIR/NAME.pem, DIR/NAME.key.
struct KeyFiles {
  std::string folder;
  std::string name;
  std::string authority() const { return folder + "/authority.pem"; }
  std::string certificate() const { return folder + "/" + name + ".pem"; }
  std::string key() const { return folder + "/" + name + ".key"; }
};

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;
/// TLS 1.3 alone; a peer without a certificate of this authority is refused. Throws Error naming the file that is missing, does not fit the
/// others, has expired, or is a key that others may read.
TlsContext make_tls_context(const KeyFiles& keys, bool server);

/// Throws Error where plain sockets would leave this machine and nobody asked for that. `address` is numeric.
void check_plain(const std::string& address, bool secured, bool insecure, const std::string& option);
bool is_loopback(const std::string& address);

}  // namespace semwave
