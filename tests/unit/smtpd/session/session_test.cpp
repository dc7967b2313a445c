// The session where a dialogue cannot look: the envelope, added fields, TLS injection, limits, the log.
#include "smtpd/session/session.h"

#include <catch.h>

#include "common/base/encode.h"
#include "tests/dialogue/smtp/smtp_peer.h"

using namespace facteur;
using namespace facteur::smtpd;
using smtpd::testing::Given;
using smtpd::testing::SmtpPeer;

namespace {

constexpr std::string_view message = "MAIL FROM:<a@b.example>\r\nRCPT TO:<u@our.test>\r\nDATA\r\n";

}  // namespace

TEST_CASE("what the queue is given") {
  SmtpPeer peer;
  peer.client.name = "client.example";
  peer.session = std::make_unique<Session>(peer.limits, peer.client, peer.world.services());
  peer.greeting();
  peer.feed("EHLO (evil)\r\nMAIL FROM:<@route.example:a@b.example> BODY=8BITMIME\r\nRCPT TO:<Nobody@OUR.test>\r\n");
  peer.feed("RCPT TO:<alice@OUR.test>\r\nDATA\r\nSubject: x\r\n\r\n..y\r\n.\r\n");
  REQUIRE(peer.world.accepted.size() == 1);
  const auto& got = peer.world.accepted[0];
  CHECK(got.envelope.reverse_path == "a@b.example");
  CHECK(got.envelope.body_8bit);
  CHECK(got.envelope.protocol == "ESMTP");
  CHECK(got.envelope.client_address == "192.0.2.7");
  CHECK(got.envelope.client_name == "client.example");
  REQUIRE(got.recipients.size() == 1);
  CHECK(got.recipients[0].address == "alice@OUR.test");
  CHECK(got.content == "Subject: x\r\n\r\n.y\r\n");
  CHECK(
      got.top_headers.starts_with("Received: from ?evil? (client.example [192.0.2.7])\r\n\tby mx.our.test (Facteur) "
                                  "with ESMTP id " +
                                  got.queue_id + "\r\n\tfor <alice@OUR.test>; "));
  CHECK(got.top_headers.ends_with("\r\n"));
  CHECK(peer.world.logged(got.queue_id + ": client=client.example[192.0.2.7]"));
}

TEST_CASE("several recipients do not learn of each other; a name without a domain gets ours") {
  SmtpPeer peer;
  peer.greeting();
  peer.feed("HELO c\r\nMAIL FROM:<root>\r\nRCPT TO:<u@our.test>\r\nRCPT TO:<postmaster>\r\nDATA\r\n.\r\n");
  REQUIRE(peer.world.accepted.size() == 1);
  const auto& got = peer.world.accepted[0];
  CHECK(got.envelope.reverse_path == "root@our.test");
  REQUIRE(got.recipients.size() == 2);
  CHECK(got.recipients[1].address == "postmaster@our.test");
  CHECK(got.recipients[1].original_address == "postmaster");
  CHECK(got.top_headers.contains(" with SMTP id " + got.queue_id + ";\r\n\t"));
  CHECK(!got.top_headers.contains("for <"));
}

TEST_CASE("a recipient named twice gets one copy; the case of a local-part counts in other domains only") {
  SmtpPeer peer(Given{{"tls", "implicit"}});
  peer.greeting();
  const std::string nul(1, '\0');
  peer.feed("EHLO c\r\nAUTH PLAIN " + base64_encode(nul + "alice" + nul + "secret") +
            "\r\nMAIL FROM:<a@b.example>\r\n");
  for (const char* path : {"<alice@our.test>", "<Alice@our.test>", "<ALICE@OUR.test>", "<\"alice\"@our.test>",
                           "<x@far.example>", "<X@far.example>", "<x@FAR.example>", "<x@far.example>"}) {
    CHECK(peer.feed(std::string("RCPT TO:") + path + "\r\n").starts_with("250 "));
  }
  peer.feed("DATA\r\n.\r\n");
  REQUIRE(peer.world.accepted.size() == 1);
  std::vector<std::string> got;
  for (const auto& recipient : peer.world.accepted[0].recipients) got.push_back(recipient.address);
  CHECK(got == std::vector<std::string>{"alice@our.test", "x@far.example", "X@far.example"});
}

