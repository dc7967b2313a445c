// Parameters of MAIL (RFC 5321 section 4.1.1.11), of the extensions that EHLO offers.
#pragma once

#include <optional>
#include <vector>

#include "common/smtp/path.h"
#include "common/smtp/reply.h"
#include "queue/format/envelope.h"
#include "smtpd/session/limits.h"

namespace facteur::smtpd {

/// Puts what the parameters say into the envelope; the reply that refuses them, or nothing. SIZE (RFC 1870), BODY (RFC
/// 6152) and AUTH (RFC 4954 section 5; read and not believed) are known; others get 555 (RFC 5321 section 4.1.1.11).
[[nodiscard]] std::optional<smtp::Reply> apply_mail_parameters(const std::vector<smtp::Parameter>& parameters,
                                                               const Limits& limits, queue::Envelope& envelope);

}  // namespace facteur::smtpd
