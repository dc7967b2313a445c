// What is told of a mailbox that was handed over to Dovecot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/store/mailbox.h"

namespace facteur::store {

struct MovedOut {
  bool before = false;  ///< it was handed over already, and nobody has taken it back: left as it is
  std::uint32_t uid_validity = 0;
  Uid uid_next = 0;
  std::size_t messages = 0;
  std::vector<std::string> left_out;  ///< keywords that Dovecot has no letter for
};

}  // namespace facteur::store
