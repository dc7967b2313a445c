// OpenSSL's side of TLS, for the sources of this library alone.
#pragma once

#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>

#include "common/tls/context.h"

// OpenSSL's macros cast in C's way.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace facteur::tls {

template <auto free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

struct Context::Impl {
  std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>> context;
  std::string alpn;  ///< in wire form
};

/// The oldest error of OpenSSL's queue in words; empties the queue.
[[nodiscard]] std::string openssl_error();

}  // namespace facteur::tls
