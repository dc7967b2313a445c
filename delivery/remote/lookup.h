// The hosts that take mail for a domain, with their addresses (RFC 5321 section 5.1). Which of them are asked, and in
// which order, is the queue's to say; here is only what DNS knows.
#pragma once

#include <functional>
#include <vector>

#include "delivery/remote/environment.h"
#include "queue/doors.h"

namespace facteur::remote {

/// Answers one queue::Resolve. Destroyed, it asks no more.
class Lookup {
 public:
  /// `done` runs once, from the loop; it may destroy the Lookup.
  Lookup(Environment& environment, queue::Resolve request, std::function<void(queue::Resolved)> done);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() = default;

  void start();

  static constexpr std::size_t most_hosts = 32;      ///< of a domain; those preferred most
  static constexpr std::size_t most_addresses = 16;  ///< of a host

 private:
  struct Host {
    queue::MxHost answer;
    bool exists = false;  ///< some question about it was not answered with "no such domain"
  };

  void answer_literal(const net::Ip& ip);
  void got_mx(const dns::Found<dns::Mx>& found);
  void add_host(std::string name, std::uint16_t preference);
  void ask_addresses();
  void got_addresses(std::size_t host, const dns::Found<net::Ip>& found);
  void got_all();
  void finish(queue::DnsOutcome outcome, const std::string& why);

  Environment& environment_;
  queue::Resolve request_;
  std::function<void(queue::Resolved)> done_;
  std::vector<Host> hosts_;
  std::vector<Ticket> questions_;
  std::size_t open_ = 0;
  bool implicit_ = false;
  Seconds lifetime_ = dns::max_lifetime;
};

}  // namespace facteur::remote
