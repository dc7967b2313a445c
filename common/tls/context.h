// What TLS needs before the jail closes: certificate, key and rules, for servers and for clients. OpenSSL's names stay
// inside this library.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"

namespace facteur::tls {

/// Rules and keys for many connections. Shared by them; immutable once made.
class Context {
 public:
  struct Impl;
  explicit Context(std::unique_ptr<Impl> impl);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

  /// For a server: PEM files of the certificate chain and of its key, which must fit (Kind::permanent, with the file's
  /// name). TLS 1.2 and 1.3 (RFC 8996), no renegotiation, no compression. `alpn` is the one protocol of RFC 7301 taken,
  /// if a client names any.
  [[nodiscard]] static Result<std::shared_ptr<const Context>> server(const std::string& certificate_file,
                                                                     const std::string& key_file,
                                                                     const std::string& alpn = {});
  /// For a client that encrypts when it can: the peer's certificate is looked at by nobody (RFC 7435 section 3).
  [[nodiscard]] static Result<std::shared_ptr<const Context>> opportunistic_client();

 private:
  std::unique_ptr<Impl> impl_;
};

/// A self-signed certificate (P-256, one year) for these names and its key, as PEM: for the demo and for tests.
struct KeyPair {
  std::string certificate;
  std::string key;
};
[[nodiscard]] Result<KeyPair> make_self_signed(const std::string& host);

}  // namespace facteur::tls
