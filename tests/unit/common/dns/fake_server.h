// A name server on loopback that answers what the test wants, on the loop of the test, and builds its packets by hand.
#pragma once

#include <arpa/inet.h>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "common/base/fd.h"
#include "common/base/strings.h"
#include "common/loop/poll.h"

namespace facteur::dns::test {

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string u32(unsigned long value) {
  return u16(static_cast<unsigned>(value >> 16)) + u16(static_cast<unsigned>(value & 0xffff));
}
/// A name without compression.
inline std::string wire_name(std::string_view name) {
  std::string octets;
  for (const auto label : split(name, '.')) {
    if (label.empty()) continue;
    octets += static_cast<char>(label.size());
    octets += label;
  }
  return octets + '\0';
}
inline std::string record(std::string_view owner, unsigned type, unsigned long ttl, const std::string& data) {
  return wire_name(owner) + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}
inline std::string mx(std::string_view owner, unsigned long ttl, unsigned preference, std::string_view host) {
  return record(owner, 15, ttl, u16(preference) + wire_name(host));
}
inline std::string soa(std::string_view owner, unsigned long ttl, unsigned long minimum) {
  return record(owner, 6, ttl,
                wire_name("ns.x") + wire_name("hm.x") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum));
}
/// A packet that answers a question for one name.
inline std::string packet(std::string_view name, unsigned type, unsigned code, const std::vector<std::string>& answers,
                          const std::vector<std::string>& authority = {}, unsigned id = 0) {
  std::string octets = u16(id) + u16(0x8180 | code) + u16(1) + u16(static_cast<unsigned>(answers.size())) +
                       u16(static_cast<unsigned>(authority.size())) + u16(0) + wire_name(name) + u16(type) + u16(1);
  for (const auto& answer : answers) octets += answer;
  for (const auto& answer : authority) octets += answer;
  return octets;
}

/// Answers each datagram with what `handler` makes of (name, type, id); an empty text is silence.
class FakeServer {
 public:
  using Handler = std::function<std::string(std::string name, unsigned type, unsigned id)>;

  FakeServer(loop::Loop& loop, Handler handler) : handler_(std::move(handler)), poll_(loop) {
    socket_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    poll_.watch(socket_.get(), true, false, [this](bool, bool) { serve(); });
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  std::uint16_t port = 0;
  int asked = 0;

 private:
  void serve() {
    char buffer[2048];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const auto got = ::recvfrom(socket_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 17) return;
    ++asked;
    const std::string_view octets(buffer, static_cast<std::size_t>(got));
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(octets[at]); };
    std::string name;
    std::size_t at = 12;
    while (byte(at) != 0) {
      name += (name.empty() ? "" : ".") + std::string(octets.substr(at + 1, byte(at)));
      at += 1U + byte(at);
    }
    const unsigned type = byte(at + 1) * 256U + byte(at + 2);
    const auto reply = handler_(name, type, byte(0) * 256U + byte(1));
    if (!reply.empty())
      ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

  Handler handler_;
  Fd socket_;
  loop::Poll poll_;
};

}  // namespace facteur::dns::test
