#include "common/address/address.h"

#include <algorithm>
#include <array>

#include "common/address/grammar.h"
#include "common/base/strings.h"

namespace facteur::address {
namespace {

/// Names that are never cut at a delimiter, whatever it is.
constexpr std::array<std::string_view, 3> whole_names{"postmaster", "mailer-daemon", "double-bounce"};

bool is_local_octet(char c) {
  return is_atext(c) || c == '.';
}

bool is_domain_octet(char c) {
  return is_alnum(c) || c == '-' || c == '_' || c == '.' || is_8bit(c);
}

/// The front of the text that consists of such octets; taken from it.
std::string_view take_while(std::string_view& text, bool (*belongs)(char)) {
  const auto end = std::ranges::find_if_not(text, belongs);
  const auto out = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(out.size());
  return out;
}

Result<std::string> take_local_part(std::string_view& text) {
  std::string out;
  if (text.starts_with('"')) {
    auto quoted = take_quoted_string(text);
    if (!quoted) return fail(Kind::permanent, "malformed quoted string");
    out = std::move(*quoted);
  } else {
    out = take_while(text, is_local_octet);
    if (!is_dot_string(out)) return fail(Kind::permanent, out.empty() ? "no local part" : "misplaced dot");
  }
  if (out.size() > max_local_part) return fail(Kind::permanent, "local part longer than 64 octets");
  if (!is_utf8(out)) return fail(Kind::permanent, "ill-formed UTF-8");
  return out;
}

Result<std::string> take_domain(std::string_view& text) {
  if (text.starts_with('[')) {
    const auto literal = text.substr(0, text.find(']') == std::string_view::npos ? 0 : text.find(']') + 1);
    if (!is_address_literal(literal)) return fail(Kind::permanent, "malformed address literal");
    text.remove_prefix(literal.size());
    return std::string(literal);
  }
  const auto domain = take_while(text, is_domain_octet);
  if (domain.size() > max_domain) return fail(Kind::permanent, "domain longer than 255 octets");
  if (!is_domain(domain)) return fail(Kind::permanent, "malformed domain");
  return std::string(domain);
}

}  // namespace

std::string Address::to_string() const {
  if (empty()) return {};
  auto out = quote_local_part(local_part);
  if (!domain.empty()) out.append("@").append(domain);
  return out;
}

std::string Address::key() const {
  return Address{local_part, to_lower(domain)}.to_string();
}

bool operator==(const Address& a, const Address& b) {
  return a.local_part == b.local_part && iequals(a.domain, b.domain);
}

Result<Address> take(std::string_view& text) {
  auto local_part = take_local_part(text);
  if (!local_part) return fail(local_part);
  if (!text.starts_with('@')) {
    // "" alone would be taken for the null path.
    if (local_part->empty()) return fail(Kind::permanent, "no local part");
    return Address{std::move(*local_part), {}};
  }
  text.remove_prefix(1);
  auto domain = take_domain(text);
  if (!domain) return fail(domain);
  return Address{std::move(*local_part), std::move(*domain)};
}

Result<Address> parse(std::string_view text) {
  auto address = take(text);
  if (address && !text.empty()) return fail(Kind::permanent, "text behind the address");
  return address;
}

std::pair<std::string_view, std::optional<std::string_view>> split_detail(std::string_view local_part,
                                                                          std::string_view delimiters) {
  const bool whole = std::ranges::any_of(whole_names, [=](auto name) { return iequals(local_part, name); });
  const auto at = local_part.find_first_of(delimiters);
  if (whole || at == 0 || at == std::string_view::npos) return {local_part, std::nullopt};
  return {local_part.substr(0, at), local_part.substr(at + 1)};
}

}  // namespace facteur::address
