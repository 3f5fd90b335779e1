#include "node/net/unguessable.h"

#include <openssl/rand.h>

#include "core/base/error.h"
#include "node/net/pem.h"

namespace semwave {

void fill_random(void* bytes, std::size_t count) {
  if (RAND_bytes(static_cast<unsigned char*>(bytes), static_cast<int>(count)) != 1)
    throw Error("random numbers", "OpenSSL has none: " + openssl_reason());
}

}  // namespace semwave
