#include "common/ipc/door.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"

namespace facteur::ipc {
namespace {

constexpr int messages_per_turn = 64;  // then the other descriptors of the loop get their turn

union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> octets;
};

void take_descriptors(const msghdr& message, Packet& packet) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
}

bool is_passing(int error) {
  return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

}  // namespace

Result<std::pair<Fd, Fd>> make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
    return fail_errno("socketpair", errno);
  }
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<> send_now(int socket, Packet& packet) {
  check(packet.octets.size() <= max_octets, "a message is larger than 64 KiB");
  check(packet.descriptors.size() <= max_descriptors, "a message has too many descriptors");
  iovec part{packet.octets.data(), packet.octets.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!packet.descriptors.empty()) {
    message.msg_control = control.octets.data();
    message.msg_controllen = CMSG_SPACE(packet.descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(packet.descriptors.size() * sizeof(int));
    for (std::size_t i = 0; i < packet.descriptors.size(); ++i) {
      const int fd = packet.descriptors[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (is_passing(errno)) return fail_errno("sendmsg", errno);
    if (errno == EPIPE || errno == ECONNRESET) return fail(Kind::closed, "the peer is gone");
    auto error = fail_errno("sendmsg", errno);
    error.error().kind = Kind::closed;
    return error;
  }
}

Result<Packet> receive_now(int socket) {
  std::array<char, max_octets> octets;  // NOLINT: filled by the kernel, 64 KiB not worth clearing each time
  iovec part{octets.data(), octets.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.octets.data();
  message.msg_controllen = control.octets.size();
  for (;;) {
    const auto count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return fail_errno("recvmsg", errno);
    if (count <= 0) return fail(Kind::closed, "the peer is gone");
    Packet packet;
    take_descriptors(message, packet);
    if ((message.msg_flags & MSG_TRUNC) != 0) return fail(Kind::protocol, "a message is larger than 64 KiB");
    packet.octets.assign(octets.data(), static_cast<std::size_t>(count));
    return packet;
  }
}

Door::Door(loop::Loop& loop, Fd socket, std::string name)
    : socket_(std::move(socket)), name_(std::move(name)), poll_(loop) {
}

Door::~Door() {
  *alive_ = false;
}

void Door::open() {
  open_ = true;
  poll_.watch(socket_.get(), true, !out_.empty(), [this](bool readable, bool writable) { ready(readable, writable); });
}

void Door::ready(bool readable, bool writable) {
  const auto alive = alive_;
  if (writable) write_some();
  if (*alive && readable && is_open()) read_some();
}

void Door::read_some() {
  const auto alive = alive_;
  for (int i = 0; i < messages_per_turn && *alive && is_open(); ++i) {
    auto packet = receive_now(socket_.get());
    if (packet) {
      dispatch(std::move(*packet));
    } else if (packet.error().kind == Kind::temporary) {
      return;
    } else {
      return close(packet.error().text);
    }
  }
}

void Door::dispatch(Packet packet) {
  const auto type = type_of(packet);
  const auto handler = type ? handlers_.find(*type) : handlers_.end();
  if (handler == handlers_.end()) return close(fmt::format("a message of unknown type {}", type.value_or(0)));
  const auto call = handler->second;  // a copy: the handler may destroy the door
  call(std::move(packet));
}

bool Door::send_packet(Packet packet) {
  if (!is_open()) return false;
  if (out_.empty()) {
    const auto sent = send_now(socket_.get(), packet);
    if (sent) return true;
    if (sent.error().kind != Kind::temporary) {
      hang_up();
      return false;
    }
  }
  if (out_.size() >= max_queued) return false;
  out_.push_back(std::move(packet));
  watch();
  return true;
}

/// Both ends will see the end of the door from their loops: told from there, not from inside the sender's call.
void Door::hang_up() {
  if (is_open()) ::shutdown(socket_.get(), SHUT_RDWR);
}

void Door::write_some() {
  while (!out_.empty()) {
    const auto sent = send_now(socket_.get(), out_.front());
    if (!sent && sent.error().kind == Kind::temporary) return;
    if (!sent) return close(sent.error().text);
    out_.pop_front();
  }
  watch();
}

void Door::watch() {
  if (open_) poll_.change(true, !out_.empty());
}

void Door::close(const std::string& why) {
  if (!is_open()) return;
  poll_.stop();
  socket_.reset();
  out_.clear();
  if (const auto lost = std::exchange(on_loss_, nullptr)) lost();
  const auto handler = std::exchange(on_close_, nullptr);
  if (handler) handler(why);
}

}  // namespace facteur::ipc
