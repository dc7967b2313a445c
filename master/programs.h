// The programs of the house as a table: who runs as whom, how many there are, who has a door to whom.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace facteur::master {

/// A program that master keeps running. Workers (local, imapd, pop3d) are started on demand instead.
struct ProgramRow {
  std::string_view name;
  std::string config::Settings::* user;  ///< the setting that names its uid
  bool one_a_core = false;               ///< smtpd: `smtpd_processes` of them; else one
  bool generational = false;             ///< a reload starts a new one and retires the old
  bool has_clients = false;              ///< a retiring one finishes their sessions and needs its doors for it
  bool vital = false;                    ///< restarted after 10 s at most: all else waits for it
};
constexpr std::array<ProgramRow, 6> permanent_programs{{
    {"authd", &config::Settings::auth_user, false, false, false, true},
    {"queued", &config::Settings::queue_user, false, false, false, true},
    {"remote", &config::Settings::out_user, false, true, false, false},
    {"smtpd", &config::Settings::facteur_user, true, true, true, false},
    {"pop3-login", &config::Settings::login_user, false, true, true, false},
    {"imap-login", &config::Settings::login_user, false, true, true, false},
}};

/// Two programs between which every pair of processes has a door.
struct Link {
  std::string_view one;
  std::string_view other;
};
constexpr std::array<Link, 7> links{{
    {"smtpd", "queued"},
    {"smtpd", "authd"},
    {"pop3-login", "authd"},
    {"imap-login", "authd"},
    {"queued", "authd"},
    {"queued", "remote"},
    {"queued", "local"},
}};

/// Which program accepts on a listener of this role.
[[nodiscard]] std::string_view program_of_role(std::string_view role);

/// A uid with its primary group.
struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

}  // namespace facteur::master
