#include "node/security.h"

#include <sys/stat.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/error.h"
#include "core/file.h"

namespace semwave {

namespace asio = boost::asio;

namespace {

constexpr std::size_t largest_pem = 1u << 16;

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not understood" : reason;
}

/// Throws where a certificate is not valid today: better here than as a peer's alert.
void check_dates(const std::string& path, const std::string& pem) {
  BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  if (certificate == nullptr) throw Error(path, "holds no certificate: " + openssl_reason());
  const bool begun = X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0, ended = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
  X509_free(certificate);
  if (!begun) throw Error(path, "the certificate is not valid yet: look at this machine's clock");
  if (ended) throw Error(path, "the certificate has expired: semwave keys makes a new one");
}

}  // namespace

TlsContext make_tls_context(const KeyFiles& keys, bool server) {
  auto context = std::make_shared<asio::ssl::context>(server ? asio::ssl::context::tls_server : asio::ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(raw, 0);  // each connection shows its certificate
  context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);

  struct stat status {};
  if (::stat(keys.key().c_str(), &status) == 0 && (status.st_mode & 077) != 0) throw Error(keys.key(), "others may read this key: chmod 600 it, and make a new one if they did");
  const std::string authority = read_file_whole(keys.authority(), largest_pem), certificate = read_file_whole(keys.certificate(), largest_pem), key = read_file_whole(keys.key(), largest_pem);
  check_dates(keys.authority(), authority);
  check_dates(keys.certificate(), certificate);
  boost::system::error_code failure;
  context->add_certificate_authority(asio::buffer(authority), failure);
  if (failure) throw Error(keys.authority(), "holds no certificate: " + failure.message());
  context->use_certificate_chain(asio::buffer(certificate), failure);
  if (failure) throw Error(keys.certificate(), "holds no certificate: " + failure.message());
  context->use_private_key(asio::buffer(key), asio::ssl::context::pem, failure);
  if (failure || SSL_CTX_check_private_key(raw) != 1) throw Error(keys.key(), "is not the key of " + keys.certificate());
  return context;
}

bool is_loopback(const std::string& address) {
  boost::system::error_code failure;
  const auto parsed = asio::ip::make_address(address, failure);
  return !failure && parsed.is_loopback();
}

void check_plain(const std::string& address, bool secured, bool insecure, const std::string& option) {
  if (secured || insecure || is_loopback(address)) return;
  throw Error(option, address + " is not on this machine: give --keys DIR and --as NAME (semwave keys makes them), or --insecure to talk in the clear");
}

}  // namespace semwave
