// SHA-256 (FIPS 180-4), OpenSSL's: what data sets, checkpoints and points are told apart by.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace semwave {

/// 64 hexadecimal digits.
std::string sha256(const void* data, std::size_t bytes);

/// A sum made in pieces.
class Sha256 {
 public:
  Sha256();
  void add(const void* data, std::size_t bytes);
  /// 64 hexadecimal digits of everything added. Ends the sum: nothing may be added afterwards.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace semwave
