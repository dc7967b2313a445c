// What texts of settings may be: host names, addresses, paths, users.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::config {

/// A complaint that ends a sentence about the text, or nothing.
using Complaint = std::optional<std::string>;

[[nodiscard]] Complaint host_name(
    std::string_view text);  ///< RFC 1123 section 2.1; labels of letters, digits, '-' and '_'
[[nodiscard]] Complaint absolute_path(std::string_view text);  ///< begins with '/', no ".." part
[[nodiscard]] Complaint optional_path(std::string_view text);  ///< the same, or empty
[[nodiscard]] Complaint user_or_uid(std::string_view text);    ///< a login name of useradd(8), or a number
[[nodiscard]] Complaint ip_address(std::string_view text);     ///< IPv4 or IPv6, without brackets
[[nodiscard]] Complaint optional_ipv4_address(std::string_view text);
[[nodiscard]] Complaint optional_ipv6_address(std::string_view text);
[[nodiscard]] Complaint interface_name(std::string_view text);  ///< "all", "loopback-only" or an IP address
[[nodiscard]] Complaint next_hop(std::string_view text);    ///< domain, [host], [address], each with :port; or empty
[[nodiscard]] Complaint mail_place(std::string_view text);  ///< maildir: or mbox: and a path with ~, %u, %n, %d, %h
[[nodiscard]] Complaint index_place(
    std::string_view text);                                ///< a path with them, another one for each account; or empty
[[nodiscard]] Complaint log_place(std::string_view text);  ///< stderr, syslog, journal or a path
[[nodiscard]] Complaint delimiters(std::string_view text);    ///< up to 8 characters of "+-_.=#"
[[nodiscard]] Complaint mechanism(std::string_view text);     ///< a SASL mechanism that authd speaks
[[nodiscard]] Complaint mbox_locks(std::string_view text);    ///< words of "fcntl", "dotlock", "flock"
[[nodiscard]] Complaint uidl_pattern(std::string_view text);  ///< visible ASCII with %u, %v, %08Xu and the like
[[nodiscard]] Complaint one_line(std::string_view text);      ///< printable, no line end

}  // namespace facteur::config
