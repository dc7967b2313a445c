// CMD-05, CMD-16, CMD-17, CMD-19, AUT-02, AUT-06: every octet at every place, and arguments of every size and shape.
// The session must answer each line once, with a reply that makes sense, and must not let a control character through.
#include <catch.h>

#include "common/base/encode.h"
#include "common/base/strings.h"
#include "tests/dialogue/smtp/smtp_peer.h"

using namespace facteur;
using smtpd::testing::Given;
using smtpd::testing::SmtpPeer;

namespace {

std::unique_ptr<SmtpPeer> fresh(bool in_mail) {
  auto peer = std::make_unique<SmtpPeer>(Given{{"tls", "implicit"}});
  peer->limits.hard_error_limit = peer->limits.soft_error_limit = peer->limits.junk_command_limit = ~0U;
  peer->greeting();
  peer->feed("EHLO c\r\n");
  if (in_mail) peer->feed("MAIL FROM:<a@b.c>\r\n");
  return peer;
}

/// One reply of one class of codes, whatever its lines.
bool is_reply(std::string_view said) {
  if (said.size() < 6 || !said.ends_with("\r\n") || said[0] < '2' || said[0] > '5') return false;
  for (const auto line : split(said.substr(0, said.size() - 2), '\n')) {
    if (line.substr(0, 3) != said.substr(0, 3)) return false;
    for (const char c : trim(line)) {
      if (c < ' ' || c >= 0x7f) return false;
    }
  }
  return true;
}

void check_kept(const SmtpPeer& peer) {
  for (const auto& message : peer.world.accepted) {
    for (const char c : message.envelope.reverse_path + message.envelope.helo) REQUIRE(!is_control(c));
    for (const auto& recipient : message.recipients) {
      for (const char c : recipient.address) REQUIRE((!is_control(c) && static_cast<unsigned char>(c) < 0x80));
    }
  }
  for (const auto& line : peer.world.log) {
    for (const char c : line) REQUIRE(!is_control(c));
  }
}

}  // namespace

TEST_CASE("CMD-05: all octets at each place of each command") {
  const std::pair<std::string, bool> lines[] = {
      {"EHLO c.example", false},
      {"HELO c", false},
      {"MAIL FROM:<a@b.c> SIZE=9 BODY=7BIT", false},
      {"RCPT TO:<\"u\"@our.test>", true},
      {"DATA", true},
      {"RSET", false},
      {"NOOP x", false},
      {"VRFY <u@our.test>", false},
      {"HELP", false},
      {"AUTH PLAIN AHUAc2VjcmV0", false},
      {"STARTTLS", false},
      {"BDAT 1 LAST", true},
  };
  for (const auto& [line, in_mail] : lines) {
    for (std::size_t at = 0; at < line.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        if (value == '\n') continue;  // two lines
        auto changed = line;
        changed[at] = static_cast<char>(value);
        const auto peer = fresh(in_mail);
        const auto said = peer->feed(changed + "\r\n");
        INFO(printable(changed) << " -> " << printable(said));
        REQUIRE(is_reply(said));
        if (value == 0) REQUIRE(said.front() == '5');
        if (!peer->closed()) peer->feed("RSET\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<u@our.test>\r\nDATA\r\n.\r\n");
        check_kept(*peer);
      }
    }
  }
}

TEST_CASE("CMD-16, CMD-17, CMD-19: paths of every shape") {
  const std::string dots(1000, '.');
  const std::string parens(900, '(');
  const std::string labels = [] {
    std::string text;
    for (int i = 0; i < 130; ++i) text += "a.";
    return text + "test";
  }();
  const std::string bad[] = {
      "<>",
      "<@>",
      "<\"\"@>",
      "<\"@our.test>",
      "<a@b@our.test>",
      "<a b@our.test>",
      "<a@our.test>x",
      "<.a@our.test>",
      "<a.@our.test>",
      "<" + dots + "@our.test>",
      "<u@" + dots + ">",
      "<u@" + labels + ">",
      parens + "<u@our.test>",
      "<" + parens + "u@our.test>",
      "<" + std::string(65, 'a') + "@our.test>",
      "<u@" + std::string(64, 'a') + ".test>",
      "<\"" + std::string(300, 'a') + "\"@our.test>",
      "<u@-our.test>",
      "<u@[1.2.3]>",
      "<u@[IPv6:1::2::3]>",
      "<u@our.test",
      "u@our.test>",
      "<<u@our.test>>",
      "<@our.test:>",
      "<@a,b:u@our.test>",
  };
  for (const auto& path : bad) {
    const auto peer = fresh(true);
    const auto said = peer->feed("RCPT TO:" + path + "\r\n");
    INFO(path.substr(0, 60) << " -> " << printable(said));
    REQUIRE(is_reply(said));
    REQUIRE(said.front() == '5');
    REQUIRE(peer->feed("DATA\r\n").starts_with("554 5.5.1"));
  }
  for (const std::string path :
       {"<\"a b\"@our.test>", "<u@OUR.TEST>", "u@our.test", " <u@our.test> ", "<@x.test:u@our.test>"}) {
    const auto peer = fresh(true);
    INFO(path);
    REQUIRE(peer->feed("RCPT TO:" + path + "\r\n").starts_with("250 2.1.5"));
  }
}

TEST_CASE("AUT-02, AUT-06: responses of every size and shape") {
  const std::string nul(1, '\0');
  std::string messages[] = {
      "",
      nul,
      nul + nul,
      nul + nul + nul,
      "no nuls",
      nul + nul + "secret",
      nul + "u" + nul + "se" + nul + "cret",
      nul + "../../x" + nul + "secret",
      nul + "a\nb" + nul + "secret",
      nul + "%n%s" + nul + "secret",
      nul + "' OR 1=1 --" + nul + "secret",
      nul + "\xff\xfe" + nul + "secret",
      nul + std::string(5000, 'u') + nul + "x",
  };
  for (const auto& message : messages) {
    const auto peer = fresh(false);
    REQUIRE(peer->feed("AUTH PLAIN\r\n") == "334 \r\n");
    const auto said = peer->feed(base64_encode(message) + "\r\n");
    REQUIRE(is_reply(said));
    REQUIRE(said.front() == '5');
    REQUIRE(peer->feed("NOOP\r\n") == "250 2.0.0 Ok\r\n");
    check_kept(*peer);
  }
  for (const std::size_t size : {12'286U, 12'287U, 12'288U, 12'289U, 100'000U, 1'000'000U}) {
    const auto peer = fresh(false);
    peer->feed("AUTH PLAIN\r\n");
    const auto said = peer->feed(std::string(size, 'A') + "\r\n");
    INFO(size << " -> " << printable(said));
    REQUIRE(is_reply(said));
    REQUIRE(said.front() == '5');
    REQUIRE(peer->feed("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  }
}

TEST_CASE("CMD-03, CMD-21, REL-11: floods end with 421") {
  for (const std::string flood :
       {"\r\n", "\n", "RSET\r\n", "EHLO c\r\n", "VRFY u\r\n", "RCPT TO:<nobody@our.test>\r\n"}) {
    SmtpPeer peer;
    peer.greeting();
    if (flood.starts_with("RCPT")) peer.feed("MAIL FROM:<a@b.c>\r\n");
    std::string out;
    std::size_t sent = 0;
    while (!peer.closed() && sent < 100'000) {
      out = peer.feed(flood);
      ++sent;
    }
    INFO(printable(flood));
    REQUIRE(out.contains("421 4.7.0 mx.our.test Error: too many errors\r\n"));
    REQUIRE(sent <= 121);
  }
}
