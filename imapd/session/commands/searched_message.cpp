#include "imapd/session/commands/searched_message.h"

#include <algorithm>
#include <string.h>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/date.h"
#include "common/mime/encoded_word.h"
#include "common/mime/encoding.h"
#include "common/mime/header.h"

namespace facteur::imapd {

namespace {

/// memmem() is linear in both (two-way string matching), which string_view::find() is not.
bool holds(std::string_view text, std::string_view value) {
  return value.empty() || ::memmem(text.data(), text.size(), value.data(), value.size()) != nullptr;
}

std::string readable(std::string_view field) {
  return mime::fold_case(mime::decode_encoded_words(mime::unfold(field)));
}

/// An address as people write it, for FROM, TO, CC and BCC.
std::string written(const std::vector<mime::EnvelopeAddress>& addresses) {
  std::string out;
  for (const auto& address : addresses) {
    out.append(address.name.value).append(" <").append(address.mailbox.value);
    if (address.host.present) out.append("@").append(address.host.value);
    out += ">, ";
  }
  return readable(out);
}

/// All fields of a header, one a line.
std::string readable_header(std::string_view header) {
  std::string out;
  mime::Fields fields(header);
  while (const auto field = fields.next()) {
    out.append(field->name).append(": ").append(mime::decode_encoded_words(mime::unfold(field->body))).append("\n");
  }
  return mime::fold_case(out);
}

bool is_text(const mime::Part& part) {
  return part.children.empty() && !part.is_multipart() && iequals(part.type, "text");
}

const std::string* charset_of(const mime::Part& part) {
  const auto found = std::find_if(part.parameters.begin(), part.parameters.end(),
                                  [](const auto& parameter) { return iequals(parameter.name, "charset"); });
  return found == part.parameters.end() ? nullptr : &found->value;
}

}  // namespace

bool SearchedMessage::matches(const SearchKey& key) {
  switch (key.kind) {
    case KeyKind::sent_before:
    case KeyKind::sent_on:
    case KeyKind::sent_since: return sent_matches(key);
    case KeyKind::header: return header_matches(key);
    case KeyKind::body: return body_matches(key);
    case KeyKind::text: return body_matches(key) || (open() && holds(readable_header(header()), key.value));
    default: return envelope_matches(key);
  }
}

/// What is wanted of the summary, kept in `known`; nullptr if it cannot be had.
const mime::Summary* SearchedMessage::know(Known& known, mime::Aspects wanted) {
  if (!known && !unreadable_) {
    auto summary = mailbox_.summary(uid_, wanted);
    if (summary) known = std::move(*summary);
    unreadable_ = !known;
  }
  return known.get();
}

const mime::Envelope* SearchedMessage::envelope() {
  const auto* known = know(envelope_, {.envelope = true, .parts = false, .texts = false});
  return known == nullptr ? nullptr : &known->envelope;
}

bool SearchedMessage::open() {
  if (!content_ && !unreadable_) {
    auto content = mailbox_.open(uid_);
    if (content) content_ = std::move(*content);
    unreadable_ = !content_;
  }
  return content_ != nullptr && know(summary_, {.envelope = false, .parts = true, .texts = false}) != nullptr;
}

std::string SearchedMessage::read(std::uint64_t begin, std::uint64_t end) {
  auto octets = content_->read(begin, static_cast<std::size_t>(end - begin));
  return octets ? std::move(*octets) : std::string{};
}

const std::string& SearchedMessage::header() {
  if (!header_) header_ = read(0, summary_->parts.front().body_begin);
  return *header_;
}

bool SearchedMessage::envelope_matches(const SearchKey& key) {
  const auto* known = envelope();
  if (known == nullptr) return false;
  switch (key.kind) {
    case KeyKind::from: return holds(written(known->from), key.value);
    case KeyKind::to: return holds(written(known->to), key.value);
    case KeyKind::cc: return holds(written(known->cc), key.value);
    case KeyKind::bcc: return holds(written(known->bcc), key.value);
    default: return holds(readable(known->subject.value), key.value);
  }
}

/// The day the sender's calendar showed; the zone is disregarded (RFC 3501 section 6.4.4).
bool SearchedMessage::sent_matches(const SearchKey& key) {
  const auto* known = envelope();
  const auto date = known != nullptr ? mime::parse_date(known->date.value) : std::nullopt;
  if (!date) return false;
  if (key.kind == KeyKind::sent_before) return date->day() < key.number;
  return key.kind == KeyKind::sent_on ? date->day() == key.number : date->day() >= key.number;
}

bool SearchedMessage::header_matches(const SearchKey& key) {
  if (!open()) return false;
  mime::Fields fields(header());
  while (const auto field = fields.next()) {
    if (iequals(field->name, key.field) && holds(readable(field->body), key.value)) return true;
  }
  return false;
}

bool SearchedMessage::body_matches(const SearchKey& key) {
  if (key.value.empty()) return true;
  const auto& all = texts();
  return std::any_of(all.begin(), all.end(), [&](const std::string& text) { return holds(text, key.value); });
}

/// All that lies behind the header of the message, in its order: what stands around the parts as it stands (preamble,
/// boundaries, epilogue), the header of each part as it reads, and its body (RFC 3501 section 6.4.4, BODY and TEXT).
const std::vector<std::string>& SearchedMessage::texts() {
  if (texts_) return *texts_;
  texts_.emplace();
  if (!open()) return *texts_;
  const auto& parts = summary_->parts;
  std::uint64_t at = parts.front().body_begin;
  const auto around_until = [&](std::uint64_t end) {
    if (at < end) texts_->push_back(mime::fold_case(mime::guess_utf8(read(at, end))));
  };
  for (const auto& part : parts) {
    if (&part != &parts.front()) {
      around_until(part.header_begin);
      texts_->push_back(readable_header(read(part.header_begin, part.body_begin)));
    }
    at = part.body_begin;
    if (!part.children.empty()) continue;
    texts_->push_back(text_of(part));
    at = part.body_end;
  }
  around_until(summary_->size);
  return *texts_;
}

/// A body decoded. Nothing if it is no text and in base64: an image, say, in which nobody looks for words.
std::string SearchedMessage::text_of(const mime::Part& part) {
  if (!is_text(part) && iequals(part.encoding, "base64")) return {};
  const auto body = mime::decode_body(part.encoding, read(part.body_begin, part.body_end));
  const auto* charset = is_text(part) ? charset_of(part) : nullptr;
  auto text = charset != nullptr ? mime::to_utf8(*charset, body) : std::nullopt;
  return mime::fold_case(text ? *text : mime::guess_utf8(body));
}

}  // namespace facteur::imapd
