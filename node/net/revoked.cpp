#include "node/net/revoked.h"

#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "node/net/pem.h"

namespace semwave {
namespace {

constexpr std::size_t largest_list = 1u << 20, longest_name = 64, longest_serial = 40;
constexpr const char* blanks = " \t\r";

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/// As CertificateId has it; empty where it is no number.
std::string serial_of(const std::string& text) {
  std::string made;
  for (char c : text) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'))) return "";
    if (c != '0' || !made.empty()) made += c;
  }
  return made.size() > longest_serial ? "" : made;
}

}  // namespace

RevokedList::RevokedList(std::string path) : path_(std::move(path)) {
  read();
}

void RevokedList::read() {
  if (path_.empty()) return;
  check_kept(path_);
  std::istringstream lines(read_file_whole(path_, largest_list));
  std::set<std::string> names, serials;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string entry = trimmed(line.substr(0, line.find('#')));
    if (entry.empty()) continue;
    const std::string place = path_ + ":" + std::to_string(number);
    if (entry.starts_with("serial ") || entry.starts_with("serial\t")) {
      const std::string serial = serial_of(trimmed(entry.substr(7)));
      if (serial.empty()) throw Error(place, "expected 'serial' and up to 40 hexadecimal digits");
      serials.insert(serial);
    } else {
      bool fits = entry.size() <= longest_name;
      for (const char c : entry) fits = fits && c >= 0x20 && c < 0x7F;
      if (!fits) throw Error(place, "expected the name of a certificate, or 'serial' and a number");
      names.insert(entry);
    }
  }
  names_ = std::move(names);
  serials_ = std::move(serials);
}

std::pair<bool, std::string> RevokedList::read_again() {
  try {
    read();
  } catch (const Error& problem) {
    return {false, std::string(problem.what()) + "; the certificates revoked before stay so"};
  }
  return {true, path_ + ": " + std::to_string(size()) + " certificates are revoked"};
}

bool RevokedList::holds(const CertificateId& certificate) const {
  return names_.contains(certificate.name) || serials_.contains(certificate.serial);
}

}  // namespace semwave
