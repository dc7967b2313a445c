// Settings of the SMTP server, of the queue and of the SMTP client; names and defaults are Postfix's.
#include "config/checks.h"
#include "config/sections.h"

namespace facteur::config {

namespace {

using S = Settings;
constexpr std::string_view bare_newline_words[] = {"normalize", "reject", "no"};

const Setting server[] = {
    {"smtpd_banner", &S::smtpd_banner, 0, 0, "text",
     "What the greeting says behind the host name. Empty: ESMTP Facteur.", one_line, on_smtp},
    {"message_size_limit", &S::message_size_limit, 0, any_size, "octets",
     "The largest message accepted, announced with SIZE (RFC 1870). 0: no limit.", nullptr, on_smtp},
    {"line_length_limit", &S::line_length_limit, 512, 1 << 20, "octets", "The longest command line.", nullptr, on_smtp},
    {"hopcount_limit", &S::hopcount_limit, 1, 1000, "fields",
     "A message with more Received fields is taken for one that loops.", nullptr, on_smtp},
    {"smtpd_forbid_bare_newline", choice<&S::smtpd_forbid_bare_newline>(bare_newline_words), 0, 0, "",
     "Lines of a message that end in LF without CR: made right, refused, or left as they are. Only CR LF . CR LF "
     "ever ends a message.",
     nullptr, on_smtp},
    {"smtpd_helo_required", &S::smtpd_helo_required, 0, 0, "", "MAIL is refused before HELO or EHLO.", nullptr,
     on_smtp},
    {"disable_vrfy_command", &S::disable_vrfy_command, 0, 0, "", "VRFY is answered with 502 instead of 252.", nullptr,
     on_smtp},
    {"smtpd_timeout", &S::smtpd_timeout, second, day, "", "How long a client may be silent.", nullptr, on_smtp},
    {"smtpd_starttls_timeout", &S::smtpd_starttls_timeout, second, day, "", "The time limit of a TLS handshake.",
     nullptr, on_smtp},
    {"smtpd_error_sleep_time", &S::smtpd_error_sleep_time, 0, hour, "",
     "The pause before each reply once a client has made more than smtpd_soft_error_limit errors.", nullptr, on_smtp},
    {"smtpd_min_data_rate", &S::smtpd_min_data_rate, 0, any_count, "octets a second",
     "The least speed at which a message must arrive: one octet is worth that part of a second. 0: no limit.", nullptr,
     on_smtp},
    {"smtpd_recipient_limit", &S::smtpd_recipient_limit, 1, 100000, "recipients", "Recipients of one message.", nullptr,
     on_smtp},
    {"smtpd_recipient_overshoot_limit", &S::smtpd_recipient_overshoot_limit, 0, 100000, "recipients",
     "Recipients above smtpd_recipient_limit that are not yet counted as errors.", nullptr, on_smtp},
    {"smtpd_soft_error_limit", &S::smtpd_soft_error_limit, 0, any_count, "errors",
     "Errors of a client before its replies are slowed down. Unless it is set, never more than "
     "smtpd_hard_error_limit.",
     nullptr, on_smtp},
    {"smtpd_hard_error_limit", &S::smtpd_hard_error_limit, 1, any_count, "errors",
     "Errors of a client before it is sent away with 421.", nullptr, on_smtp},
    {"smtpd_junk_command_limit", &S::smtpd_junk_command_limit, 1, any_count, "commands",
     "NOOP, VRFY, RSET and the like between messages before they count as errors.", nullptr, on_smtp},
    {"smtpd_client_connection_count_limit", &S::smtpd_client_connection_count_limit, 0, any_count, "connections",
     "Connections of one client address at once, to all smtpd processes together. Clients in mynetworks are not "
     "counted; on the submit socket those of a local user are, by each process. 0: no limit.",
     nullptr, on_smtp},
    {"smtpd_connection_limit", &S::smtpd_connection_limit, 1, 100000, "connections",
     "Connections of one smtpd process at once; to more it says 421."},
};

const Setting queueing[] = {
    {"minimal_backoff_time", &S::minimal_backoff_time, second, 30 * day, "",
     "The shortest time between two attempts at one destination. Unless it is set, never more than "
     "maximal_backoff_time."},
    {"maximal_backoff_time", &S::maximal_backoff_time, second, 30 * day, "",
     "The longest time between two attempts at one destination."},
    {"maximal_queue_lifetime", &S::maximal_queue_lifetime, 0, 100 * day, "",
     "How long delivery is tried before the message is returned. 0: once."},
    {"bounce_queue_lifetime", &S::bounce_queue_lifetime, 0, 100 * day, "", "The same for bounces. 0: once."},
    {"queue_minfree", &S::queue_minfree, 0, any_size, "octets",
     "Free space of the queue's file system below which no mail is taken. 0: one and a half times "
     "message_size_limit."},
    {"qmgr_message_active_limit", &S::qmgr_message_active_limit, 1, 1000000, "messages",
     "Messages under delivery at once."},
    {"qmgr_message_recipient_limit", &S::qmgr_message_recipient_limit, 1, 1000000, "recipients",
     "Recipients kept in memory at once."},
    {"bounce_size_limit", &S::bounce_size_limit, 0, any_size, "octets",
     "How much of the original message a bounce carries: of a longer one those fields of its header that end within "
     "it. 0: nothing of it."},
    {"strict_sync", &S::strict_sync, 0, 0, "",
     "Also sync the directory of each new queue file, for file systems that do not keep the name of a synced file."},
};

const Setting client[] = {
    {"smtp_tcp_port", &S::smtp_tcp_port, 1, 65535, "port", "The port of other hosts."},
    {"smtp_helo_name", &S::smtp_helo_name, 0, 0, "host name", "The name in EHLO. Empty: hostname.", one_line},
    {"smtp_bind_address", &S::smtp_bind_address, 0, 0, "address", "Our IPv4 address when we connect.",
     optional_ipv4_address},
    {"smtp_bind_address6", &S::smtp_bind_address6, 0, 0, "address", "Our IPv6 address when we connect.",
     optional_ipv6_address},
    {"smtp_connect_timeout", &S::smtp_connect_timeout, second, hour, "", "The time limit of a connection."},
    {"smtp_helo_timeout", &S::smtp_helo_timeout, second, hour, "",
     "The time limit of the greeting and of EHLO (RFC 5321 section 4.5.3.2)."},
    {"smtp_mail_timeout", &S::smtp_mail_timeout, second, hour, "", "The time limit of MAIL."},
    {"smtp_rcpt_timeout", &S::smtp_rcpt_timeout, second, hour, "", "The time limit of RCPT."},
    {"smtp_data_init_timeout", &S::smtp_data_init_timeout, second, hour, "", "The time limit of DATA."},
    {"smtp_data_xfer_timeout", &S::smtp_data_xfer_timeout, second, hour, "",
     "How long a piece of the message may take."},
    {"smtp_data_done_timeout", &S::smtp_data_done_timeout, second, hour, "",
     "The time limit of the reply behind the message. Too short a one sends mail twice."},
    {"smtp_rset_timeout", &S::smtp_rset_timeout, second, hour, "", "The time limit of RSET."},
    {"smtp_starttls_timeout", &S::smtp_starttls_timeout, second, hour, "", "The time limit of a TLS handshake."},
    {"smtp_line_length_limit", &S::smtp_line_length_limit, 76, 998, "octets",
     "Longer lines of a message are folded (RFC 5321 section 4.5.3.1.6)."},
    {"disable_mime_output_conversion", &S::disable_mime_output_conversion, 0, 0, "",
     "Send 8-bit content unchanged to hosts without 8BITMIME, instead of as quoted-printable (RFC 6152 section 3)."},
    {"smtp_mx_address_limit", &S::smtp_mx_address_limit, 1, 100, "addresses",
     "Addresses tried for one destination in one attempt."},
    {"smtp_mx_session_limit", &S::smtp_mx_session_limit, 1, 100, "sessions",
     "Sessions that got a greeting before the attempt is given up."},
    {"smtp_destination_concurrency_limit", &S::smtp_destination_concurrency_limit, 1, 1000, "connections",
     "Connections to one destination at once."},
    {"initial_destination_concurrency", &S::initial_destination_concurrency, 1, 1000, "connections",
     "Connections to a destination of which nothing is known yet."},
    {"default_destination_recipient_limit", &S::default_destination_recipient_limit, 1, 1000, "recipients",
     "Recipients of one message in one transaction."},
};

}  // namespace

std::span<const Setting> smtpd_settings() {
  return server;
}
std::span<const Setting> queue_settings() {
  return queueing;
}
std::span<const Setting> smtp_settings() {
  return client;
}

}  // namespace facteur::config
