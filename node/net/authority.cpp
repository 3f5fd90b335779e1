#include "node/net/authority.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "core/base/error.h"
#include "core/base/sync.h"
#include "node/net/pem.h"

namespace semwave {
namespace {

constexpr int authority_days = 3650;

[[noreturn]] void fail(const std::string& place) {
  throw Error(place, "OpenSSL: " + openssl_reason());
}

void check(bool holds, const std::string& place) {
  if (!holds) fail(place);
}

bool is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

/// Whole and on the disk, or not at all.
void write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) throw Error(path, std::string("cannot be written: ") + std::strerror(errno));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool whole = done == text.size() && ::fsync(file) == 0;
  const int reason = errno;
  ::close(file);
  if (whole) return;
  ::unlink(path.c_str());
  throw Error(path, std::string("cannot be written: ") + std::strerror(reason));
}

/// Never over a file that is there.
void give_name(const std::string& from, const std::string& to) {
  int failed = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  // A file system that knows no such rename: the caller has looked.
  if (failed != 0 && (errno == EINVAL || errno == ENOSYS))
    failed = ::rename(from.c_str(), to.c_str());
  if (failed != 0) throw Error(to, std::string("cannot be written: ") + std::strerror(errno));
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value,
                   const std::string& place) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  check(extension != nullptr, place);
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  check(added == 1, place);
}

/// Certificate of `subject` signed by `issuer` (null: by itself).
Certificate certify(const std::string& common_name, EVP_PKEY* subject, X509* issuer,
                    EVP_PKEY* issuer_key, const Certified* node, const std::string& place) {
  Certificate made(X509_new());
  check(made != nullptr && X509_set_version(made.get(), 2) == 1, place);
  unsigned char serial[16];
  check(RAND_bytes(serial, sizeof serial) == 1, place);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7Fu) | 0x40u);
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  check(
      number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get())) != nullptr,
      place);
  BN_free(number);
  const long begun = node != nullptr ? node->begun_days_ago : 0;
  // A minute ago: two machines' clocks are never the same.
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -begun * 86400 - 60);
  X509_time_adj_ex(X509_getm_notAfter(made.get()),
                   static_cast<int>((node != nullptr ? node->days : authority_days) - begun), 0,
                   nullptr);
  X509_NAME* name = X509_get_subject_name(made.get());
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                   -1, 0) == 1,
        place);
  check(X509_set_issuer_name(made.get(),
                             issuer != nullptr ? X509_get_subject_name(issuer) : name) == 1 &&
            X509_set_pubkey(made.get(), subject) == 1,
        place);
  X509* signer = issuer != nullptr ? issuer : made.get();
  if (node == nullptr) {
    add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", place);
    add_extension(made.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign", place);
  } else {
    add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:FALSE", place);
    add_extension(made.get(), signer, NID_key_usage, "critical,digitalSignature", place);
    if (node->names_role)
      add_extension(made.get(), signer, NID_ext_key_usage,
                    node->role == NodeRole::receiver ? "serverAuth" : "clientAuth", place);
  }
  add_extension(made.get(), signer, NID_subject_key_identifier, "hash", place);
  check(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0, place);
  return made;
}

/// Where NAME.key and NAME.pem stand, and where they are written before they get those names.
struct Pair {
  Pair(const std::string& folder, const std::string& name)
      : key(folder + "/" + name + ".key"),
        certificate(folder + "/" + name + ".pem"),
        new_key(folder + "/." + name + ".key.new"),
        new_certificate(folder + "/." + name + ".pem.new") {}
  std::string key, certificate, new_key, new_certificate;

  void forget_new() const {
    ::unlink(new_key.c_str());
    ::unlink(new_certificate.c_str());
  }
};

/// What an earlier call that was killed has left: files without their names and, where it was
/// killed between the two, a certificate whose key has none yet. Nobody can have used it.
void clear_interrupted(const Pair& pair) {
  if (is_there(pair.certificate) && !is_there(pair.key) && is_there(pair.new_key)) {
    const std::vector<Certificate> certificates = read_certificates(pair.certificate);
    if (X509_check_private_key(certificates.front().get(), read_key(pair.new_key).get()) == 1)
      ::unlink(pair.certificate.c_str());
    (void)openssl_reason();
  }
  pair.forget_new();
}

void check_free(const Pair& pair) {
  for (const std::string& path : {pair.certificate, pair.key})
    if (is_there(path)) throw Error(path, "is there already; nothing is overwritten");
}

/// Both files, which fit each other, or none.
void write_pair(const Pair& pair, EVP_PKEY* key, X509* certificate,
                std::vector<std::string>& made) {
  check_free(pair);
  bool named = false;
  try {
    Memory memory(BIO_new(BIO_s_mem()));
    check(memory && PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr,
                                                  nullptr) == 1,
          pair.key);
    write_new(pair.new_key, text_of(memory), 0600);
    memory.reset(BIO_new(BIO_s_mem()));
    check(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, pair.certificate);
    write_new(pair.new_certificate, text_of(memory), 0644);
    give_name(pair.new_certificate, pair.certificate);
    named = true;
    give_name(pair.new_key, pair.key);
  } catch (...) {
    if (named) ::unlink(pair.certificate.c_str());
    pair.forget_new();
    throw;
  }
  sync_folder_of(pair.key);
  made.push_back(pair.key);
  made.push_back(pair.certificate);
}

}  // namespace

std::vector<std::string> make_keys(const std::string& folder, const std::vector<Certified>& nodes) {
  constexpr const char* allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  for (const Certified& node : nodes)
    if (node.name.empty() || node.name.size() > 60 || node.name == "authority" ||
        node.name.front() == '.' || node.name.find_first_not_of(allowed) != std::string::npos)
      throw Error(
          "the name '" + node.name + "'",
          "expected up to 60 letters, digits, -, _ and ., no . in front, and not 'authority'");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error(folder, std::string("cannot be made: ") + std::strerror(errno));
  check_kept(folder);
  std::vector<std::string> made;
  const Pair authority_files(folder, "authority");
  clear_interrupted(authority_files);
  for (const Certified& node : nodes) {
    const Pair files(folder, node.name);
    clear_interrupted(files);
    check_free(files);
  }
  Key authority_key;
  Certificate authority;
  if (!is_there(authority_files.certificate)) {
    authority_key.reset(EVP_EC_gen("P-256"));
    check(authority_key != nullptr, authority_files.key);
    authority = certify("semwave authority", authority_key.get(), nullptr, authority_key.get(),
                        nullptr, authority_files.certificate);
    write_pair(authority_files, authority_key.get(), authority.get(), made);
  } else {
    check_kept(authority_files.key, true);
    check_kept(authority_files.certificate);
    authority_key = read_key(authority_files.key);
    authority = std::move(read_certificates(authority_files.certificate).front());
    if (X509_check_private_key(authority.get(), authority_key.get()) != 1) {
      (void)openssl_reason();
      throw Error(authority_files.key, "is not the key of " + authority_files.certificate);
    }
  }
  for (const Certified& node : nodes) {
    const Pair files(folder, node.name);
    const Key key(EVP_EC_gen("P-256"));
    check(key != nullptr, files.key);
    const Certificate certificate = certify(node.name, key.get(), authority.get(),
                                            authority_key.get(), &node, files.certificate);
    write_pair(files, key.get(), certificate.get(), made);
  }
  return made;
}

}  // namespace semwave
