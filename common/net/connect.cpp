#include "common/net/connect.h"

#include <cerrno>
#include <memory>
#include <sys/socket.h>

#include "common/loop/poll.h"

namespace facteur::net {
namespace {

/// A connection being made; owned by the callback that its own poll and timer hold, freed when either has answered or
/// when the question is withdrawn.
struct Attempt {
  Attempt(loop::Loop& on, Fd fd, Answer<Result<Fd>> who) : loop(on), socket(std::move(fd)), answer(std::move(who)) {}
  loop::Loop& loop;
  Fd socket;
  Answer<Result<Fd>> answer;
  loop::Poll poll{loop};
  loop::Timer timer{loop};

  void finish(Result<Fd> result) {
    poll.stop();
    timer.stop();
    answer(std::move(result));
  }
  void connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    poll.stop();
    if (error != 0) return finish(fail_errno("connect", error));
    finish(std::move(socket));
  }
};

Result<Fd> begin(const Endpoint& target, const Ip& from) {
  sockaddr_storage address{};
  socklen_t size = target.to_sockaddr(address);
  Fd socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket", errno);
  if (!from.is_any() && from.is_v4() == target.ip.is_v4()) {
    sockaddr_storage source{};
    const socklen_t source_size = Endpoint{from, 0}.to_sockaddr(source);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&source), source_size) < 0) return fail_errno("bind", errno);
  }
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) < 0 && errno != EINPROGRESS) {
    return fail_errno("connect", errno);
  }
  return socket;
}

}  // namespace

Ticket connect(loop::Loop& loop, const Endpoint& target, Milliseconds deadline, std::function<void(Result<Fd>)> done,
               const Ip& from) {
  auto socket = begin(target, from);
  auto attempt = std::make_shared<std::unique_ptr<Attempt>>();
  // The question owns the attempt: withdrawn, the socket and its watchers go with it.
  auto [ticket, answer] = ask<Result<Fd>>([done = std::move(done), attempt](Result<Fd> result) {
    const auto finished = std::move(*attempt);
    done(std::move(result));
  });
  if (!socket) {
    loop.post([answer = std::move(answer), error = socket.error()]() mutable { answer(std::unexpected(error)); });
    return std::move(ticket);
  }
  *attempt = std::make_unique<Attempt>(loop, std::move(*socket), std::move(answer));
  Attempt& a = **attempt;
  a.poll.watch(a.socket.get(), false, true, [&a](bool, bool) { a.connected(); });
  a.timer.start(deadline, [&a] { a.finish(fail(Kind::timeout, "connect: Connection timed out")); });
  return std::move(ticket);
}

}  // namespace facteur::net
