#include "tests/dialogue/smtp/smtp_peer.h"

#include <cerrno>
#include <stdexcept>

#include "common/base/number.h"

namespace facteur::smtpd::testing {
namespace {

constexpr std::string_view tls_words = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";

template <class Number>
void number(Number& target, const std::string& text) {
  const auto value = parse_number<Number>(text);
  if (!value) throw std::runtime_error("not a number: " + text);
  target = *value;
}

}  // namespace

SmtpPeer::SmtpPeer(const Given& given) {
  limits.hostname = "mx.our.test";
  limits.origin = "our.test";
  limits.tls_available = true;
  limits.sasl_mechanisms = {"PLAIN", "LOGIN"};
  client.ip = *net::Ip::parse("192.0.2.7");
  client.local_ip = *net::Ip::parse("198.51.100.1");
  bool implicit = false;
  for (const auto& [key, value] : given) {
    if (key == "tls" && value == "implicit") implicit = true;
    set(key, value);
  }
  session = std::make_unique<Session>(limits, client, world.services());
  if (implicit) session->tls_started(std::string(tls_words));
}

void SmtpPeer::set(const std::string& key, const std::string& value) {
  if (key == "role") {
    client.role = value == "submission" ? Role::submission : value == "local" ? Role::local : Role::smtp;
    if (client.role == Role::local) client.login = "jim";
  } else if (key == "client") {
    client.ip = *net::Ip::parse(value);
  } else if (key == "mynetworks") {
    world.mynetworks.push_back(*net::Cidr::parse(value));
  } else if (key == "tls") {
    limits.tls_available = value != "none";
    limits.tls_required = value == "required";
  } else if (key == "plaintext_auth") {
    limits.plaintext_auth = value == "yes";
  } else if (key == "smtpd_sasl_auth_enable" && value == "no") {
    limits.sasl_mechanisms.clear();
  } else if (key == "smtpd_helo_required") {
    limits.helo_required = value == "yes";
  } else if (key == "smtpd_forbid_bare_newline") {
    limits.forbid_bare_newline = value == "reject" ? smtp::BareNewline::reject
                                 : value == "no"   ? smtp::BareNewline::no
                                                   : smtp::BareNewline::normalize;
  } else if (key == "message_size_limit") {
    number(limits.message_size_limit, value);
  } else if (key == "smtpd_recipient_limit") {
    number(limits.recipient_limit, value);
  } else if (key == "smtpd_recipient_overshoot_limit") {
    number(limits.recipient_overshoot_limit, value);
  } else if (key == "smtpd_hard_error_limit") {
    number(limits.hard_error_limit, value);
  } else if (key == "hopcount_limit") {
    number(limits.hopcount_limit, value);
  } else if (key != "engine") {
    throw std::runtime_error("@ " + key + " " + value + " is unknown");
  }
}

std::string SmtpPeer::greeting() {
  session->greet();
  return settle();
}

std::string SmtpPeer::feed(std::string_view octets) {
  session->feed(octets);
  return settle();
}

std::string SmtpPeer::settle() {
  std::string out;
  while (true) {
    world.settle();
    out += session->take_output();
    if (session->next() != Next::pause) return out;
    session->resume();
  }
}

std::string SmtpPeer::directive(std::string_view words) {
  if (words == "tls") {
    if (session->next() != Next::tls) throw std::runtime_error("TLS is not due");
    session->tls_started(std::string(tls_words));
  } else if (words == "closewrite") {
    session->end_of_input();
  } else if (words == "expire") {
    session->expire();
  } else if (words == "shutdown") {
    session->shut_down();
  } else if (words == "fault open") {
    world.faults.open_errno = EIO;
  } else if (words == "fault finish") {
    world.faults.finish_errno = EIO;
  } else if (words == "fault space") {
    world.faults.finish_errno = ENOSPC;
  } else if (words == "fault room") {
    world.faults.full_after_each_write = true;
  } else if (words == "fault mailbox") {
    world.faults.mailbox_unknown_now = true;
  } else if (words == "fault authd") {
    world.faults.authd_away = true;
  } else if (words != "pause") {
    throw std::runtime_error("unknown act " + std::string(words));
  }
  return settle();
}

}  // namespace facteur::smtpd::testing
