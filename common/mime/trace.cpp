#include "common/mime/trace.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/base/strings.h"
#include "common/mime/header.h"

namespace facteur::mime {
namespace {

/// Octets of one foreign word; RFC 5321 section 4.5.3.1.2 allows a domain as many.
constexpr std::size_t max_word = 255;

/// A host name or address literal as a client gives it.
std::string host_word(std::string_view text) {
  std::string out;
  std::ranges::transform(text.substr(0, max_word), std::back_inserter(out), [](char c) {
    return is_alnum(c) || (c != '\0' && std::string_view("-_.:[]").contains(c)) ? c : '?';
  });
  return out.empty() ? "unknown" : out;
}

/// An address: it was parsed before, this is the last guard of the line.
std::string one_line(std::string_view text) {
  std::string out;
  std::ranges::transform(text, std::back_inserter(out), [](char c) { return is_control(c) ? '?' : c; });
  return out;
}

std::string address_literal(std::string_view ip) {
  return (ip.contains(':') ? "[IPv6:" : "[") + host_word(ip) + "]";
}

}  // namespace

std::string received_field(const Reception& r) {
  std::string out = "Received: ";
  if (r.client_address.empty()) {
    out += fmt::format("by {} (Facteur, from {})\r\n\tid {}", r.host, host_word(r.login), r.queue_id);
  } else {
    out += fmt::format("from {} ({} {})\r\n", host_word(r.helo), host_word(r.client_name),
                       address_literal(r.client_address));
    if (!r.tls.empty()) out += fmt::format("\t(using {})\r\n", one_line(r.tls));
    out += fmt::format("\tby {} (Facteur) with {} id {}", r.host, r.protocol, r.queue_id);
  }
  if (!r.recipient.empty()) out += fmt::format("\r\n\tfor <{}>", one_line(r.recipient));
  return out += fmt::format("; {}\r\n", rfc5322_time(r.time));
}

std::string return_path_field(std::string_view path) {
  return fmt::format("Return-Path: <{}>\r\n", one_line(path));
}

std::string delivered_to_field(const address::Address& recipient) {
  return fmt::format("Delivered-To: {}\r\n", one_line(recipient.to_string()));
}

std::string original_to_field(std::string_view recipient) {
  return fmt::format("X-Original-To: {}\r\n", one_line(recipient));
}

std::string date_field(WallTime time) {
  return fmt::format("Date: {}\r\n", rfc5322_time(time));
}

std::string message_id_field(std::string_view unique, std::string_view host) {
  return fmt::format("Message-ID: <{}@{}>\r\n", unique, host);
}

std::size_t count_received(std::string_view header) {
  std::size_t count = 0;
  Fields fields(header);
  while (const auto field = fields.next()) count += iequals(field->name, "Received") ? 1 : 0;
  return count;
}

bool was_delivered_to(std::string_view header, const address::Address& recipient) {
  Fields fields(header);
  while (const auto field = fields.next()) {
    if (!iequals(field->name, "Delivered-To")) continue;
    const auto delivered = address::parse(unfold(field->body));
    if (delivered && *delivered == recipient) return true;
  }
  return false;
}

}  // namespace facteur::mime
