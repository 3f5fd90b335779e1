#include "node/net/pem.h"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "core/base/error.h"
#include "core/base/file.h"

namespace semwave {
namespace {

constexpr std::size_t largest_pem = 1u << 16;

/// In place of OpenSSL's own, which would ask whoever sits at the terminal.
int no_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

/// `text`: of the file; `line`: what PEM writes above what was looked for, up to "-----".
[[noreturn]] void fail(const std::string& path, const std::string& text, const std::string& what,
                       const char* line, bool asked) {
  (void)openssl_reason();  // "no start line", "unsupported": of no use to whoever has to mend the
                           // file
  if (asked)
    throw Error(path,
                "is encrypted, and no pass phrase is asked for: openssl pkey writes it without");
  if (text.find(line) == std::string::npos)
    throw Error(path, "holds no " + what + " in PEM: semwave keys makes one");
  throw Error(path, "holds a damaged " + what + ": copy it anew, or let semwave keys make another");
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not understood" : reason;
}

Key read_key(const std::string& path) {
  const std::string text = read_file_whole(path, largest_pem);
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_pass_phrase, &asked));
  if (!key) fail(path, text, "key", "PRIVATE KEY-----", asked);
  return key;
}

std::vector<Certificate> read_certificates(const std::string& path) {
  const std::string text = read_file_whole(path, largest_pem);
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<Certificate> found;
  bool asked = false;
  while (X509* one = PEM_read_bio_X509(memory.get(), nullptr, no_pass_phrase, &asked))
    found.emplace_back(one);
  if (found.empty() || asked) fail(path, text, "certificate", "CERTIFICATE-----", asked);
  ERR_clear_error();  // the end of the file is no error
  return found;
}

void check_kept(const std::string& path, bool secret) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  // One that root keeps for a service may be read by its group: so do systemd's credentials come.
  const mode_t readers = status.st_uid == 0 && ::geteuid() != 0 ? 037 : 077;
  if (secret && (status.st_mode & readers) != 0)
    throw Error(path, "others may read this key: chmod 600 it, and make a new one if they did");
  if ((status.st_mode & 022) != 0)
    throw Error(path, "others may change it, and with it whom this node trusts: chmod go-w it");
}

}  // namespace semwave
