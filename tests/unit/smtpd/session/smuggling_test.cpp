// TORTURE SMG: only CR LF . CR LF ends a message, in every mode and however the octets are cut. SMG-NN names the row.
#include <catch.h>

#include "common/base/strings.h"
#include "tests/dialogue/smtp/smtp_peer.h"

using namespace facteur;
using smtpd::testing::Given;
using smtpd::testing::SmtpPeer;

namespace {

struct Row {
  const char* id;
  std::string_view sequence;
  const char* rejected;         ///< reply codes in modes normalize, reject, no; '2' accepted, '5' refused
  std::string_view normalized;  ///< what the sequence becomes in the stored content; empty: not looked at
};

using namespace std::string_view_literals;
const Row rows[] = {
    {"SMG-01", "\n.\n"sv, "252", "\r\n.\r\n"sv},
    {"SMG-02", "\n.\r\n"sv, "252", "\r\n.\r\n"sv},
    {"SMG-03", "\r\n.\n"sv, "252", {}},
    {"SMG-04", "\r.\r"sv, "252", {}},
    {"SMG-05", "\r.\n"sv, "252", {}},
    {"SMG-06", "\r.\r\n"sv, "252", {}},
    {"SMG-07", "\n.\r"sv, "252", {}},
    {"SMG-08", "\r\n.\rx"sv, "252", {}},
    {"SMG-09", "\r\n.\r\r\n"sv, "252", {}},
    {"SMG-10", "\r\r\n.\r\r\n"sv, "252", {}},
    {"SMG-11", "\r\n\0.\r\n"sv, "555", {}},
    {"SMG-12a", "\r\n.\0\r\n"sv, "555", {}},
    {"SMG-12b", "\r\n.\x0b\r\n"sv, "222", {}},
    {"SMG-12c", "\r\n.\x0c\r\n"sv, "222", {}},
    {"SMG-12d", "\r\n.\x85\r\n"sv, "222", {}},
    {"SMG-12e", "\r\n.\x20\r\n"sv, "222", {}},
    {"SMG-12f", "\r\n.\t\r\n"sv, "222", {}},
    {"SMG-13a", "\xe2\x80\xa8.\xe2\x80\xa8"sv, "222", {}},
    {"SMG-13b", "\xc2\x85.\xc2\x85"sv, "222", {}},
    {"SMG-14", "\r\n..\r\n...\r\n"sv, "222", "\r\n.\r\n..\r\n"sv},
};

constexpr std::string_view envelope = "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@our.test>\r\nDATA\r\n";

std::string dialogue_of(std::string_view sequence) {
  return "Subject: a\r\n\r\nbody" + std::string(sequence) +
         "MAIL FROM:<x@e.org>\r\nRCPT TO:<u@our.test>\r\nDATA\r\nSubject: b\r\n\r\nsmuggled\r\n.\r\n";
}

/// Feeds the text in two pieces, or octet by octet for at == npos; returns what came behind 354.
std::string outcome(SmtpPeer& peer, const std::string& text, std::size_t at) {
  peer.greeting();
  peer.feed(envelope);
  std::string out;
  if (at == std::string::npos) {
    for (const char c : text) out += peer.feed(std::string_view(&c, 1));
  } else {
    out = peer.feed(std::string_view(text).substr(0, at));
    out += peer.feed(std::string_view(text).substr(at));
  }
  return out;
}

void check_row(const Row& row, const std::string& mode, char wanted, std::size_t at) {
  SmtpPeer peer(Given{{"smtpd_forbid_bare_newline", mode}});
  const auto out = outcome(peer, dialogue_of(row.sequence), at);
  INFO(row.id << " " << mode << " cut at " << at << ": " << printable(out));
  REQUIRE(out.size() > 4);
  REQUIRE(out.front() == wanted);
  REQUIRE(out.find("\r\n") == out.size() - 2);  // one reply, to one message
  REQUIRE(peer.world.accepted.size() == (wanted == '2' ? 1U : 0U));
  REQUIRE(peer.world.open_receptions == 0);
  if (wanted != '2' || row.normalized.empty() || mode == "no") return;
  REQUIRE(peer.world.accepted[0].content.contains("body" + std::string(row.normalized) + "MAIL FROM:<x@e.org>\r\n"));
}

}  // namespace

TEST_CASE("no sequence but CR LF . CR LF ends a message") {
  const std::string modes[] = {"normalize", "reject", "no"};
  for (const auto& row : rows) {
    const auto size = dialogue_of(row.sequence).size();
    for (std::size_t mode = 0; mode < 3; ++mode) {
      for (std::size_t at = 0; at < size; ++at) check_row(row, modes[mode], row.rejected[mode], at);
      check_row(row, modes[mode], row.rejected[mode], std::string::npos);
    }
  }
}

TEST_CASE("SMG-16: the end of data at the ends of buffers") {
  for (const std::size_t edge : {1024U, 4096U, 8192U, 16384U, 65536U}) {
    for (std::size_t size = edge - 6; size <= edge + 2; ++size) {
      SmtpPeer peer;
      peer.greeting();
      peer.feed(envelope);
      const std::string text = "\r\n" + std::string(size - 2, 'x') + "\r\n.\r\n";
      std::string out;
      for (std::size_t i = 0; i < text.size(); i += edge) out += peer.feed(std::string_view(text).substr(i, edge));
      REQUIRE(out.starts_with("250 2.0.0 Ok"));
      REQUIRE(peer.world.accepted.size() == 1);
      REQUIRE(peer.world.accepted[0].content == text.substr(0, text.size() - 3));
    }
  }
}

TEST_CASE("SMG-26: a message whose end never came is none") {
  SmtpPeer peer;
  peer.greeting();
  peer.feed(envelope);
  peer.feed("Subject: a\r\n\r\nbody\r\n.\r");
  CHECK(peer.world.open_receptions == 1);
  CHECK(peer.directive("closewrite").empty());
  CHECK(peer.closed());
  CHECK(peer.world.accepted.empty());
  CHECK(peer.world.open_receptions == 0);
  CHECK(peer.world.logged("lost connection after DATA from unknown[192.0.2.7]"));
}

TEST_CASE("SMG-26: a session that is destroyed leaves nothing, also while its message is being synced") {
  for (const bool ended : {false, true}) {
    SmtpPeer peer;
    peer.greeting();
    peer.feed(envelope);
    peer.session->feed(ended ? "x\r\n.\r\n" : "x\r\n");
    peer.session.reset();
    peer.world.settle();
    CHECK(peer.world.open_receptions == 0);
  }
}

TEST_CASE("SMG-21: what we add on top stays apart from the content") {
  const std::pair<std::string, bool> rows21[] = {
      {"\r\nbody\r\n", false},       {" folded\r\nA: b\r\n\r\n", true}, {"From jim Mon Nov\r\nA: b\r\n\r\n", true},
      {"just text\r\n", true},       {"A: b\r\n\r\n", false},           {"", false},
      {"\tX: folded\r\n\r\n", true}, {": no name\r\n", true},
  };
  for (const auto& [content, apart] : rows21) {
    SmtpPeer peer;
    peer.greeting();
    peer.feed(envelope);
    peer.feed(content + ".\r\n");
    INFO(content);
    REQUIRE(peer.world.accepted.size() == 1);
    CHECK(peer.world.accepted[0].content == content);
    CHECK(peer.world.accepted[0].top_headers.ends_with("\r\n\r\n") == apart);
  }
}
