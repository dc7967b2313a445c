// CMD-15: a random walk over all commands, against a model of the state table that is too simple to be wrong. The
// number of steps is FACTEUR_WALK_STEPS (10,000 unless said).
#include <catch.h>
#include <cstdlib>
#include <random>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "tests/dialogue/smtp/smtp_peer.h"

using namespace facteur;

using smtpd::testing::SmtpPeer;

namespace {

/// What RFC 5321 section 4.1.4 and its neighbours say, in five variables.
struct Model {
  bool tls = false, login = false, mail = false, data = false, refused_data = false;
  unsigned recipients = 0;
  unsigned messages = 0;

  void reset() { mail = data = false, recipients = 0; }
  std::string data_command() {
    refused_data = true;
    if (!mail) return "503";
    if (recipients == 0) return "554";
    refused_data = false;
    data = true;
    return "354";
  }
  std::string end() {
    reset();
    ++messages;
    return "250";
  }
};

struct Move {
  std::string_view line;
  std::string (*expected)(Model&);
};

const Move moves[] = {
    {"EHLO c", [](Model& m) { return m.reset(), m.refused_data = false, std::string("250"); }},
    {"HELO c", [](Model& m) { return m.reset(), m.refused_data = false, std::string("250"); }},
    {"EHLO", [](Model&) { return std::string("501"); }},
    {"RSET", [](Model& m) { return m.reset(), m.refused_data = false, std::string("250"); }},
    {"NOOP x", [](Model&) { return std::string("250"); }},
    {"HELP", [](Model&) { return std::string("214"); }},
    {"VRFY u", [](Model&) { return std::string("252"); }},
    {"EXPN u", [](Model&) { return std::string("502"); }},
    {"ETRN u", [](Model&) { return std::string("502"); }},
    {"FOO", [](Model& m) { return std::string(m.refused_data ? "421" : "500"); }},
    {"MAIL FROM:<a@b.c>",
     [](Model& m) {
       if (m.mail) return std::string("503");
       m.mail = true, m.refused_data = false;
       return std::string("250");
     }},
    {"MAIL FROM:<a@b.c", [](Model& m) { return std::string(m.mail ? "503" : "501"); }},
    {"MAIL FROM:<a@b.c> FOO=1", [](Model& m) { return std::string(m.mail ? "503" : "555"); }},
    {"RCPT TO:<u@our.test>",
     [](Model& m) {
       if (!m.mail) return std::string("503");
       ++m.recipients;
       return std::string("250");
     }},
    {"RCPT TO:<nobody@our.test>", [](Model& m) { return std::string(m.mail ? "550" : "503"); }},
    {"RCPT TO:<x@other.example>",
     [](Model& m) {
       if (!m.mail) return std::string("503");
       if (m.login) ++m.recipients;
       return std::string(m.login ? "250" : "554");
     }},
    {"RCPT TO:<", [](Model& m) { return std::string(m.mail ? "501" : "503"); }},
    {"DATA", [](Model& m) { return m.data_command(); }},
    {"DATA x", [](Model& m) { return m.refused_data = true, std::string("501"); }},
    {"AUTH PLAIN AHUAc2VjcmV0",
     [](Model& m) {
       if (m.login || m.mail) return std::string("503");
       if (!m.tls) return std::string("538");
       m.login = true;
       return std::string("235");
     }},
    {"AUTH PLAIN AHUAeA==", [](Model& m) { return std::string(m.login || m.mail ? "503"
                                                              : m.tls           ? "535"
                                                                                : "538"); }},
    {"STARTTLS",
     [](Model& m) {
       if (m.tls) return std::string("554");
       if (m.mail) return std::string("503");
       m = Model{.tls = true, .messages = m.messages};
       return std::string("220");
     }},
};

std::size_t steps() {
  const char* text = std::getenv("FACTEUR_WALK_STEPS");
  return text != nullptr ? parse_number<std::size_t>(text).value_or(10'000) : 10'000;
}

std::unique_ptr<SmtpPeer> fresh() {
  auto peer = std::make_unique<SmtpPeer>();
  peer->limits.hard_error_limit = peer->limits.soft_error_limit = ~0U;
  peer->limits.recipient_limit = ~0U;
  peer->greeting();
  return peer;
}

}  // namespace

TEST_CASE("CMD-15: a random walk agrees with the model") {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  auto peer = fresh();
  Model model;
  for (std::size_t i = 0; i < steps(); ++i) {
    const auto& move = moves[random() % std::size(moves)];
    const std::string line = model.data ? "text\r\n.\r\n" : std::string(move.line) + "\r\n";
    const auto wanted = model.data ? model.end() : move.expected(model);
    const auto said = peer->feed(line);
    INFO("seed " << seed << ", step " << i << ": " << line << " -> " << printable(said));
    REQUIRE(said.substr(0, 3) == wanted);
    REQUIRE(peer->world.accepted.size() == model.messages);
    if (peer->session->next() == smtpd::Next::tls) REQUIRE(peer->directive("tls").empty());
    if (!peer->closed()) continue;
    REQUIRE(wanted == "421");
    peer = fresh();
    model = {};
  }
}
