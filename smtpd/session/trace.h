// The header fields that smtpd puts on top of a message (RFC 5321 section 4.4).
#pragma once

#include <string>
#include <string_view>

#include "common/base/time.h"
#include "smtpd/policy/facts.h"

namespace facteur::smtpd {

/// What the Received field tells.
struct Trace {
  ClientFacts client;
  std::string hostname;
  std::string helo;      ///< empty: the client said none
  std::string protocol;  ///< with-protocol-type of RFC 3848: "ESMTPSA"
  std::string tls;       ///< "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"; empty without TLS
  std::string queue_id;
  std::string recipient;  ///< the only recipient; empty if there are more: they may not know of each other
  WallTime arrival{};
};

/// The Received field, folded as Postfix does, with CRLF at its end. Nothing that a client or its DNS said can end a
/// line or a comment in it.
[[nodiscard]] std::string received_field(const Trace& trace);
/// Message-ID and Date for a submitted message that lacks them (RFC 6409 sections 8.2 and 8.3), each with its CRLF.
[[nodiscard]] std::string message_id_field(const Trace& trace);
[[nodiscard]] std::string date_field(WallTime arrival);

/// Text of a stranger that is safe in a comment or a name of a header field: printable ASCII; controls, 8-bit octets,
/// parentheses, backslashes, quotes, semicolons and spaces become '?'.
[[nodiscard]] std::string neutral(std::string_view text);

/// SMTP, or ESMTP with S under TLS and A after AUTH (RFC 3848).
[[nodiscard]] std::string with_protocol(bool extended, bool tls, bool authenticated);

}  // namespace facteur::smtpd
