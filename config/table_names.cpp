// Settings that say who we are, where we listen and to whom we relay.
#include "config/checks.h"
#include "config/sections.h"

namespace facteur::config {

namespace {

using S = Settings;
constexpr std::string_view ip_version_words[] = {"all", "ipv4", "ipv6"};

const Setting identity[] = {
    {"hostname", &S::hostname, 0, 0, "host name",
     "The name of this host in the greeting, in HELO, in Received and in message ids. Without it, the name that the "
     "system has.",
     host_name, everywhere},
    {"domains", &S::domains, 0, 10000, "domain",
     "Mail for these domains ends here. Without it: the host name and localhost.", host_name},
    {"postmaster_address", &S::postmaster_address, 0, 0, "address",
     "Who reads mail for postmaster when neither the aliases nor the accounts have that name. Without it: the first "
     "account of the users file, else root. Postmaster is always accepted (RFC 5321 section 4.5.1); while nobody "
     "would get that mail, it waits.",
     one_line},
    {"recipient_delimiter", &S::recipient_delimiter, 0, 0, "characters",
     "Characters that separate a user from a detail: with '+', mail for jim+lists goes to jim. Empty: none.",
     delimiters},
    {"aliases", &S::aliases, 0, 64, "path",
     "Files in the form of aliases(5) for local names. A file that does not exist counts as empty; files ending in "
     ".db are never read: newaliases checks the text and tells the daemon.",
     absolute_path},
    {"virtual_alias_maps", &S::virtual_alias_maps, 0, 0, "table",
     "Whole addresses, or @domain for all of a domain, and the addresses that replace them: a map, or file:path of a "
     "YAML file with one.",
     one_line},
};

const Setting listening[] = {
    {"inet_interfaces", &S::inet_interfaces, 0, 64, "address",
     "The addresses to listen on: all, loopback-only, or IP addresses.", interface_name},
    {"inet_protocols", choice<&S::inet_protocols>(ip_version_words), 0, 0, "",
     "The versions of IP used for listening and for connecting."},
    {"ports.smtp", &S::ports_smtp, 0, 65535, "port", "Mail from other hosts (RFC 5321). 0 turns it off."},
    {"ports.submission", &S::ports_submission, 0, 65535, "port",
     "Mail from users with a password, STARTTLS (RFC 6409). 0 turns it off."},
    {"ports.smtps", &S::ports_smtps, 0, 65535, "port",
     "Mail from users with a password, TLS from the start (RFC 8314). 0 turns it off."},
    {"ports.pop3", &S::ports_pop3, 0, 65535, "port", "POP3 with STLS (RFC 1939). 0 turns it off."},
    {"ports.pop3s", &S::ports_pop3s, 0, 65535, "port", "POP3 with TLS from the start. 0 turns it off."},
    {"ports.imap", &S::ports_imap, 0, 65535, "port", "IMAP with STARTTLS (RFC 3501). 0 turns it off."},
    {"ports.imaps", &S::ports_imaps, 0, 65535, "port", "IMAP with TLS from the start. 0 turns it off."},
    {"listeners", &S::listeners, 0, 64, "listener",
     "More listeners: a list of maps with address, port, role (smtp, submission, pop3, imap), tls (none, starttls, "
     "implicit) and the settings that shall differ on that listener, of those that may."},
};

const Setting relaying[] = {
    {"mynetworks", &S::mynetworks, 0, 10000, "network",
     "Clients in these networks may send to any domain without a password.", nullptr, on_smtp},
    {"relayhost", &S::relayhost, 0, 0, "host",
     "Where mail for other domains goes: [host]:port or [address]:port without MX lookup, a domain with it. Empty: "
     "to the hosts that the MX records of each domain name.",
     next_hop},
    {"dns.servers", &S::dns_servers, 0, 16, "address",
     "Resolvers, each an address with or without a port. Empty: those of /etc/resolv.conf."},
    {"disable_dns_lookups", &S::disable_dns_lookups, 0, 0, "",
     "No name server is ever asked: names have the addresses of /etc/hosts, and mail that needs MX records waits."},
};

const Setting tls[] = {
    {"tls.certificate", &S::tls_certificate, 0, 0, "path",
     "The certificate chain in PEM, ours first. Without it there is no TLS.", optional_path},
    {"tls.key", &S::tls_key, 0, 0, "path", "The private key in PEM. Without it: in the file of the certificate.",
     optional_path},
    {"smtpd_tls_security_level", choice<&S::smtpd_tls_security_level>(tls_level_words), 0, 0, "",
     "STARTTLS on ports 25 and 587: never offered, offered, or required before AUTH and MAIL. Port 465 begins with TLS "
     "in any case.",
     nullptr, on_smtp},
    {"smtp_tls_security_level", choice<&S::smtp_tls_security_level>(tls_level_words), 0, 0, "",
     "STARTTLS when we send: never, when the other host offers it, or required."},
};

}  // namespace

std::span<const Setting> identity_settings() {
  return identity;
}
std::span<const Setting> listen_settings() {
  return listening;
}
std::span<const Setting> relay_settings() {
  return relaying;
}
std::span<const Setting> tls_settings() {
  return tls;
}

}  // namespace facteur::config
