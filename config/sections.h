// The rows of the table of settings, one function a section. Each is defined in table_*.cpp.
#pragma once

#include <span>

#include "config/setting.h"

namespace facteur::config {

[[nodiscard]] std::span<const Setting> identity_settings();
[[nodiscard]] std::span<const Setting> listen_settings();
[[nodiscard]] std::span<const Setting> relay_settings();
[[nodiscard]] std::span<const Setting> tls_settings();
[[nodiscard]] std::span<const Setting> auth_settings();
[[nodiscard]] std::span<const Setting> smtpd_settings();
[[nodiscard]] std::span<const Setting> queue_settings();
[[nodiscard]] std::span<const Setting> smtp_settings();
[[nodiscard]] std::span<const Setting> mailbox_settings();
[[nodiscard]] std::span<const Setting> access_settings();
[[nodiscard]] std::span<const Setting> process_settings();

/// A row whose value is one of `words`; the numbers of the enumeration at `member` are indexes into them.
template <auto member>
[[nodiscard]] constexpr Choice choice(std::span<const std::string_view> words) {
  using Enum = std::remove_cvref_t<decltype(std::declval<Settings>().*member)>;
  return {words, [](const Settings& s) { return static_cast<std::uint8_t>(s.*member); },
          [](Settings& s, std::uint8_t number) { s.*member = static_cast<Enum>(number); }};
}

/// Listeners on which a setting may differ: where it is looked at for each connection.
constexpr Roles on_port_25 = only(Role::smtp);
constexpr Roles on_smtp = only(Role::smtp) | only(Role::submission);
constexpr Roles on_login = only(Role::pop3) | only(Role::imap);
constexpr Roles everywhere = on_smtp | on_login;

constexpr std::string_view tls_level_words[] = {"none", "may", "encrypt"};
constexpr std::uint64_t second = 1, minute = 60, hour = 3600, day = 86400;
constexpr std::uint64_t any_count = 1'000'000'000;
constexpr std::uint64_t any_size = 1ULL << 40;

}  // namespace facteur::config
