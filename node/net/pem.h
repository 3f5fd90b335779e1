// Keys and certificates in PEM files, read and never asked about: a file that wants a pass phrase
// is an error, not a prompt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace semwave {

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

/// Why OpenSSL could not do what it was asked for last.
std::string openssl_reason();

/// Throws Error where there is none, or it is encrypted.
Key read_key(const std::string& path);

/// All of a file, at least one. Throws Error.
std::vector<Certificate> read_certificates(const std::string& path);

/// Throws Error where others than its owner may change this file or folder or, where it is
/// `secret`, read it (its group may, where it is root's and we are not). What is not there is left
/// to whoever reads it.
void check_kept(const std::string& path, bool secret = false);

}  // namespace semwave
