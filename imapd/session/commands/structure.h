// A message in short, as IMAP writes it: ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 section 7.4.2).
#pragma once

#include <string>

#include "common/mime/summary.h"

namespace facteur::imapd {

void append_envelope(std::string& out, const mime::Envelope& envelope);
/// BODYSTRUCTURE, or with `extended` false BODY.
void append_structure(std::string& out, const mime::Summary& summary, bool extended);

}  // namespace facteur::imapd
