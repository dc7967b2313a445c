// Writing ENVELOPE and BODYSTRUCTURE, part by part, with a stack in the place of recursion.
#include "common/mime/imap_text.h"

#include "common/base/imap_string.h"
#include "common/base/strings.h"

namespace facteur::mime {

namespace {

void append_nstring(std::string& out, const Text& text) {
  if (text.present) {
    append_imap_string(out, text.value);
  } else {
    out += "NIL";
  }
}

void append_address(std::string& out, const EnvelopeAddress& address) {
  char before = '(';
  for (const auto* text : {&address.name, &address.route, &address.mailbox, &address.host}) {
    out += before;
    append_nstring(out, *text);
    before = ' ';
  }
  out += ')';
}

void append_addresses(std::string& out, const std::vector<EnvelopeAddress>& addresses) {
  if (addresses.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const auto& address : addresses) append_address(out, address);
  out += ')';
}

void append_parameters(std::string& out, const Parameters& parameters) {
  if (parameters.empty()) {
    out += "NIL";
    return;
  }
  char before = '(';
  for (const auto& [name, value] : parameters) {
    out += before;
    append_imap_string(out, name);
    out += ' ';
    append_imap_string(out, value);
    before = ' ';
  }
  out += ')';
}

/// body-fld-dsp, body-fld-lang and body-fld-loc: the end of the extension data of every part.
void append_extension(std::string& out, const Part& part) {
  if (part.disposition.present) {
    out += '(';
    append_imap_string(out, part.disposition.value);
    out += ' ';
    append_parameters(out, part.disposition_parameters);
    out += ')';
  } else {
    out += "NIL";
  }
  char before = '(';
  out += ' ';
  for (const auto& language : part.languages) {
    out += before;
    append_imap_string(out, language);
    before = ' ';
  }
  out += part.languages.empty() ? "NIL " : ") ";
  append_nstring(out, part.location);
}

/// The type and body-fields: all that comes before what depends on the type.
void append_basics(std::string& out, const Part& part) {
  out += '(';
  append_imap_string(out, part.type);
  out += ' ';
  append_imap_string(out, part.subtype);
  out += ' ';
  append_parameters(out, part.parameters);
  out += ' ';
  append_nstring(out, part.id);
  out += ' ';
  append_nstring(out, part.description);
  out += ' ';
  append_imap_string(out, part.encoding);
  out.append(" ").append(std::to_string(part.body_end - part.body_begin));
}

bool is_text(const Part& part) {
  return iequals(part.type, "text");
}

/// What comes before the parts of a part.
void open_part(std::string& out, const Part& part) {
  if (part.is_multipart()) {
    // 1*body: a multipart without any is told as one with an empty text.
    out += part.children.empty() ? R"((("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0))" : "(";
    return;
  }
  append_basics(out, part);
  if (!part.is_message()) return;
  out += ' ';
  append_envelope(out, *part.envelope);
  out += ' ';
}

/// What comes behind them.
void close_part(std::string& out, const Part& part, bool extended) {
  if (part.is_multipart()) {
    out += ' ';
    append_imap_string(out, part.subtype);
    if (extended) {
      out += ' ';
      append_parameters(out, part.parameters);
    }
  } else {
    const bool has_lines = is_text(part) || !part.children.empty();
    if (has_lines) out.append(" ").append(std::to_string(part.body_lines));
    if (extended) {
      out += ' ';
      append_nstring(out, part.md5);
    }
  }
  if (extended) {
    out += ' ';
    append_extension(out, part);
  }
  out += ')';
}

}  // namespace

void append_envelope(std::string& out, const Envelope& envelope) {
  out += '(';
  append_nstring(out, envelope.date);
  out += ' ';
  append_nstring(out, envelope.subject);
  // Sender and Reply-To that are absent or empty are told as From (RFC 3501 section 7.4.2).
  const auto& sender = envelope.sender.empty() ? envelope.from : envelope.sender;
  const auto& reply_to = envelope.reply_to.empty() ? envelope.from : envelope.reply_to;
  for (const auto* addresses : {&envelope.from, &sender, &reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) {
    out += ' ';
    append_addresses(out, *addresses);
  }
  out += ' ';
  append_nstring(out, envelope.in_reply_to);
  out += ' ';
  append_nstring(out, envelope.message_id);
  out += ')';
}

void append_structure(std::string& out, const std::vector<Part>& parts, bool extended) {
  struct Open {
    const Part* part;
    std::size_t next_child = 0;
  };
  std::vector<Open> stack{{parts.data()}};
  open_part(out, *stack.back().part);
  while (!stack.empty()) {
    auto& [part, next] = stack.back();
    if (next == part->children.size()) {
      close_part(out, *part, extended);
      stack.pop_back();
      continue;
    }
    const auto& child = parts[part->children[next++]];
    open_part(out, child);
    stack.push_back({&child});
  }
}

}  // namespace facteur::mime
