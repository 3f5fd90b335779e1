#include "node/net/security.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/verify_context.hpp>

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "core/base/error.h"
#include "node/net/pem.h"

namespace semwave {

namespace asio = boost::asio;

namespace {

/// Throws where a certificate is not valid today: better here than as a peer's alert.
void check_dates(const std::string& path, const X509* certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
    throw Error(path, "the certificate is not valid yet: look at this machine's clock");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    throw Error(path, "the certificate has expired: semwave keys makes a new one");
}

/// OpenSSL takes a certificate that names no role for any role. Here it serves none.
bool names_role(X509* certificate, bool transmitter) {
  const std::uint32_t role = transmitter ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
  return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0 &&
         (X509_get_extended_key_usage(certificate) & role) != 0;
}

/// What is wrong with the certificate of a peer whose chain holds.
int fault_of(X509* certificate, bool transmitter, const RevokedList* revoked) {
  if (!names_role(certificate, transmitter)) return X509_V_ERR_INVALID_PURPOSE;
  const std::optional<CertificateId> id = identify(certificate);
  if (!id) return X509_V_ERR_APPLICATION_VERIFICATION;
  return revoked != nullptr && revoked->holds(*id) ? X509_V_ERR_CERT_REVOKED : X509_V_OK;
}

}  // namespace

TlsContext make_tls_context(const KeyFiles& keys, bool server,
                            const std::shared_ptr<const RevokedList>& revoked) {
  auto context = std::make_shared<asio::ssl::context>(server ? asio::ssl::context::tls_server
                                                             : asio::ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(raw, 0);  // each connection shows its certificate
  context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  context->set_verify_callback([server, revoked](bool holds, asio::ssl::verify_context& verified) {
    X509_STORE_CTX* chain = verified.native_handle();
    if (!holds || X509_STORE_CTX_get_error_depth(chain) != 0) return holds;
    const int fault = fault_of(X509_STORE_CTX_get_current_cert(chain), server, revoked.get());
    X509_STORE_CTX_set_error(chain, fault);
    return fault == X509_V_OK;
  });

  for (const std::string& path : {keys.folder, keys.authority(), keys.certificate()})
    check_kept(path);
  check_kept(keys.key(), true);
  for (const Certificate& authority : read_certificates(keys.authority())) {
    check_dates(keys.authority(), authority.get());
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), authority.get()) != 1)
      throw Error(keys.authority(),
                  "OpenSSL does not take it as an authority: " + openssl_reason());
  }
  const std::vector<Certificate> chain = read_certificates(keys.certificate());
  check_dates(keys.certificate(), chain.front().get());
  bool taken = SSL_CTX_use_certificate(raw, chain.front().get()) == 1;
  for (std::size_t i = 1; i < chain.size(); ++i)
    taken = taken && SSL_CTX_add1_chain_cert(raw, chain[i].get()) == 1;
  if (!taken)
    throw Error(keys.certificate(), "OpenSSL does not take this certificate: " + openssl_reason());
  const Key key = read_key(keys.key());
  if (SSL_CTX_use_PrivateKey(raw, key.get()) != 1 || SSL_CTX_check_private_key(raw) != 1) {
    (void)openssl_reason();
    throw Error(keys.key(), "is not the key of " + keys.certificate());
  }
  return context;
}

std::optional<CertificateId> identify(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return std::nullopt;
  unsigned char* text = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) return std::nullopt;
  CertificateId id{.name = {reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)},
                   .serial = {}};
  OPENSSL_free(text);
  // A NUL within it would end the name early for whoever prints it.
  if (id.name.empty() || id.name.size() > 64) return std::nullopt;
  for (const char c : id.name)
    if (c < 0x20 || c >= 0x7F) return std::nullopt;
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* digits = number == nullptr ? nullptr : BN_bn2hex(number);
  BN_free(number);
  if (digits == nullptr) return std::nullopt;
  id.serial = digits;
  OPENSSL_free(digits);
  id.serial.erase(0, id.serial.find_first_not_of('0'));
  return id;
}

bool is_loopback(const std::string& address) {
  boost::system::error_code failure;
  const auto parsed = asio::ip::make_address(address, failure);
  return !failure && parsed.is_loopback();
}

std::string reached_by_others(const std::string& address) {
  boost::system::error_code failure;
  const auto parsed = asio::ip::make_address(address, failure);
  const bool every = !failure && parsed.is_unspecified();
  return every ? address +
                     " means every address of this machine, those that other machines can reach too"
               : address + " leads beyond this machine (127.0.0.1 and ::1 do not)";
}

void check_plain(const std::string& address, bool secured, bool insecure,
                 const std::string& option) {
  if (secured || insecure || is_loopback(address)) return;
  throw Error(option, reached_by_others(address) +
                          ": give --keys DIR and --as NAME (semwave keys makes them), or "
                          "--insecure to talk in the clear");
}

}  // namespace semwave
