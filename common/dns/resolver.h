// Questions to the domain name system, asked without blocking. c-ares keeps the sockets and repeats what got lost; its
// names stay inside this library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/ticket.h"
#include "common/dns/wire.h"
#include "common/loop/loop.h"
#include "common/net/address.h"

namespace facteur::dns {

/// A mail exchanger. An empty name is the root: "no mail here" (RFC 7505).
struct Mx {
  std::uint16_t preference = 0;
  std::string host;
  friend bool operator==(const Mx&, const Mx&) = default;
};

/// What came of a question, how long that may be believed, and what was found (in the order of the answer).
template <class T>
struct Found {
  Outcome outcome = Outcome::temporary;
  Seconds lifetime = temporary_lifetime;
  std::vector<T> items;
};

/// The resolver of a process. Opens its files in create() and none later; each question gets sockets of its own on the
/// loop. A callback runs at most once, from the loop, never before the call returns; it may destroy the Resolver, once
/// the tickets of other questions are gone.
class Resolver {
 public:
  struct Options {
    std::vector<std::string> servers;  ///< "10.9.0.53:53", "[::1]:5353"; empty: those of resolv_conf
    bool off = false;                  ///< nothing is ever asked: each question gets a temporary answer
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";  ///< what it names is answered from it, even if `off`; empty: none
    Milliseconds timeout{3000};        ///< of the first try of a server, doubled for each further one
    int tries = 3;                     ///< of each server
  };

  /// Before the jail. Fails if a server is no address with a port.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> create(loop::Loop& loop, const Options& options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// The mail exchangers of a domain.
  [[nodiscard]] Ticket mx(std::string_view domain, std::function<void(Found<Mx>)> callback);
  /// The addresses of a host, A or AAAA.
  [[nodiscard]] Ticket addresses(std::string_view host, bool v4, std::function<void(Found<net::Ip>)> callback);
  /// The names an address has by itself: anything may stand there, see confirmed_name().
  [[nodiscard]] Ticket names(const net::Ip& ip, std::function<void(Found<std::string>)> callback);
  /// The name of an address if that name leads back to the address, in lower case; else "unknown". What the hosts file
  /// says is believed. Ends within `confirm_time` and asks for at most `max_names_tried` names.
  [[nodiscard]] Ticket confirmed_name(const net::Ip& ip, std::function<void(std::string)> callback);

  /// Questions under way; beyond this number the answer is temporary.
  static constexpr std::size_t max_questions = 2000;
  static constexpr Milliseconds confirm_time{10000};
  static constexpr std::size_t max_names_tried = 4;
  static constexpr Seconds hosts_lifetime{3600};

 private:
  struct Impl;
  explicit Resolver(std::unique_ptr<Impl> impl);

  [[nodiscard]] Ticket ask_servers(std::string_view name, Type type, std::function<void(Reply)> callback);

  std::unique_ptr<Impl> impl_;
};

}  // namespace facteur::dns