TEST_CASE("Date and Message-ID are added on submission only, and only where they lack") {
  const std::string nul(1, '\0');
  const auto login = "EHLO c\r\nAUTH PLAIN " + base64_encode(nul + "alice" + nul + "secret") + "\r\n";
  struct Row {
    const char* role;
    const char* header;
    bool id, date;
  };
  const Row rows[] = {{"smtp", "Subject: x\r\n", false, false},
                      {"submission", "Subject: x\r\n", true, true},
                      {"submission", "date: x\r\nmessage-id: <y>\r\n", false, false},
                      {"submission", "Subject: x\r\n\r\nDate: in the body\r\n", true, true},
                      {"local", "DATE : x\r\n", true, false}};
  for (const auto& row : rows) {
    SmtpPeer peer(Given{{"role", row.role}, {"tls", "implicit"}});
    peer.greeting();
    if (peer.client.role == Role::submission) peer.feed(login);
    peer.feed(message);
    peer.feed(std::string(row.header) + "\r\n.\r\n");
    REQUIRE(peer.world.accepted.size() == 1);
    const auto& top = peer.world.accepted[0].top_headers;
    CHECK(top.contains("Message-ID: <") == row.id);
    CHECK(top.contains("\r\nDate: ") == row.date);
    CHECK(top.starts_with("Received: "));
    CHECK(top.contains("from userid") == (peer.client.role == Role::local));
  }
}

TEST_CASE("the trace of an authenticated session under TLS") {
  SmtpPeer peer(Given{{"tls", "implicit"}});
  peer.greeting();
  const std::string nul(1, '\0');
  peer.feed("EHLO c\r\nAUTH PLAIN " + base64_encode(nul + "alice" + nul + "secret") + "\r\n" + std::string(message));
  peer.feed(".\r\n");
  REQUIRE(peer.world.accepted.size() == 1);
  const auto& got = peer.world.accepted[0];
  CHECK(got.envelope.login == "alice@our.test");
  CHECK(got.envelope.protocol == "ESMTPSA");
  CHECK(got.top_headers.contains("\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\tby "));
  CHECK(peer.world.logged(", sasl_method=PLAIN, sasl_username=alice@our.test"));
}

TEST_CASE("TLS-01: octets behind STARTTLS are never answered, in clear or inside TLS") {
  SmtpPeer whole;
  whole.greeting();
  CHECK(whole.feed("EHLO c\r\n").contains("STARTTLS"));
  CHECK(whole.feed("STARTTLS\r\nEHLO evil\r\n") == "554 5.5.0 Error: commands behind STARTTLS\r\n");
  CHECK(whole.closed());

  SmtpPeer later;
  later.greeting();
  later.feed("EHLO c\r\nSTARTTLS\r\n");
  CHECK(later.session->next() == Next::tls);
  CHECK(!later.session->wants_input());
  CHECK(later.feed("NOO") == "554 5.5.0 Error: commands behind STARTTLS\r\n");  // TLS-04
  CHECK(later.closed());
}

TEST_CASE("RFC 3207: the login of before TLS is forgotten") {
  SmtpPeer peer(Given{{"plaintext_auth", "yes"}});
  peer.greeting();
  const std::string nul(1, '\0');
  CHECK(peer.feed("EHLO c\r\nAUTH PLAIN " + base64_encode(nul + "alice" + nul + "secret") + "\r\n").contains("235 "));
  peer.feed("STARTTLS\r\n");
  peer.directive("tls");
  CHECK(peer.feed("MAIL FROM:<a@b.c>\r\nRCPT TO:<u@other.example>\r\n").contains("554 5.7.1"));
}

TEST_CASE("CMD-01: an early talker is logged and served") {
  SmtpPeer peer;
  peer.session->feed("EHLO c\r\n");
  CHECK(peer.session->take_output().empty());
  CHECK(peer.greeting().contains("\r\n250-mx.our.test\r\n"));
  CHECK(peer.world.logged("improper command pipelining after CONNECT from unknown[192.0.2.7]"));
}

TEST_CASE("CMD-02: an endless line is told once and then given up") {
  SmtpPeer peer;
  peer.greeting();
  std::string out;
  std::size_t fed = 0;
  while (!peer.closed() && fed < 100) {
    out += peer.feed(std::string(64 * 1024, 'a'));
    ++fed;
  }
  CHECK(out == "500 5.5.6 Error: line too long\r\n421 4.7.0 mx.our.test Error: line too long\r\n");
  CHECK(fed <= max_discarded / (64 * 1024) + 2);
}

