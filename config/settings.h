// All settings of Facteur as one plain struct. A member is called as its setting, with '.' as '_'; its initial value is
// the default. What each one means, its limits and its unit stand in the table (config/setting.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/net/address.h"
#include "config/types.h"

namespace facteur::config {

struct Settings {
  // Who we are
  std::string hostname;
  std::vector<std::string> domains;
  std::string postmaster_address;
  std::string recipient_delimiter = "+";
  std::vector<std::string> aliases = {"/etc/aliases"};
  Table virtual_alias_maps;

  // Where we listen
  std::vector<std::string> inet_interfaces = {"all"};
  IpVersions inet_protocols = IpVersions::all;
  std::uint16_t ports_smtp = 25;
  std::uint16_t ports_submission = 587;
  std::uint16_t ports_smtps = 465;
  std::uint16_t ports_pop3 = 110;
  std::uint16_t ports_pop3s = 995;
  std::uint16_t ports_imap = 143;
  std::uint16_t ports_imaps = 993;
  std::vector<Listener> listeners;

  // Who may relay, and by which way
  std::vector<net::Cidr> mynetworks;
  std::string relayhost;
  std::vector<net::Endpoint> dns_servers;
  bool disable_dns_lookups = false;

  // TLS
  std::string tls_certificate;
  std::string tls_key;
  TlsLevel smtpd_tls_security_level = TlsLevel::may;
  TlsLevel smtp_tls_security_level = TlsLevel::may;

  // Accounts and passwords
  std::string users = "/etc/facteur/users.yaml";
  bool system_users = true;
  std::string mail_location = "maildir:~/Maildir";
  std::string index_location;
  std::string virtual_mail_root = "/var/mail/facteur";
  std::string mail_uid = "facteur-mail";
  std::string mail_gid = "facteur-mail";
  std::uint64_t first_valid_uid = 500;
  std::vector<std::string> auth_mechanisms = {"PLAIN", "LOGIN"};
  bool disable_plaintext_auth = true;
  std::vector<net::Cidr> allow_plaintext_from;
  bool smtpd_sasl_auth_enable = true;
  std::string saslauthd_path = "/run/saslauthd/mux";
  Seconds auth_failure_delay{2};
  Seconds auth_failure_max_delay{15};
  std::uint64_t auth_failure_limit = 30;
  Seconds auth_failure_window{600};
  Seconds auth_cache_ttl{300};
  Seconds auth_timeout{60};
  std::string admin_group = "facteur-admin";

  // SMTP server
  std::string smtpd_banner;
  std::uint64_t message_size_limit = 10240000;
  std::uint64_t line_length_limit = 2048;
  std::uint64_t hopcount_limit = 50;
  BareNewline smtpd_forbid_bare_newline = BareNewline::normalize;
  bool smtpd_helo_required = false;
  bool disable_vrfy_command = false;
  Seconds smtpd_timeout{300};
  Seconds smtpd_starttls_timeout{300};
  Seconds smtpd_error_sleep_time{1};
  std::uint64_t smtpd_min_data_rate = 500;
  std::uint64_t smtpd_recipient_limit = 1000;
  std::uint64_t smtpd_recipient_overshoot_limit = 1000;
  std::uint64_t smtpd_soft_error_limit = 10;
  std::uint64_t smtpd_hard_error_limit = 20;
  std::uint64_t smtpd_junk_command_limit = 100;
  std::uint64_t smtpd_client_connection_count_limit = 50;
  std::uint64_t smtpd_connection_limit = 2000;

  // Queue
  Seconds minimal_backoff_time{300};
  Seconds maximal_backoff_time{4000};
  Seconds maximal_queue_lifetime{5 * 86400};
  Seconds bounce_queue_lifetime{5 * 86400};
  std::uint64_t queue_minfree = 0;
  std::uint64_t qmgr_message_active_limit = 20000;
  std::uint64_t qmgr_message_recipient_limit = 20000;
  std::uint64_t bounce_size_limit = 50000;
  bool strict_sync = true;

  // SMTP client
  std::uint16_t smtp_tcp_port = 25;
  std::string smtp_helo_name;
  std::string smtp_bind_address;
  std::string smtp_bind_address6;
  Seconds smtp_connect_timeout{30};
  Seconds smtp_helo_timeout{300};
  Seconds smtp_mail_timeout{300};
  Seconds smtp_rcpt_timeout{300};
  Seconds smtp_data_init_timeout{120};
  Seconds smtp_data_xfer_timeout{180};
  Seconds smtp_data_done_timeout{600};
  Seconds smtp_rset_timeout{20};
  Seconds smtp_starttls_timeout{300};
  std::uint64_t smtp_line_length_limit = 998;
  bool disable_mime_output_conversion = false;
  std::uint64_t smtp_mx_address_limit = 5;
  std::uint64_t smtp_mx_session_limit = 2;
  std::uint64_t smtp_destination_concurrency_limit = 20;
  std::uint64_t initial_destination_concurrency = 5;
  std::uint64_t default_destination_recipient_limit = 50;

  // Local delivery and mailboxes
  std::string mbox_write_locks = "fcntl dotlock";
  Seconds mbox_lock_timeout{10};
  Seconds mbox_dotlock_change_timeout{120};
  WorkerPer worker_per = WorkerPer::uid;
  Seconds worker_idle_timeout{60};

  // POP3 and IMAP
  Seconds login_timeout{180};
  Seconds pop3_idle_timeout{600};
  bool pop3_no_flag_updates = false;
  std::string pop3_uidl_format = "%08Xv%08Xu";
  Seconds imap_idle_timeout{1800};
  Seconds imap_idle_notify_interval{120};
  std::uint64_t imap_max_line_length = 65536;
  std::uint64_t mail_max_userip_connections = 10;
  std::uint64_t sessions_per_login_process = 200;

  // Processes and files
  std::string facteur_user = "facteur";
  std::string login_user = "facteur-login";
  std::string auth_user = "facteur-auth";
  std::string queue_user = "facteur-queue";
  std::string out_user = "facteur-out";
  std::string default_privs = "nobody";
  std::uint64_t smtpd_processes = 0;
  std::uint64_t sync_threads = 0;
  Seconds stop_grace{4};
  bool require_sandbox = false;
  std::string queue_directory = "/var/spool/facteur";
  std::string state_directory = "/var/lib/facteur";
  std::string run_directory = "/run/facteur";
  std::string log = "syslog";

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace facteur::config
