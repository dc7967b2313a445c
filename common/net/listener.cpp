#include "common/net/listener.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace facteur::net {
namespace {

constexpr int backlog = 1024;
constexpr int accepts_per_turn = 64;
constexpr Milliseconds rest_time{100};

bool set_on(int socket, int level, int option) {
  const int on = 1;
  return ::setsockopt(socket, level, option, &on, sizeof on) == 0;
}

/// Stands for nothing, so that it gives a jailed process no folder, and one that may open no file can make it again.
/// A descriptor that leads nowhere: one of a folder would be a way out of a chroot.
Fd spare_descriptor() {
  return Fd(::eventfd(0, EFD_CLOEXEC));
}

template <class Call>
Result<Endpoint> endpoint_of(int socket, Call call, std::string_view what) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (call(socket, reinterpret_cast<sockaddr*>(&address), &size) < 0) return fail_errno(what, errno);
  const auto endpoint = Endpoint::from_sockaddr(address);
  if (!endpoint) return fail(Kind::permanent, std::string(what) + ": not an internet address");
  return *endpoint;
}

}  // namespace

Result<Fd> listen_tcp(const Endpoint& endpoint, bool reuse_port) {
  sockaddr_storage address{};
  const socklen_t size = endpoint.to_sockaddr(address);
  const std::string what = "listen on " + endpoint.to_string();
  Fd socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno(what, errno);
  if (!set_on(socket.get(), SOL_SOCKET, SO_REUSEADDR)) return fail_errno(what, errno);
  if (reuse_port && !set_on(socket.get(), SOL_SOCKET, SO_REUSEPORT)) return fail_errno(what, errno);
  if (!endpoint.ip.is_v4() && !set_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY)) return fail_errno(what, errno);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) < 0) return fail_errno(what, errno);
  if (::listen(socket.get(), backlog) < 0) return fail_errno(what, errno);
  return socket;
}

Result<Fd> listen_unix(const std::string& path, bool seqpacket, unsigned mode) {
  const std::string what = "listen on " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Kind::permanent, what + ": the path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno(what, errno);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return fail_errno(what, errno);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return fail_errno(what, errno);
  if (::chmod(path.c_str(), mode) < 0) return fail_errno(what, errno);
  if (::listen(socket.get(), backlog) < 0) return fail_errno(what, errno);
  return socket;
}

Result<Endpoint> local_endpoint(int socket) {
  return endpoint_of(socket, ::getsockname, "getsockname");
}

Result<Endpoint> peer_endpoint(int socket) {
  return endpoint_of(socket, ::getpeername, "getpeername");
}

Acceptor::Acceptor(loop::Loop& loop, Fd socket)
    : socket_(std::move(socket)), spare_(spare_descriptor()), poll_(loop), timer_(loop) {
}

void Acceptor::open(std::function<void(Fd)> accepted) {
  accepted_ = std::move(accepted);
  poll_.watch(socket_.get(), !paused_, false, [this](bool, bool) { accept_some(); });
}

void Acceptor::accept_some() {
  for (int i = 0; i < accepts_per_turn && socket_ && !paused_; ++i) {
    Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      accepted_(std::move(client));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) rest();
    return;
  }
}

void Acceptor::rest() {
  spare_.reset();
  Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  spare_ = spare_descriptor();
  poll_.change(false, false);
  timer_.start(rest_time, [this] {
    if (!paused_) poll_.change(true, false);
  });
}

void Acceptor::pause() {
  paused_ = true;
  poll_.change(false, false);
}

void Acceptor::resume() {
  paused_ = false;
  poll_.change(true, false);
}

void Acceptor::close() {
  timer_.stop();
  poll_.stop();
  socket_.reset();
}

}  // namespace facteur::net
