#include "node/authority.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "core/error.h"
#include "core/file.h"

namespace semwave {
namespace {

constexpr int authority_days = 3650;

template <auto free_function>
struct Freed {
  template <class T>
  void operator()(T* value) const {
    free_function(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;

[[noreturn]] void fail(const std::string& place) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  throw Error(place, reason == nullptr ? "OpenSSL could not do it" : reason);
}

void check(bool holds, const std::string& place) {
  if (!holds) fail(place);
}

/// Written once: a key is never replaced by accident.
void write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) throw Error(path, errno == EEXIST ? "is there already; nothing is overwritten" : std::string("cannot be written: ") + std::strerror(errno));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool whole = done == text.size() && ::fsync(file) == 0;
  ::close(file);
  if (whole) return;
  ::unlink(path.c_str());
  throw Error(path, std::string("cannot be written: ") + std::strerror(errno));
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value, const std::string& place) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  check(extension != nullptr, place);
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  check(added == 1, place);
}

/// Certificate of `subject` signed by `issuer` (null: by itself).
Certificate certify(const std::string& common_name, EVP_PKEY* subject, X509* issuer, EVP_PKEY* issuer_key, const Certified* node, const std::string& place) {
  Certificate made(X509_new());
  check(made != nullptr && X509_set_version(made.get(), 2) == 1, place);
  unsigned char serial[16];
  check(RAND_bytes(serial, sizeof serial) == 1, place);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7Fu) | 0x40u);
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  check(number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get())) != nullptr, place);
  BN_free(number);
  const long begun = node != nullptr ? node->begun_days_ago : 0;
  // A minute ago: two machines' clocks are never the same.
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -begun * 86400 - 60);
  X509_time_adj_ex(X509_getm_notAfter(made.get()), static_cast<int>((node != nullptr ? node->days : authority_days) - begun), 0, nullptr);
  X509_NAME* name = X509_get_subject_name(made.get());
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0) == 1, place);
  check(X509_set_issuer_name(made.get(), issuer != nullptr ? X509_get_subject_name(issuer) : name) == 1 && X509_set_pubkey(made.get(), subject) == 1, place);
  X509* signer = issuer != nullptr ? issuer : made.get();
  if (node == nullptr) {
    add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", place);
    add_extension(made.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign", place);
  } else {
    add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:FALSE", place);
    add_extension(made.get(), signer, NID_key_usage, "critical,digitalSignature", place);
    add_extension(made.get(), signer, NID_ext_key_usage, node->role == NodeRole::receiver ? "serverAuth" : "clientAuth", place);
  }
  add_extension(made.get(), signer, NID_subject_key_identifier, "hash", place);
  check(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0, place);
  return made;
}

void write_pair(const std::string& folder, const std::string& name, EVP_PKEY* key, X509* certificate, std::vector<std::string>& made) {
  const std::string key_file = folder + "/" + name + ".key", certificate_file = folder + "/" + name + ".pem";
  Memory memory(BIO_new(BIO_s_mem()));
  check(memory && PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, key_file);
  write_new(key_file, text_of(memory), 0600);
  made.push_back(key_file);
  memory.reset(BIO_new(BIO_s_mem()));
  check(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, certificate_file);
  write_new(certificate_file, text_of(memory), 0644);
  made.push_back(certificate_file);
}

}  // namespace

std::vector<std::string> make_keys(const std::string& folder, const std::vector<Certified>& nodes) {
  for (const Certified& node : nodes)
    if (node.name.empty() || node.name.size() > 60 || node.name == "authority" || node.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != std::string::npos)
      throw Error("the name '" + node.name + "'", "expected up to 60 letters, digits, - and _, and not 'authority'");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) throw Error(folder, std::string("cannot be made: ") + std::strerror(errno));
  std::vector<std::string> made;
  Key authority_key;
  Certificate authority;
  const std::string key_file = folder + "/authority.key", certificate_file = folder + "/authority.pem";
  if (::access(certificate_file.c_str(), F_OK) != 0) {
    authority_key.reset(EVP_EC_gen("P-256"));
    check(authority_key != nullptr, key_file);
    authority = certify("semwave authority", authority_key.get(), nullptr, authority_key.get(), nullptr, certificate_file);
    write_pair(folder, "authority", authority_key.get(), authority.get(), made);
  } else {
    const std::string key = read_file_whole(key_file, 1u << 16), certificate = read_file_whole(certificate_file, 1u << 16);
    const Memory key_memory(BIO_new_mem_buf(key.data(), static_cast<int>(key.size()))), memory(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
    authority_key.reset(PEM_read_bio_PrivateKey(key_memory.get(), nullptr, nullptr, nullptr));
    check(authority_key != nullptr, key_file);
    authority.reset(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    check(authority != nullptr, certificate_file);
    if (X509_check_private_key(authority.get(), authority_key.get()) != 1) throw Error(key_file, "is not the key of " + certificate_file);
  }
  for (const Certified& node : nodes) {
    const Key key(EVP_EC_gen("P-256"));
    const std::string place = folder + "/" + node.name + ".pem";
    check(key != nullptr, place);
    const Certificate certificate = certify(node.name, key.get(), authority.get(), authority_key.get(), &node, place);
    write_pair(folder, node.name, key.get(), certificate.get(), made);
  }
  return made;
}

}  // namespace semwave
