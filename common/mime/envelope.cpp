#include "common/mime/envelope.h"

#include <algorithm>
#include <array>

#include "common/address/list.h"
#include "common/base/strings.h"
#include "common/mime/header.h"

namespace facteur::mime {
namespace {

struct TextField {
  std::string_view name;
  Text Part::* text;
};
constexpr std::array<TextField, 5> part_texts{{{"Content-ID", &Part::id},
                                               {"Content-Description", &Part::description},
                                               {"Content-MD5", &Part::md5},
                                               {"Content-Language", &Part::language},
                                               {"Content-Location", &Part::location}}};

struct EnvelopeText {
  std::string_view name;
  Text Envelope::* text;
};
constexpr std::array<EnvelopeText, 4> envelope_texts{{{"Date", &Envelope::date},
                                                      {"Subject", &Envelope::subject},
                                                      {"In-Reply-To", &Envelope::in_reply_to},
                                                      {"Message-ID", &Envelope::message_id}}};

struct EnvelopeList {
  std::string_view name;
  std::vector<EnvelopeAddress> Envelope::* list;
};
constexpr std::array<EnvelopeList, 6> envelope_lists{{{"From", &Envelope::from},
                                                      {"Sender", &Envelope::sender},
                                                      {"Reply-To", &Envelope::reply_to},
                                                      {"To", &Envelope::to},
                                                      {"Cc", &Envelope::cc},
                                                      {"Bcc", &Envelope::bcc}}};

/// Sets a text at the first field of its name.
void set_once(Text& text, std::string_view body) {
  if (!text.present) text = {true, unfold(body)};
}

Text present(std::string value) {
  return {true, std::move(value)};
}

EnvelopeAddress envelope_address(address::ListEntry entry) {
  using enum address::ListEntry::Type;
  EnvelopeAddress out;
  if (entry.type == group_end) return out;
  if (entry.type == group_begin) {
    out.mailbox = present(entry.name.value_or(""));
    return out;
  }
  if (entry.name) out.name = present(std::move(*entry.name));
  if (!entry.route.empty()) out.route = present(std::move(entry.route));
  out.mailbox = present(std::move(entry.local_part));
  out.host = present(std::move(entry.domain));
  return out;
}

void read_list(std::string_view body, std::vector<EnvelopeAddress>& list, std::size_t& addresses) {
  for (auto& entry : address::parse_list(body, std::min(addresses, max_field_addresses))) {
    list.push_back(envelope_address(std::move(entry)));
  }
  addresses -= std::min(addresses, list.size());
}

void set_disposition(std::string_view body, Part& part) {
  auto parsed = parse_parameterized(body);
  if (part.disposition.present || parsed.value.empty()) return;
  part.disposition = present(std::move(parsed.value));
  part.disposition_parameters = std::move(parsed.parameters);
}

void set_type(std::string_view body, Part& part) {
  auto parsed = parse_content_type(body);
  if (!parsed) return;
  part.type = std::move(parsed->type);
  part.subtype = std::move(parsed->subtype);
  part.parameters = std::move(parsed->parameters);
}

void set_encoding(std::string_view body, Part& part) {
  auto encoding = parse_parameterized(body).value;
  if (!encoding.empty()) part.encoding = std::move(encoding);
}

void set_languages(Part& part) {
  for (const auto tag : split(part.language.value, ',')) {
    if (!trim(tag).empty()) part.languages.emplace_back(trim(tag));
  }
}

}  // namespace

void read_content_fields(std::string_view header, bool in_digest, Part& part) {
  part.type = in_digest ? "MESSAGE" : "TEXT";
  part.subtype = in_digest ? "RFC822" : "PLAIN";
  bool type_seen = false, encoding_seen = false;
  Fields fields(header);
  while (const auto field = fields.next()) {
    if (!istarts_with(field->name, "Content-")) continue;
    for (const auto& [name, text] : part_texts) {
      if (iequals(field->name, name)) set_once(part.*text, field->body);
    }
    if (iequals(field->name, "Content-Disposition")) set_disposition(field->body, part);
    if (iequals(field->name, "Content-Type") && !std::exchange(type_seen, true)) set_type(field->body, part);
    if (iequals(field->name, "Content-Transfer-Encoding") && !std::exchange(encoding_seen, true)) {
      set_encoding(field->body, part);
    }
  }
  set_languages(part);
}

Envelope read_envelope(std::string_view header, std::size_t& addresses) {
  Envelope out;
  std::array<bool, envelope_lists.size()> seen{};
  Fields fields(header);
  while (const auto field = fields.next()) {
    for (const auto& [name, text] : envelope_texts) {
      if (iequals(field->name, name)) set_once(out.*text, field->body);
    }
    for (std::size_t i = 0; i < envelope_lists.size(); ++i) {
      if (!iequals(field->name, envelope_lists[i].name) || std::exchange(seen[i], true)) continue;
      read_list(field->body, out.*envelope_lists[i].list, addresses);
    }
  }
  return out;
}

}  // namespace facteur::mime
