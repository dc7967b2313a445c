#include "config/combinations.h"

#include <map>

#include "catch.h"

using namespace facteur;
using namespace facteur::config;

namespace {

Loaded loaded(std::string_view yaml) {
  auto out = load_text(yaml, "f.yaml");
  if (!out) FAIL(out.error().text);
  return std::move(*out);
}

using Lines = std::vector<std::string>;

Lines problems(std::string_view yaml) {
  return check_combinations(loaded(yaml));
}

/// facteur is 101, login 102 and so on; "twin" is facteur's, "admin" is root's.
Lines roles(std::string_view yaml) {
  static const std::map<std::string, std::uint32_t> users{{"facteur", 101},      {"facteur-login", 102},
                                                          {"facteur-auth", 103}, {"facteur-queue", 104},
                                                          {"facteur-out", 105},  {"facteur-mail", 106},
                                                          {"nobody", 65534},     {"twin", 101},
                                                          {"admin", 0},          {"101", 101}};
  return check_roles(loaded(yaml), [](const std::string& name) {
    const auto found = users.find(name);
    return found == users.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace

TEST_CASE("what is shipped contradicts itself nowhere") {
  CHECK(problems("") == Lines{});
  CHECK(roles("") == Lines{});
  // Defaults that a lower bound passes by work all the same.
  CHECK(problems("maximal_queue_lifetime: 1h\nsmtpd_connection_limit: 10\nsmtp_destination_concurrency_limit: 1") ==
        Lines{});
}

TEST_CASE("settings that contradict each other are told with the place of one and the name of the other") {
  CHECK(problems("maximal_backoff_time: 4000s\nminimal_backoff_time: 2h") ==
        Lines{"f.yaml:2:1: minimal_backoff_time: 2h is more than maximal_backoff_time, 4000s"});
  CHECK(problems("maximal_queue_lifetime: 1d\nbounce_queue_lifetime: 2d") ==
        Lines{"f.yaml:2:1: bounce_queue_lifetime: 2d is more than maximal_queue_lifetime, 1d"});
  CHECK(problems("auth_failure_max_delay: 60s") ==
        Lines{"f.yaml:1:1: auth_failure_max_delay: 1m is not less than auth_timeout, 1m"});
  CHECK(problems("auth_failure_delay: 16s") ==
        Lines{"f.yaml:1:1: auth_failure_delay: 16s is more than auth_failure_max_delay, 15s"});
  CHECK(problems("smtpd_hard_error_limit: 5\nsmtpd_soft_error_limit: 6") ==
        Lines{"f.yaml:2:1: smtpd_soft_error_limit: 6 is more than smtpd_hard_error_limit, 5"});
  CHECK(problems("maximal_backoff_time: 1s\nminimal_backoff_time: 2s").size() == 1);
  CHECK(problems("smtpd_connection_limit: 10\nsmtpd_client_connection_count_limit: 11") == Lines{});
  CHECK(problems("smtpd_processes: 1\nsmtpd_connection_limit: 10\nsmtpd_client_connection_count_limit: 11") ==
        Lines{"f.yaml:3:1: smtpd_client_connection_count_limit: 11 is more than smtpd_connection_limit, 10"});
  CHECK(problems("initial_destination_concurrency: 30\nsmtp_destination_concurrency_limit: 20") ==
        Lines{"f.yaml:1:1: initial_destination_concurrency: 30 is more than smtp_destination_concurrency_limit, 20"});
  CHECK(problems("queue_minfree: 14\nmessage_size_limit: 10") ==
        Lines{"f.yaml:1:1: queue_minfree: 14 is less than one and a half times message_size_limit, 10"});
  CHECK(problems("queue_minfree: 15\nmessage_size_limit: 10") == Lines{});
  CHECK(problems("queue_minfree: 1\nmessage_size_limit: 0") == Lines{});
}

TEST_CASE("a default gives way to what was written, and contradicts nothing") {
  const auto slow = loaded("minimal_backoff_time: 2h\ninitial_destination_concurrency: 30\nsmtpd_soft_error_limit: 50");
  CHECK(check_combinations(slow) == Lines{});
  CHECK(slow.settings.maximal_backoff_time == Seconds{7200});
  CHECK(slow.settings.smtp_destination_concurrency_limit == 30);
  CHECK(slow.settings.smtpd_hard_error_limit == 50);
  const auto out = loaded("maximal_backoff_time: 1s\nsmtpd_hard_error_limit: 5\nauth_failure_max_delay: 1s");
  CHECK(check_combinations(out) == Lines{});
  CHECK(out.settings.minimal_backoff_time == Seconds{1});
  CHECK(out.settings.smtpd_soft_error_limit == 5);
  CHECK(out.settings.auth_failure_delay == Seconds{1});
  const auto quick = loaded("auth_timeout: 2s");
  CHECK(check_combinations(quick) == Lines{});
  CHECK(quick.settings.auth_failure_max_delay == Seconds{1});
  CHECK(quick.settings.auth_failure_delay == Seconds{1});
  CHECK(loaded("maximal_backoff_time: 1h").settings.minimal_backoff_time == Seconds{300});
}

TEST_CASE("two listeners on one address and port, whichever settings made them") {
  CHECK(problems("inet_interfaces: [127.0.0.1]\nports.smtp: 30001\nports.submission: 30001") ==
        Lines{"f.yaml:3:1: ports.submission: two listeners on 127.0.0.1:30001"});
  CHECK(problems("inet_interfaces: [127.0.0.1]\nlisteners: [{address: 127.0.0.1, port: 25, role: smtp}]") ==
        Lines{"f.yaml:2:1: listeners: two listeners on 127.0.0.1:25"});
  CHECK(problems("inet_interfaces: [127.0.0.1]\nlisteners: [{address: 127.0.0.2, port: 25, role: smtp}]") == Lines{});
}

TEST_CASE("what settings are refused for by themselves: combinations and uids; these only where they may change") {
  const auto out = loaded("auth_mechanisms: []\nqueue_user: admin");
  const auto root = [](const std::string&) { return std::optional<std::uint32_t>(0); };
  CHECK(check_alone(out, {}) == Lines{"f.yaml:1:1: auth_mechanisms: is empty: nobody can log in"});
  CHECK(check_alone(out, root).size() == 8);
}

TEST_CASE("a key without a certificate, addresses of the other version of IP, servers that are never asked") {
  CHECK(problems("tls.key: /k.pem\nsmtpd_tls_security_level: encrypt") ==
        Lines{"f.yaml:1:1: tls.key: /k.pem: there is no tls.certificate",
              "f.yaml:2:1: smtpd_tls_security_level: is encrypt, but there is no tls.certificate"});
  CHECK(problems("inet_protocols: ipv4\ninet_interfaces: [127.0.0.1, '::1']\nsmtp_bind_address6: '2001:db8::1'") ==
        Lines{"f.yaml:2:1: inet_interfaces: ::1 is none of inet_protocols, ipv4",
              "f.yaml:3:1: smtp_bind_address6: 2001:db8::1 is none of inet_protocols, ipv4"});
  CHECK(problems("inet_protocols: ipv6\ninet_interfaces: [loopback-only]\nsmtp_bind_address: 192.0.2.1") ==
        Lines{"f.yaml:3:1: smtp_bind_address: 192.0.2.1 is none of inet_protocols, ipv6"});
  CHECK(
      problems("disable_dns_lookups: yes\ndns.servers: [10.9.0.53]\nrelayhost: smtp.example:587") ==
      Lines{
          "f.yaml:2:1: dns.servers: 10.9.0.53:53 is never asked: disable_dns_lookups is yes",
          "f.yaml:3:1: relayhost: the MX records of smtp.example:587 are never asked for, disable_dns_lookups is yes: "
          "[smtp.example] is a host"});
  CHECK(problems("disable_dns_lookups: yes\nrelayhost: '[smtp.example]:587'") == Lines{});
  CHECK(problems("users: ''\nsystem_users: no\nauth_mechanisms: []") ==
        Lines{"f.yaml:1:1: users: is empty and system_users is no: nobody has an account",
              "f.yaml:3:1: auth_mechanisms: is empty: nobody can log in"});
}

TEST_CASE("programs that shall not trust each other share no uid, by whichever name") {
  CHECK(
      roles("hostname: a.b\nauth_user: facteur-queue") ==
      Lines{
          "f.yaml:2:1: auth_user: facteur-queue is uid 104, and so is queue_user (facteur-queue): each wants a uid of "
          "its own"});
  CHECK(
      roles("login_user: twin") ==
      Lines{"f.yaml:1:1: login_user: twin is uid 101, and so is facteur_user (facteur): each wants a uid of its own"});
  CHECK(roles("out_user: '101'").size() == 1);
  CHECK(
      roles("facteur_user: facteur-out\nout_user: facteur-out") ==
      Lines{
          "f.yaml:2:1: out_user: facteur-out is uid 105, and so is facteur_user (facteur-out): each wants a uid of its "
          "own"});
  CHECK(roles("mail_uid: facteur-auth").size() == 1);
  CHECK(roles("default_privs: twin").size() == 1);
  CHECK(roles("mail_uid: nobody") == Lines{});  // both belong to no program
  CHECK(roles("queue_user: admin\nauth_user: admin") ==
        Lines{"f.yaml:2:1: auth_user: admin is root", "f.yaml:1:1: queue_user: admin is root"});
  CHECK(roles("auth_user: unknown\nqueue_user: unknown") == Lines{});  // told by who looks for users
}
