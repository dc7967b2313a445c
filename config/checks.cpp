#include "config/checks.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <set>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/net/address.h"

namespace facteur::config {

namespace {

bool is_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port && *port != 0;
}

/// Takes ":port" off the end of a text that has it behind a name, an IPv4 address or a ']'. False if the port is wrong.
bool take_port(std::string_view& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return true;
  const auto host = text.substr(0, colon);
  if (host.contains(':') && !host.ends_with(']')) return true;  // an IPv6 address without brackets
  if (!is_port(text.substr(colon + 1))) return false;
  text = host;
  return true;
}

bool in_brackets(std::string_view& text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  return true;
}

bool is_label(std::string_view label) {
  const auto fine = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, fine);
}

/// The letters of the placeholders in a path; nothing if a '%' begins none.
std::optional<std::string> placeholders(std::string_view path) {
  std::string letters;
  for (auto percent = path.find('%'); percent != std::string_view::npos; percent = path.find('%', percent + 2)) {
    if (percent + 1 >= path.size() || !std::string_view("undh%").contains(path[percent + 1])) return std::nullopt;
    letters += path[percent + 1];
  }
  return letters;
}

/// A path that may begin in a home.
Complaint path_of_account(std::string_view path) {
  if (!path.starts_with("~/") && !path.starts_with('/') && !path.starts_with("%h/")) {
    return "has no path that begins with '/' or '~/'";
  }
  if (!placeholders(path)) return "has a '%' that is not %u, %n, %d, %h or %%";
  if (path.rfind("%h") != std::string_view::npos && path.rfind("%h") != 0) {
    return "has a %h that does not begin it: %h is a whole path";
  }
  return absolute_path(path.substr(path.find('/')));
}

}  // namespace

Complaint host_name(std::string_view text) {
  const auto labels = split(text, '.');
  if (text.size() > 253 || !std::ranges::all_of(labels, is_label)) return "is not a host name";
  // All digits at the end would be an IP address (RFC 1123 section 2.1).
  if (std::ranges::all_of(labels.back(), is_digit)) return "is not a host name";
  return std::nullopt;
}

Complaint absolute_path(std::string_view text) {
  if (!text.starts_with('/')) return "is not a path that begins with '/'";
  if (std::ranges::any_of(text, is_control)) return "has a control character";
  if (std::ranges::count(split(text, '/'), "..") > 0) return "has a '..' in it";
  if (text.size() > 1024) return "is longer than 1024 octets";
  return std::nullopt;
}

Complaint optional_path(std::string_view text) {
  return text.empty() ? std::nullopt : absolute_path(text);
}

Complaint user_or_uid(std::string_view text) {
  if (parse_number<std::uint32_t>(text)) return std::nullopt;
  const auto fine = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  const bool name = !text.empty() && text.size() <= 32 && (is_alpha(text.front()) || text.front() == '_') &&
                    std::ranges::all_of(text, fine);
  if (!name) return "is neither a login name nor a number";
  return std::nullopt;
}

Complaint ip_address(std::string_view text) {
  if (!net::Ip::parse(text)) return "is not an IP address";
  return std::nullopt;
}

Complaint optional_ipv4_address(std::string_view text) {
  const auto ip = net::Ip::parse(text);
  if (!text.empty() && !(ip && ip->is_v4())) return "is not an IPv4 address";
  return std::nullopt;
}

Complaint optional_ipv6_address(std::string_view text) {
  const auto ip = net::Ip::parse(text);
  if (!text.empty() && (!ip || ip->is_v4())) return "is not an IPv6 address";
  return std::nullopt;
}

Complaint interface_name(std::string_view text) {
  if (text == "all" || text == "loopback-only") return std::nullopt;
  if (ip_address(text)) return "is not 'all', 'loopback-only' or an IP address";
  return std::nullopt;
}

Complaint next_hop(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (!take_port(text)) return "has no valid port behind the ':'";
  if (in_brackets(text)) {
    if (text.starts_with("IPv6:")) text.remove_prefix(5);
    if (!ip_address(text)) return std::nullopt;
  }
  if (host_name(text)) return "is not 'domain', '[host]' or '[address]', each with or without ':port'";
  return std::nullopt;
}

Complaint mail_place(std::string_view text) {
  const bool known = text.starts_with("maildir:") || text.starts_with("mbox:");
  if (!known) return "does not begin with 'maildir:' or 'mbox:'";
  const auto path = text.substr(text.find(':') + 1);
  for (const auto* option : {":INDEX=", ":CONTROL=", ":INBOX=", ":LAYOUT="}) {
    if (path.contains(option)) return "has an option of Dovecot's; where the index lies is said by index_location";
  }
  return path_of_account(path);
}

Complaint index_place(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (auto complaint = path_of_account(text)) return complaint;
  const auto used = placeholders(text).value_or("");
  if (text.front() != '/') return std::nullopt;  // each home has its own
  if (used.find_first_of("unh") == std::string::npos) return "names one folder for all accounts: it needs a %u";
  if (text.substr(0, text.find('%')).rfind('/') == 0) return "has no folder before its first placeholder";
  return std::nullopt;
}

Complaint log_place(std::string_view text) {
  if (text == "stderr" || text == "syslog" || text == "journal") return std::nullopt;
  if (absolute_path(text)) return "is not 'stderr', 'syslog', 'journal' or a path that begins with '/'";
  return std::nullopt;
}

Complaint delimiters(std::string_view text) {
  const bool fine = std::ranges::all_of(text, [](char c) { return std::string_view("+-_.=#").contains(c); });
  if (!fine || text.size() > 8) return "is not made of up to 8 of the characters + - _ . = #";
  return std::nullopt;
}

/// RFC 1939 section 7: an id has 1 to 70 octets from 0x21 to 0x7E. The UID must be in it, or ids repeat.
Complaint uidl_pattern(std::string_view text) {
  constexpr std::size_t most_digits = 10, most_octets = 70;
  std::size_t longest = 0;
  bool has_uid = false;
  while (!text.empty()) {
    if (text.front() <= ' ' || text.front() > '~') return "has an octet that no unique id may have";
    const bool number = text.front() == '%';
    text.remove_prefix(1);
    longest += number ? most_digits : 1;
    if (!number) continue;
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits > 0 && parse_number<unsigned>(text.substr(0, digits)).value_or(most_digits + 1) > most_digits) {
      return "has a number of more than ten digits";
    }
    text.remove_prefix(digits);
    if (text.starts_with('X')) text.remove_prefix(1);
    if (!text.starts_with('u') && !text.starts_with('v')) return "has a % that is neither of %u nor of %v";
    has_uid = has_uid || text.front() == 'u';
    text.remove_prefix(1);
  }
  if (!has_uid) return "has no %u";
  if (longest > most_octets) return "can give ids of more than 70 octets";
  return std::nullopt;
}

Complaint mechanism(std::string_view text) {
  if (text != "PLAIN" && text != "LOGIN") return "is neither PLAIN nor LOGIN";
  return std::nullopt;
}

Complaint mbox_locks(std::string_view text) {
  if (text == "fcntl dotlock" || text == "dotlock fcntl") return std::nullopt;
  return "is neither 'fcntl dotlock' nor 'dotlock fcntl'";
}

Complaint one_line(std::string_view text) {
  if (std::ranges::any_of(text, is_control) || text.size() > 512) return "is not one line of at most 512 octets";
  return std::nullopt;
}

}  // namespace facteur::config
