// The header as it leaves this program: From added where it is missing, Bcc gone.
#pragma once

#include <string>
#include <string_view>

namespace facteur::cli::sendmail {

/// "From: Jim Doe <jim@example.test>" without a line end. The name is quoted (RFC 5322 section 3.2.4) or, with UTF-8 in
/// it, made of encoded words (RFC 2047); a name with control characters or ill-formed UTF-8 is left out.
[[nodiscard]] std::string from_field(std::string_view name, std::string_view address);

/// The message with an empty line before the first line that is neither a field nor a folded one: a header that runs
/// into the body is closed there, as Postfix does. What stands behind is text, whatever it looks like. Lines end in LF.
[[nodiscard]] std::string close_header(std::string_view message);

/// The message, whose header is closed, without the fields that only this hop may see (RFC 5322 section 3.6.3: Bcc and
/// Resent-Bcc; and Return-Path and Content-Length, which belong to a mailbox), with `from` on top if it has no From of
/// its own. Lines end in LF.
[[nodiscard]] std::string rewrite_header(std::string_view message, const std::string& from);

}  // namespace facteur::cli::sendmail
