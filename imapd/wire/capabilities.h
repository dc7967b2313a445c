// What the server says that it can do (RFC 3501 section 7.2.1). An extension stands here once every MUST of its RFC has
// a line in tests/dialogue/MUSTS.md.
#pragma once

#include <string_view>

namespace facteur::imapd {

/// Before login; the login program adds STARTTLS, LOGINDISABLED and AUTH= as they apply.
constexpr std::string_view capabilities_before_login = "IMAP4rev1 LITERAL+ SASL-IR ID";
constexpr std::string_view capabilities_after_login =
    "IMAP4rev1 LITERAL+ SASL-IR ID IDLE NAMESPACE UIDPLUS CHILDREN UNSELECT MOVE";

}  // namespace facteur::imapd
