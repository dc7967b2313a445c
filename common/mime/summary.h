// A message in short: what IMAP's ENVELOPE and BODYSTRUCTURE want, and where each part lies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/base/result.h"
#include "common/mime/parameters.h"

namespace facteur::mime {

/// A field that may be absent: NIL in IMAP, which is not the empty string.
struct Text {
  bool present = false;
  std::string value;
  auto fields() { return std::tie(present, value); }
  friend bool operator==(const Text&, const Text&) = default;
};

/// An address of an ENVELOPE (RFC 3501 section 7.4.2): a group begins with host absent and mailbox its name, and ends
/// with both absent. A mailbox without a domain has an empty host.
struct EnvelopeAddress {
  Text name, route, mailbox, host;
  auto fields() { return std::tie(name, route, mailbox, host); }
  friend bool operator==(const EnvelopeAddress&, const EnvelopeAddress&) = default;
};

/// The header fields of an ENVELOPE as they stand in the message, unfolded, encoded words left alone. Sender and
/// Reply-To are empty when the message has none (or an empty one): IMAP then answers with From.
struct Envelope {
  Text date, subject, in_reply_to, message_id;
  std::vector<EnvelopeAddress> from, sender, reply_to, to, cc, bcc;
  auto fields() { return std::tie(date, subject, in_reply_to, message_id, from, sender, reply_to, to, cc, bcc); }
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// One part of a message. Offsets count octets of the message with CRLF line ends.
struct Part {
  std::uint32_t parent = 0;             ///< index of the parent in Summary::parts; the root is its own parent
  std::vector<std::uint32_t> children;  ///< indices: the parts of a multipart, or the root of an embedded message
  std::uint64_t header_begin = 0;       ///< first octet of its header
  std::uint64_t body_begin = 0;         ///< first octet behind the empty line
  std::uint64_t body_end = 0;           ///< one past its last octet, before the CRLF of the boundary
  std::uint32_t body_lines = 0;         ///< line ends in the body, and one for an unended last line
  std::string type, subtype;            ///< as written; "TEXT" and "PLAIN" by default (RFC 2045 section 5.2)
  Parameters parameters;
  Text id, description, md5, disposition, language, location;
  std::string encoding = "7BIT";  ///< Content-Transfer-Encoding
  Parameters disposition_parameters;
  std::vector<std::string> languages;  ///< `language` as a list
  std::optional<Envelope> envelope;    ///< of message/rfc822: that of the message inside, its only child
  [[nodiscard]] bool is_message() const { return envelope.has_value(); }
  /// True if it has parts: a multipart in which no part was found is text/plain.
  [[nodiscard]] bool is_multipart() const;
  auto fields() {
    return std::tie(parent, children, header_begin, body_begin, body_end, body_lines, type, subtype, parameters, id,
                    description, md5, disposition, language, location, encoding, disposition_parameters, languages,
                    envelope);
  }
  friend bool operator==(const Part&, const Part&) = default;
};

/// A whole message.
struct Summary {
  std::uint64_t size = 0;  ///< octets with CRLF line ends
  Envelope envelope;
  std::vector<Part> parts;                    ///< parts[0] is the message itself; a child comes behind its parent
  std::string envelope_text, structure_text;  ///< ENVELOPE and BODYSTRUCTURE (imap_text.h)
  friend bool operator==(const Summary&, const Summary&) = default;
};

/// Depth and number of parts that are looked into; what lies deeper is one opaque part (application/octet-stream).
constexpr std::size_t max_depth = 100;
constexpr std::size_t max_parts = 10000;
/// Octets of one header, and of all headers of a message, that are looked at; addresses of one field, and of all.
constexpr std::size_t max_header_octets = 1 << 20;
constexpr std::size_t max_headers_octets = 4 << 20;
constexpr std::size_t max_field_addresses = 2000;
constexpr std::size_t max_envelope_addresses = 10000;

/// Parses a message with CRLF line ends. Never fails: what is malformed is read by the written rule of this library
/// (header.h, parameters.h, summarizer.h). Linear in the size, no recursion. For a message in pieces: Summarizer.
[[nodiscard]] Summary summarize(std::string_view message);

/// What of a summary somebody wants: the rest may be missing from what he gets, which spares the time to make it.
struct Aspects {
  bool envelope = true;
  bool parts = true;
  bool texts = true;
};

/// A summary as octets for a cache, and what is wanted of it back; Kind::corrupt if it is not one.
[[nodiscard]] std::string to_octets(const Summary& summary);
[[nodiscard]] Result<Summary> from_octets(std::string octets, Aspects wanted = {});

}  // namespace facteur::mime
