// The wildcards of LIST and LSUB: "*" stands for anything, "%" for anything but the hierarchy separator (RFC 3501
// section 6.3.8). All positions of the pattern that a name may have reached are kept as bits (the Shift-And method of
// Baeza-Yates and Gonnet, 1992), so a name costs its length times a few words, whatever the pattern.
#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string_view>

#include "imapd/wire/limits.h"

namespace facteur::imapd {

class ListPattern {
 public:
  /// Nothing if the pattern, runs of wildcards made one, is longer than a mailbox name can be.
  [[nodiscard]] static std::optional<ListPattern> compile(std::string_view pattern, char separator);
  /// Whether the whole name matches.
  [[nodiscard]] bool matches(std::string_view name) const;

 private:
  using States = std::bitset<max_mailbox_name + 25>;
  std::array<States, 128> literal_{};  ///< positions at which the pattern has this character
  States any_;                         ///< positions of "*"
  States level_;                       ///< positions of "%"
  std::size_t size_ = 0;
  char separator_ = '/';
};

}  // namespace facteur::imapd
