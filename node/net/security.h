// Who may talk to whom: TLS 1.3 with certificates on both ends, plain sockets on loopback alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "node/net/revoked.h"

namespace boost::asio::ssl {
class context;
}

typedef struct x509_st X509;

namespace semwave {

/// Files that `semwave keys` made: DIR/authority.pem, DIR/NAME.pem, DIR/NAME.key; and a list of
/// certificates that are not trusted any more (node/net/revoked.h; empty: none).
struct KeyFiles {
  std::string folder;
  std::string name;
  std::string revoked;
  std::string authority() const { return folder + "/authority.pem"; }
  std::string certificate() const { return folder + "/" + name + ".pem"; }
  std::string key() const { return folder + "/" + name + ".key"; }
};

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;
/// TLS 1.3 alone. A peer is refused without a certificate of this authority, with one that does not
/// name its role (extended key usage: serverAuth of a receiver, clientAuth of a transmitter), has
/// no name, or is on the list. Throws Error naming the file that is missing, does not fit the
/// others, has expired, is encrypted, or is kept where others may read the key or change any of
/// them.
TlsContext make_tls_context(const KeyFiles& keys, bool server,
                            const std::shared_ptr<const RevokedList>& revoked = nullptr);

/// Nothing where it has not one common name of 1 to 64 printable characters of ASCII.
std::optional<CertificateId> identify(const X509* certificate);

/// "0.0.0.0 means every address of this machine ...", for an address that is not loopback.
std::string reached_by_others(const std::string& address);

/// Throws Error where plain sockets would leave this machine and nobody asked for that. `address`
/// is numeric.
void check_plain(const std::string& address, bool secured, bool insecure,
                 const std::string& option);
bool is_loopback(const std::string& address);

}  // namespace semwave
