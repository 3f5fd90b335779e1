// Certificates that are not trusted any more, though the authority has signed them: a text file,
// one a line,
//
//   # lost in the field
//   camera2
//   serial 4F3A09B1
//
// a name for every certificate of that name, or `serial` and the hexadecimal number of one alone
// (as `openssl x509 -noout -serial` prints it). What follows a # is a remark.
#pragma once

#include <set>
#include <string>
#include <utility>

namespace semwave {

/// Whom a certificate speaks for, and which one it is: upper-case hexadecimal without zeros in
/// front.
struct CertificateId {
  std::string name, serial;
};

class RevokedList {
 public:
  /// An empty path: nothing is revoked. Throws Error naming file and line.
  explicit RevokedList(std::string path);

  /// Again. Throws Error, and then keeps what it had.
  void read();
  /// Again, for a node that goes on either way: whether it could be read, and what to tell of it.
  std::pair<bool, std::string> read_again();

  bool holds(const CertificateId& certificate) const;
  const std::string& path() const { return path_; }
  std::size_t size() const { return names_.size() + serials_.size(); }

 private:
  std::string path_;
  std::set<std::string> names_, serials_;
};

}  // namespace semwave
