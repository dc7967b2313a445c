// A message in short, as IMAP writes it: ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 section 7.4.2).
#pragma once

#include <string>

#include "common/mime/summary.h"

namespace facteur::mime {

void append_envelope(std::string& out, const Envelope& envelope);
/// BODYSTRUCTURE, or with `extended` false BODY, of a message with these parts.
void append_structure(std::string& out, const std::vector<Part>& parts, bool extended);

}  // namespace facteur::mime
