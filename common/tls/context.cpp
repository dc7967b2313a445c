#include "common/tls/context.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <system_error>

#include "common/base/random.h"
#include "common/tls/impl.h"

namespace facteur::tls {
namespace {

Result<std::unique_ptr<Context::Impl>> make(const SSL_METHOD* method) {
  auto impl = std::make_unique<Context::Impl>();
  impl->context.reset(SSL_CTX_new(method));
  if (!impl->context) return fail(Kind::temporary, "TLS: " + openssl_error());
  SSL_CTX* context = impl->context.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  return impl;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in, unsigned length,
                void* argument) {
  const auto& ours = *static_cast<const std::string*>(argument);
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()), in, length);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::string to_pem(auto write) {
  const std::unique_ptr<BIO, Freer<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  write(memory.get());
  char* octets = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &octets);
  return {octets, static_cast<std::size_t>(size)};
}

bool add_extension(X509* certificate, int number, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, number, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

}  // namespace

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Context::Context(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
Context::~Context() = default;

Result<std::shared_ptr<const Context>> Context::server(const std::string& certificate_file, const std::string& key_file,
                                                       const std::string& alpn) {
  auto impl = make(TLS_server_method());
  if (!impl) return fail(impl);
  SSL_CTX* context = (*impl)->context.get();
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return fail(Kind::permanent, "TLS certificate " + certificate_file + ": " + openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Kind::permanent, "TLS key " + key_file + ": " + openssl_error());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fail(Kind::permanent, "TLS key " + key_file + " is not that of " + certificate_file);
  }
  // Tickets resume sessions without memory here; ids would need a cache that several processes share.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!alpn.empty()) {
    (*impl)->alpn = static_cast<char>(alpn.size()) + alpn;
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, &(*impl)->alpn);
  }
  return std::make_shared<const Context>(std::move(*impl));
}

Result<std::shared_ptr<const Context>> Context::opportunistic_client() {
  auto impl = make(TLS_client_method());
  if (!impl) return fail(impl);
  SSL_CTX_set_verify((*impl)->context.get(), SSL_VERIFY_NONE, nullptr);
  return std::make_shared<const Context>(std::move(*impl));
}

Result<KeyPair> make_self_signed(const std::string& host) {
  const std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Freer<X509_free>> certificate(X509_new());
  if (!key || !certificate) return fail(Kind::temporary, "make a certificate: " + openssl_error());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), random_below(UINT64_MAX >> 1));
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 365L * 86400);
  X509_set_pubkey(x, key.get());
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x, name);
  const bool made = add_extension(x, NID_subject_alt_name, "DNS:" + host + ",DNS:localhost,IP:127.0.0.1,IP:::1") &&
                    add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
                    X509_sign(x, key.get(), EVP_sha256()) != 0;
  if (!made) return fail(Kind::temporary, "make a certificate for " + host + ": " + openssl_error());
  return KeyPair{to_pem([x](BIO* out) { PEM_write_bio_X509(out, x); }), to_pem([&](BIO* out) {
                   PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                 })};
}

}  // namespace facteur::tls
