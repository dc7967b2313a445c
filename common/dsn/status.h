// Enhanced mail system status codes (RFC 3463): "class.subject.detail".
#pragma once

#include <string>
#include <string_view>

#include "common/smtp/reply.h"

namespace facteur::dsn {

/// True for a well-formed code of class 2, 4 or 5.
[[nodiscard]] bool is_status(std::string_view text);
/// The status of a reply: its enhanced code, or "5.0.0" and the like after the first digit of its code. A reply that is
/// no final one counts as temporary.
[[nodiscard]] std::string status_of(const smtp::Reply& reply);
/// What a status says, in the words of RFC 3463 section 3 and of the IANA registry; those of its subject if it is not
/// known.
[[nodiscard]] std::string_view describe_status(std::string_view status);

}  // namespace facteur::dsn
