#include "common/smtp/path.h"

#include <algorithm>

#include "common/address/grammar.h"
#include "common/base/encode.h"
#include "common/base/strings.h"

namespace facteur::smtp {
namespace {

using address::is_8bit;

/// Takes a source route "@a,@b:" from the front (RFC 5321 section 4.1.2, A-d-l).
bool take_route(std::string_view& text) {
  if (!text.starts_with('@')) return true;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  for (const auto hop : split(text.substr(0, colon), ',')) {
    if (!hop.starts_with('@') || !address::is_domain(hop.substr(1))) return false;
  }
  text.remove_prefix(colon + 1);
  return true;
}

/// Takes "<...>" from the front.
Result<Path> take_path(std::string_view& text) {
  const auto whole = text;
  text.remove_prefix(1);
  if (text.starts_with('>')) {
    text.remove_prefix(1);
    return Path{};
  }
  if (!take_route(text)) return fail(Kind::permanent, "malformed source route");
  auto address = address::take(text);
  if (!address) return fail(address);
  if (!text.starts_with('>')) return fail(Kind::permanent, "no '>' behind the address");
  text.remove_prefix(1);
  if (whole.size() - text.size() > max_path) return fail(Kind::permanent, "path longer than 256 octets");
  return Path{std::move(*address)};
}

/// "keyword:" and the path; what follows it stays in `arguments`.
Result<Path> take_argument(std::string_view& arguments, std::string_view keyword) {
  if (!istarts_with(arguments, keyword)) {
    return fail(Kind::permanent, std::string(keyword) + " expected");
  }
  arguments.remove_prefix(keyword.size());
  arguments.remove_prefix(std::min(arguments.find_first_not_of(' '), arguments.size()));
  if (arguments.starts_with('<')) return take_path(arguments);
  auto address = address::take(arguments);
  if (!address) return fail(address);
  return Path{std::move(*address)};
}

Result<PathAndParameters> parse_arguments(std::string_view arguments, std::string_view keyword) {
  auto path = take_argument(arguments, keyword);
  if (!path) return fail(path);
  if (!arguments.empty() && !arguments.starts_with(' ')) return fail(Kind::permanent, "text behind the path");
  auto parameters = parse_parameters(arguments);
  if (!parameters) return fail(parameters);
  return PathAndParameters{std::move(*path), std::move(*parameters)};
}

bool is_keyword(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_value(std::string_view text) {
  return !text.empty() && is_utf8(text) &&
         std::ranges::all_of(text, [](char c) { return (c > ' ' && c < 0x7f && c != '=') || is_8bit(c); });
}

/// "KEYWORD" or "KEYWORD=value" (esmtp-param of RFC 5321 section 4.1.2).
Result<Parameter> parse_parameter(std::string_view word) {
  const auto equals = word.find('=');
  const auto keyword = word.substr(0, equals);
  if (!is_keyword(keyword)) return fail(Kind::permanent, "malformed parameter");
  if (equals == std::string_view::npos) return Parameter{to_upper(keyword), std::nullopt};
  // AUTH=<> and ORCPT values may hold '=' only as xtext; a second one is an error (RFC 5321: esmtp-value).
  const auto value = word.substr(equals + 1);
  if (!is_value(value)) return fail(Kind::permanent, "malformed value of " + to_upper(keyword));
  return Parameter{to_upper(keyword), std::string(value)};
}

}  // namespace

bool Path::needs_smtputf8() const {
  return !address::is_ascii(address.local_part) || !address::is_ascii(address.domain);
}

Result<PathAndParameters> parse_mail(std::string_view arguments) {
  return parse_arguments(arguments, "FROM:");
}

Result<PathAndParameters> parse_rcpt(std::string_view arguments) {
  auto parsed = parse_arguments(arguments, "TO:");
  if (!parsed) return parsed;
  if (parsed->path.null()) return fail(Kind::permanent, "null path as recipient");
  const auto& [local_part, domain] = parsed->path.address;
  if (domain.empty() && !iequals(local_part, "postmaster")) return fail(Kind::permanent, "no domain");
  return parsed;
}

Result<Path> parse_path(std::string_view text) {
  if (!text.starts_with('<')) return fail(Kind::permanent, "no '<' before the address");
  auto path = take_path(text);
  if (path && !text.empty()) return fail(Kind::permanent, "text behind the path");
  return path;
}

Result<std::vector<Parameter>> parse_parameters(std::string_view text) {
  std::vector<Parameter> out;
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    auto parameter = parse_parameter(word);
    if (!parameter) return fail(parameter);
    if (out.size() == max_parameters) return fail(Kind::permanent, "too many parameters");
    if (std::ranges::any_of(out, [&](const auto& other) { return other.keyword == parameter->keyword; })) {
      return fail(Kind::permanent, parameter->keyword + " given twice");
    }
    out.push_back(std::move(*parameter));
  }
  return out;
}

std::optional<std::string> xtext_decode(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto octet = std::optional(std::string(1, value[i]));
    if (value[i] == '+') {
      octet = hex_decode(value.substr(i + 1, 2));
      if (!octet || octet->empty()) return std::nullopt;
      i += 2;
    } else if (value[i] == '=' || value[i] == ' ') {
      return std::nullopt;
    }
    if (is_control(octet->front()) || is_8bit(octet->front())) return std::nullopt;
    out += *octet;
  }
  return out;
}

std::string xtext_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
      out += c;
    } else {
      out.append("+").append(to_upper(hex_encode(std::string_view(&c, 1))));
    }
  }
  return out;
}

}  // namespace facteur::smtp
