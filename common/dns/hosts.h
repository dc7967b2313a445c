// The hosts file (hosts(5)), read once before the jail closes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace facteur::dns {

/// Names and addresses of a hosts file. Lines that are none, and names not fit for use, are passed over.
class Hosts {
 public:
  Hosts() = default;
  explicit Hosts(std::string_view text);

  /// The addresses of a name in any case, in the order of the file; of one family.
  [[nodiscard]] std::vector<net::Ip> addresses(std::string_view name, bool v4) const;
  /// True if the file has the name, with an address of whichever family.
  [[nodiscard]] bool has(std::string_view name) const;
  /// The first name of an address; empty if the file has it not.
  [[nodiscard]] std::string name_of(const net::Ip& ip) const;

  static constexpr std::size_t max_lines = 65536;

 private:
  std::map<std::string, std::vector<net::Ip>, std::less<>> addresses_;  ///< by name in lower case
  std::map<net::Ip, std::string> names_;
};

}  // namespace facteur::dns
