#include "common/tls/connection.h"

#include <array>

#include "common/tls/impl.h"

namespace facteur::tls {
namespace {

/// Octets of TLS that may come without a single octet of clear text behind them: room for a big handshake and its
/// certificates, an end to floods of empty records and key updates.
constexpr std::size_t max_barren = 256 << 10;
constexpr std::size_t clear_piece = 16 << 10;  // the largest record (RFC 8446 section 5.1)

}  // namespace

struct Connection::Engine {
  std::shared_ptr<const Context> context;  ///< keeps the ALPN text and the keys
  std::unique_ptr<SSL, Freer<SSL_free>> ssl;
  BIO* in = nullptr;   ///< owned by ssl: what the peer sent
  BIO* out = nullptr;  ///< owned by ssl: what is to be sent
  std::size_t barren = 0;
  bool closing = false;
};

Connection::Connection(loop::Loop& loop, Fd socket) : loop_(loop), stream_(loop, std::move(socket)) {
}

Connection::~Connection() {
  *alive_ = false;
}

void Connection::open(net::StreamHandlers handlers) {
  handlers_ = std::move(handlers);
  stream_.open({.data = [this](std::string_view octets) { received(octets); },
                .end = [this] { tell_end(); },
                .drained =
                    [this] {
                      const auto drained = handlers_.drained;
                      if (drained) drained();
                    },
                .failed = [this](const Error& error) { fail_with(error); }});
}

void Connection::received(std::string_view octets) {
  if (!engine_) {
    const auto data = handlers_.data;
    if (data) data(octets);
    return;
  }
  if (ended_ || failed_) return;
  engine_->barren += octets.size();
  if (engine_->barren > max_barren) {
    return fail_with({Kind::protocol, "TLS: too many records without content", 0});
  }
  BIO_write(engine_->in, octets.data(), static_cast<int>(octets.size()));
  if (!secure_) return handshake();
  read_clear();
}

void Connection::start_tls(std::shared_ptr<const Context> context, Side side, const std::string& server_name,
                           std::function<void(Result<Agreed>)> done) {
  check(!engine_, "TLS is started once a connection");
  engine_ = std::make_unique<Engine>();
  engine_->context = std::move(context);
  engine_->ssl.reset(SSL_new(engine_->context->impl().context.get()));
  check(engine_->ssl != nullptr, "SSL_new");
  engine_->in = BIO_new(BIO_s_mem());
  engine_->out = BIO_new(BIO_s_mem());
  SSL_set_bio(engine_->ssl.get(), engine_->in, engine_->out);
  handshake_done_ = std::move(done);
  if (side == Side::server) {
    SSL_set_accept_state(engine_->ssl.get());
    return;  // the client speaks first
  }
  SSL_set_connect_state(engine_->ssl.get());
  if (!server_name.empty()) SSL_set_tlsext_host_name(engine_->ssl.get(), server_name.c_str());
  loop_.post([this, alive = alive_] {
    if (*alive) handshake();
  });
}

void Connection::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(engine_->ssl.get());
  const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(engine_->ssl.get(), result);
  flush();  // an alert, too
  if (error == SSL_ERROR_WANT_READ) return;
  const auto done = std::exchange(handshake_done_, nullptr);
  if (error != SSL_ERROR_NONE) {
    failed_ = true;
    if (done) done(fail(Kind::protocol, "TLS handshake failed: " + openssl_error()));
    return;
  }
  secure_ = true;
  engine_->barren = 0;
  const SSL_CIPHER* cipher = SSL_get_current_cipher(engine_->ssl.get());
  const auto alive = alive_;
  if (done) {
    done(
        Agreed{SSL_get_version(engine_->ssl.get()), SSL_CIPHER_get_name(cipher), SSL_CIPHER_get_bits(cipher, nullptr)});
  }
  if (*alive) read_clear();  // early data of a client that did not wait
}

void Connection::read_clear() {
  static thread_local std::array<char, clear_piece> buffer;
  const auto alive = alive_;
  while (*alive && !failed_ && !ended_ && !stream_.paused()) {
    ERR_clear_error();
    const int count = SSL_read(engine_->ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count > 0) {
      engine_->barren = 0;
      const auto data = handlers_.data;
      if (data) data({buffer.data(), static_cast<std::size_t>(count)});
      continue;
    }
    const int error = SSL_get_error(engine_->ssl.get(), count);
    flush();  // answers to key updates
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) return tell_end();
    return fail_with({Kind::protocol, "TLS: " + openssl_error(), 0});
  }
}

void Connection::write(std::string_view octets) {
  if (!engine_) return stream_.write(octets);
  if (!secure_ || failed_ || engine_->closing || octets.empty()) return;
  ERR_clear_error();
  if (SSL_write(engine_->ssl.get(), octets.data(), static_cast<int>(octets.size())) <= 0) {
    // Into memory, so only a broken session can fail; the loop tells it, not the writer's own call.
    loop_.post([this, alive = alive_, text = "TLS: " + openssl_error()] {
      if (*alive) fail_with({Kind::protocol, text, 0});
    });
    return;
  }
  flush();
}

void Connection::flush() {
  char* octets = nullptr;
  const long size = BIO_get_mem_data(engine_->out, &octets);
  if (size > 0) stream_.write({octets, static_cast<std::size_t>(size)});
  (void)BIO_reset(engine_->out);
}

void Connection::resume() {
  stream_.resume();
  if (!secure_) return;
  // Records already taken from the kernel wait in the engine; no readiness of the socket will tell of them.
  loop_.post([this, alive = alive_] {
    if (*alive && secure_) read_clear();
  });
}

void Connection::finish_writing() {
  if (secure_ && !failed_ && !engine_->closing) {
    engine_->closing = true;
    ERR_clear_error();
    SSL_shutdown(engine_->ssl.get());
    flush();
  }
  stream_.finish_writing();
}

Fd Connection::release() {
  check(!engine_, "a connection with TLS cannot be given away");
  return stream_.release();
}

void Connection::tell_end() {
  if (ended_ || failed_) return;
  if (engine_ && !secure_) return fail_with({Kind::closed, "connection closed during the TLS handshake", 0});
  ended_ = true;
  const auto end = handlers_.end;
  if (end) end();
}

void Connection::fail_with(Error error) {
  if (failed_) return;
  failed_ = true;
  if (const auto done = std::exchange(handshake_done_, nullptr)) return done(std::unexpected(std::move(error)));
  const auto failed = handlers_.failed;
  if (failed) failed(error);
}

}  // namespace facteur::tls