TEST_CASE("CMD-09: a refused message is read up to a bound") {
  SmtpPeer peer(Given{{"message_size_limit", "1000"}});
  peer.greeting();
  peer.feed(message);
  std::string out;
  std::size_t fed = 0;
  const std::string piece(64 * 1024, 'a');
  while (!peer.closed() && fed < 2000) {
    out += peer.feed(piece);
    ++fed;
    if (fed == 1) CHECK(peer.world.open_receptions == 0);
  }
  CHECK(out == "552 5.3.4 Error: message file too big\r\n");
  CHECK(fed <= max_drained / piece.size() + 3);
}

TEST_CASE("after smtpd_soft_error_limit errors each reply is held back") {
  SmtpPeer peer;
  auto& session = *peer.session;
  session.greet();
  for (unsigned i = 0; i < peer.limits.soft_error_limit; ++i) session.feed("BOGUS\r\n");
  CHECK(session.next() == Next::input);
  (void)session.take_output();
  session.feed("BOGUS\r\nNOOP\r\n");
  CHECK(session.next() == Next::pause);
  CHECK(session.take_output().empty());
  session.resume();
  CHECK(session.next() == Next::pause);  // NOOP was answered, and waits in turn
  session.resume();
  CHECK(session.take_output() == "500 5.5.2 Error: command not recognized\r\n250 2.0.0 Ok\r\n");
}

TEST_CASE("a paused or waiting session reads no more than it can keep") {
  SmtpPeer peer;
  auto& session = *peer.session;
  session.greet();
  session.feed("MAIL FROM:<a@b.c>\r\nRCPT TO:<u@our.test>\r\n");
  CHECK(session.wants_input());
  CHECK(!session.deadline().running);
  session.feed(std::string(70'000, '\n'));
  CHECK(!session.wants_input());
}

TEST_CASE("the deadline starts anew with each request, and content extends it") {
  SmtpPeer peer;
  peer.greeting();
  const auto first = peer.session->deadline();
  CHECK(first.running);
  peer.feed("NOO");
  CHECK(peer.session->deadline().request == first.request);
  peer.feed("P\r\n");
  CHECK(peer.session->deadline().request != first.request);
  peer.feed(message);
  const auto data = peer.session->deadline();
  peer.feed("0123456789");
  CHECK(peer.session->deadline().request == data.request);
  CHECK(peer.session->deadline().content_octets == data.content_octets + 10);
}

TEST_CASE("statistics as Postfix writes them") {
  SmtpPeer peer;
  peer.greeting();
  peer.feed("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<u@our.test>\r\nRCPT TO:<x@other.example>\r\nDATA\r\n");
  peer.feed("a\r\n.\r\nFOO\r\nQUIT\r\n");
  CHECK(peer.session->statistics() == "ehlo=1 mail=1 rcpt=1/2 data=1 quit=1 unknown=0/1 commands=5/7");
  CHECK(
      peer.world.logged("NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <x@other.example>: Relay access "
                        "denied; from=<a@b.c> to=<x@other.example> proto=ESMTP helo=<c>"));
}

TEST_CASE("AUT-04: a session that ends inside an exchange cancels it") {
  SmtpPeer peer(Given{{"tls", "implicit"}});
  peer.greeting();
  CHECK(peer.feed("AUTH LOGIN\r\n") == "334 VXNlcm5hbWU6\r\n");
  peer.session.reset();
  CHECK(peer.world.cancelled_logins == 1);
}

TEST_CASE("AUT-14: no password in the log") {
  SmtpPeer peer(Given{{"tls", "implicit"}});
  peer.greeting();
  const std::string nul(1, '\0');
  peer.feed("AUTH PLAIN " + base64_encode(nul + "alice" + nul + "canary-7") + "\r\n");
  peer.feed("AUTH LOGIN\r\n" + base64_encode("alice") + "\r\n" + base64_encode("canary-7") + "\r\n");
  CHECK(peer.world.log.size() == 2);
  CHECK(!peer.world.logged("canary"));
  CHECK(!peer.world.logged(base64_encode("canary-7")));
}
