// Settings of accounts, mailboxes, POP3 and IMAP (their names are Dovecot's), processes and files.
#include "config/checks.h"
#include "config/sections.h"

namespace facteur::config {

namespace {

using S = Settings;
constexpr std::string_view worker_words[] = {"uid", "account"};

const Setting accounts[] = {
    {"users", &S::users, 0, 0, "path",
     "The users file: one line an account, jim@minfo.sn: {password: \"$y$...\", mail: \"maildir:...\", uid: 5000}; "
     "only the password is required. While it cannot be read, mail for accounts that may be in it waits.",
     optional_path},
    {"system_users", &S::system_users, 0, 0, "",
     "The users of the system have mail in our domains; saslauthd checks their passwords."},
    {"mail_location", &S::mail_location, 0, 0, "place",
     "Where an account has its mail, maildir: or mbox: and a path: ~ is the home folder, %u the account, %n its "
     "local part, %d its domain, %h the home folder.",
     mail_place},
    {"index_location", &S::index_location, 0, 0, "path",
     "Where each account has its index, a cache that can be deleted at any moment: on a faster disk, or off a "
     "backup's way. Placeholders as in mail_location, /var/lib/facteur/index/%u for one. Empty: in .facteur/ beside "
     "the mail.",
     index_place},
    {"virtual_mail_root", &S::virtual_mail_root, 0, 0, "path",
     "The folder below which all accounts lie that are no users of the system; the home folder of jim@minfo.sn is "
     "minfo.sn/jim in it.",
     absolute_path},
    {"mail_uid", &S::mail_uid, 0, 0, "user", "Who owns the mail of accounts that are no users of the system.",
     user_or_uid},
    {"mail_gid", &S::mail_gid, 0, 0, "group", "The group of that mail.", user_or_uid},
    {"first_valid_uid", &S::first_valid_uid, 1, 4294967294, "uid", "Accounts with a lower uid have no mail here."},
    {"auth_mechanisms", &S::auth_mechanisms, 0, 16, "mechanism", "The SASL mechanisms offered.", mechanism, everywhere},
    {"disable_plaintext_auth", &S::disable_plaintext_auth, 0, 0, "",
     "Passwords in the clear are refused without TLS (RFC 8314).", nullptr, everywhere},
    {"allow_plaintext_from", &S::allow_plaintext_from, 0, 1000, "network",
     "Clients in these networks may log in without TLS even so.", nullptr, everywhere},
    {"smtpd_sasl_auth_enable", &S::smtpd_sasl_auth_enable, 0, 0, "",
     "AUTH is offered on port 25 too. The submission ports always want it.", nullptr, on_port_25},
    {"saslauthd_path", &S::saslauthd_path, 0, 0, "path",
     "The socket of saslauthd, which checks the passwords of system users.", optional_path},
    {"auth_failure_delay", &S::auth_failure_delay, 0, minute, "",
     "The pause before the answer to a wrong password; with every five more from the same address it doubles."},
    {"auth_failure_max_delay", &S::auth_failure_max_delay, 0, 5 * minute, "", "The longest such pause."},
    {"auth_failure_limit", &S::auth_failure_limit, 1, any_count, "failures",
     "Wrong passwords from one address within auth_failure_window after which its attempts are looked at one at a "
     "time, auth_failure_max_delay apart."},
    {"auth_failure_window", &S::auth_failure_window, second, day, "", "How long a wrong password counts."},
    {"auth_cache_ttl", &S::auth_cache_ttl, 0, day, "",
     "How long a verified password is remembered, as a keyed hash. A change of the account drops it. 0: not at all."},
    {"auth_timeout", &S::auth_timeout, second, hour, "", "The time limit of one exchange of AUTH."},
    {"admin_group", &S::admin_group, 0, 0, "group", "Members may use the control commands, as root may.", user_or_uid},
};

const Setting mailboxes[] = {
    {"mbox_write_locks", &S::mbox_write_locks, 0, 0, "locks",
     "The locks taken before an mbox is read or written: 'fcntl dotlock', as Debian wants, or 'dotlock fcntl'. "
     "Where a worker may make no files, as in /var/mail, the dotlock is dotlockfile's (package liblockfile-bin).",
     mbox_locks},
    {"mbox_lock_timeout", &S::mbox_lock_timeout, second, hour, "", "How long to wait for the locks of an mbox."},
    {"mbox_dotlock_change_timeout", &S::mbox_dotlock_change_timeout, second, hour, "",
     "A lock file is taken for a leftover when neither it nor the mbox has changed for so long."},
    {"worker_per", choice<&S::worker_per>(worker_words), 0, 0, "",
     "One worker process a uid, or one an account: then the kernel stands between accounts that share a uid."},
    {"worker_idle_timeout", &S::worker_idle_timeout, second, day, "", "A worker without sessions ends after so long."},
};

const Setting access[] = {
    {"login_timeout", &S::login_timeout, second, hour, "", "How long a client may take to log in.", nullptr, on_login},
    {"pop3_idle_timeout", &S::pop3_idle_timeout, second, day, "",
     "How long a POP3 session may be silent; RFC 1939 section 3 wants at least 10 minutes."},
    {"pop3_no_flag_updates", &S::pop3_no_flag_updates, 0, 0, "", "RETR does not mark the message as seen."},
    {"pop3_uidl_format", &S::pop3_uidl_format, 0, 0, "pattern",
     "The unique ids of messages in POP3: %v is UIDVALIDITY, %u the UID, %08Xu eight hexadecimal digits of it. Set "
     "it to what another server had, and its clients keep what they have.",
     uidl_pattern},
    {"imap_idle_timeout", &S::imap_idle_timeout, second, day, "",
     "How long an IMAP session may be silent; RFC 3501 section 5.4 wants at least 30 minutes."},
    {"imap_idle_notify_interval", &S::imap_idle_notify_interval, second, hour, "",
     "How often a session in IDLE is sent something, so that no router forgets it."},
    {"imap_max_line_length", &S::imap_max_line_length, 8192, 1 << 24, "octets", "The longest command line of IMAP."},
    {"mail_max_userip_connections", &S::mail_max_userip_connections, 0, any_count, "connections",
     "Sessions of one user from one client address at once, of POP3 and of IMAP each. All sessions of a webmail "
     "come from its host's address: raise it where there is one. 0: no limit."},
    {"sessions_per_login_process", &S::sessions_per_login_process, 1, 10000, "sessions",
     "TLS sessions carried by one login process before a fresh one takes over. 1 is the high-security mode."},
};

const Setting processes[] = {
    {"facteur_user", &S::facteur_user, 0, 0, "user", "Who the SMTP server runs as.", user_or_uid},
    {"login_user", &S::login_user, 0, 0, "user", "Who POP3 and IMAP run as before the login.", user_or_uid},
    {"auth_user", &S::auth_user, 0, 0, "user", "Who the check of passwords runs as.", user_or_uid},
    {"queue_user", &S::queue_user, 0, 0, "user", "Who the queue runs as; it owns the spool.", user_or_uid},
    {"out_user", &S::out_user, 0, 0, "user", "Who the SMTP client runs as.", user_or_uid},
    {"default_privs", &S::default_privs, 0, 0, "user", "Who delivery runs as when the mail belongs to nobody.",
     user_or_uid},
    {"smtpd_processes", &S::smtpd_processes, 0, 256, "processes", "SMTP server processes. 0: one a core."},
    {"sync_threads", &S::sync_threads, 0, 128, "threads",
     "Threads for file operations in each process. 0: 32 in smtpd and local, 16 in queued."},
    {"stop_grace", &S::stop_grace, 0, hour, "", "How long transactions may go on after the order to stop."},
    {"require_sandbox", &S::require_sandbox, 0, 0, "",
     "Refuse to run where the kernel cannot jail the processes as they should be."},
    {"queue_directory", &S::queue_directory, 0, 0, "path", "The spool.", absolute_path},
    {"state_directory", &S::state_directory, 0, 0, "path", "What must outlive a start and is no mail.", absolute_path},
    {"run_directory", &S::run_directory, 0, 0, "path", "The sockets submit and control.", absolute_path},
    {"log", &S::log, 0, 0, "place", "Where the log goes: stderr, syslog, journal or a file.", log_place},
};

}  // namespace

std::span<const Setting> auth_settings() {
  return accounts;
}
std::span<const Setting> mailbox_settings() {
  return mailboxes;
}
std::span<const Setting> access_settings() {
  return access;
}
std::span<const Setting> process_settings() {
  return processes;
}

}  // namespace facteur::config
