#include "core/base/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "core/base/error.h"

namespace semwave {
namespace {

/// OpenSSL fails here where memory runs out, or where a policy of the system forbids the sum.
void require(bool worked) {
  if (!worked) throw Error("SHA-256", "OpenSSL cannot make the sum");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(const void* data, std::size_t bytes) {
  require(EVP_DigestUpdate(context_.get(), data, bytes) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum;
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(context_.get(), sum.data(), &size) == 1);
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += digits[sum[i] >> 4];
    text += digits[sum[i] & 15u];
  }
  return text;
}

std::string sha256(const void* data, std::size_t bytes) {
  Sha256 sum;
  sum.add(data, bytes);
  return sum.hex();
}

}  // namespace semwave
