#include "node/wire/datagram.h"

#include <algorithm>
#include <array>
#include <cassert>

#include <openssl/evp.h>

#include "core/base/error.h"
#include "node/wire/bytes.h"
#include "node/wire/crc32c.h"

namespace semwave {
namespace {

constexpr std::uint8_t datagram_version = 1, clear = 0, sealed = 1;
constexpr float largest_value = 1e4f;  // as in a burst's frame

std::array<unsigned char, 12> nonce_of(std::uint64_t sequence) {
  std::array<unsigned char, 12> nonce{};
  for (std::size_t b = 0; b < 8; ++b)
    nonce[4 + b] = static_cast<unsigned char>(sequence >> (56 - 8 * b));
  return nonce;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct DatagramSeal::Cipher {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  std::array<unsigned char, datagram_key_bytes> key{};
  ~Cipher() {
    OPENSSL_cleanse(key.data(), key.size());
    EVP_CIPHER_CTX_free(context);
  }
};

DatagramSeal::DatagramSeal(const std::string& key) {
  if (key.empty()) return;
  assert(key.size() == datagram_key_bytes);
  cipher_ = std::make_unique<Cipher>();
  std::copy(key.begin(), key.end(), cipher_->key.begin());
}

DatagramSeal::~DatagramSeal() = default;

std::string DatagramSeal::write(const Datagram& datagram) {
  assert(datagram.symbols.size() <= datagram_symbols);
  std::string bytes, body;
  ByteWriter header(bytes), writer(body);
  header.number(datagram_version);
  header.number(cipher_ ? sealed : clear);
  header.number(std::uint16_t{0});
  header.number(datagram.channel);
  header.number(datagram.sequence);
  writer.number(datagram.key.point);
  writer.number(datagram.key.image);
  writer.number(datagram.first);
  writer.number(static_cast<std::uint16_t>(datagram.symbols.size()));
  for (const std::complex<float>& symbol : datagram.symbols) {
    writer.number(symbol.real());
    writer.number(symbol.imag());
  }
  if (!cipher_) {
    bytes += body;
    header.number(crc32c(bytes));
    return bytes;
  }
  const auto nonce = nonce_of(datagram.sequence);
  std::string hidden(body.size() + datagram_tag_bytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(hidden.data());
  int length = 0;
  EVP_CIPHER_CTX* context = cipher_->context;
  const bool done =
      EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, cipher_->key.data(), nonce.data()) ==
          1 &&
      EVP_EncryptUpdate(context, nullptr, &length, bytes_of(bytes),
                        static_cast<int>(bytes.size())) == 1 &&
      EVP_EncryptUpdate(context, out, &length, bytes_of(body), static_cast<int>(body.size())) ==
          1 &&
      EVP_EncryptFinal_ex(context, out + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, static_cast<int>(datagram_tag_bytes),
                          out + body.size()) == 1;
  if (!done) throw Error("datagrams", "OpenSSL cannot seal them");
  return bytes + hidden;
}

std::optional<Datagram> DatagramSeal::read(std::string_view bytes) {
  if (bytes.size() < datagram_fixed_bytes || bytes.size() > datagram_bytes) return std::nullopt;
  const std::string_view header = bytes.substr(0, datagram_header_bytes);
  ByteReader reader(header);
  if (reader.number<std::uint8_t>() != datagram_version ||
      reader.number<std::uint8_t>() != (cipher_ ? sealed : clear) ||
      reader.number<std::uint16_t>() != 0)
    return std::nullopt;
  Datagram datagram;
  datagram.channel = reader.number<std::uint64_t>();
  datagram.sequence = reader.number<std::uint64_t>();
  if (datagram.sequence == 0) return std::nullopt;
  std::string shown;
  std::string_view body;
  if (cipher_) {
    const std::string_view hidden = bytes.substr(datagram_header_bytes);
    if (hidden.size() < datagram_tag_bytes) return std::nullopt;
    shown.resize(hidden.size() - datagram_tag_bytes);
    std::string tag(hidden.substr(shown.size()));
    const auto nonce = nonce_of(datagram.sequence);
    auto* out = reinterpret_cast<unsigned char*>(shown.data());
    int length = 0;
    EVP_CIPHER_CTX* context = cipher_->context;
    const bool holds = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nullptr, cipher_->key.data(),
                                          nonce.data()) == 1 &&
                       EVP_DecryptUpdate(context, nullptr, &length, bytes_of(header),
                                         static_cast<int>(header.size())) == 1 &&
                       EVP_DecryptUpdate(context, out, &length, bytes_of(hidden),
                                         static_cast<int>(shown.size())) == 1 &&
                       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG,
                                           static_cast<int>(datagram_tag_bytes), tag.data()) == 1 &&
                       EVP_DecryptFinal_ex(context, out + length, &length) == 1;
    if (!holds) return std::nullopt;
    body = shown;
  } else {
    const std::string_view summed = bytes.substr(0, bytes.size() - 4);
    ByteReader sum(bytes.substr(bytes.size() - 4));
    if (crc32c(summed) != sum.number<std::uint32_t>()) return std::nullopt;
    body = summed.substr(datagram_header_bytes);
  }
  ByteReader fields(body);
  datagram.key.point = fields.number<std::uint32_t>();
  datagram.key.image = fields.number<std::uint32_t>();
  datagram.first = fields.number<std::uint32_t>();
  const std::size_t count = fields.number<std::uint16_t>();
  if (fields.failed() || count == 0 || count > datagram_symbols || fields.left() != 8 * count ||
      datagram.first > 1u << 20)
    return std::nullopt;
  for (std::size_t s = 0; s < count; ++s) {
    const auto real = fields.number<float>(), imaginary = fields.number<float>();
    if (!(std::abs(real) <= largest_value) || !(std::abs(imaginary) <= largest_value))
      return std::nullopt;
    datagram.symbols.emplace_back(real, imaginary);
  }
  return datagram;
}

std::optional<std::uint64_t> channel_of(std::string_view bytes) {
  if (bytes.size() < datagram_fixed_bytes || bytes.size() > datagram_bytes) return std::nullopt;
  ByteReader reader(bytes.substr(4));
  return reader.number<std::uint64_t>();
}

bool ReplayWindow::passes(std::uint64_t sequence) {
  if (sequence == 0 || (newest_ >= size && sequence <= newest_ - size)) return false;
  if (sequence > newest_) {
    // What lies between was not seen; a leap beyond the window forgets it all.
    const std::uint64_t leap = std::min(sequence - newest_, size);
    for (std::uint64_t back = 0; back < leap; ++back) seen_[(sequence - back) % size] = false;
    newest_ = sequence;
  }
  if (seen_[sequence % size]) return false;
  seen_[sequence % size] = true;
  return true;
}

}  // namespace semwave
