// Every IMAP dialogue: whole, octet by octet, and cut in two at every octet.
#include "tests/dialogue/dialogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "catch.h"
#include "peer.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

std::string given(const dialogue::Dialogue& dialogue, const std::string& key, const std::string& otherwise) {
  for (const auto& [name, value] : dialogue.given) {
    if (name == key) return value;
  }
  return otherwise;
}

/// Delivers the files of tests/dialogue/maildrops/<name>, in the order of their names, one on each day of 2026.
void fill(store::Account& account, const std::string& name) {
  const std::filesystem::path folder = "tests/dialogue/maildrops/" + name;
  if (!std::filesystem::is_directory(folder)) return;
  auto inbox = *account.open("INBOX", false);
  std::int64_t date = 1767225600;
  for (const auto& file : std::set<std::filesystem::path>{std::filesystem::directory_iterator(folder), {}}) {
    std::ifstream in(file, std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(in), {}};
    store::NewMessage message;
    message.octets = octets;
    message.internal_date = date;
    (void)*inbox->append({&message, 1});
    date += 86400;
  }
}

}  // namespace

TEST_CASE("IMAP dialogues") {
  const auto files = dialogue::files("tests/dialogue", "imap");
  REQUIRE(files.size() > 20);
  for (const auto& file : files) {
    const auto dialogue = dialogue::read(file, dialogue::account("alice", "secret", "example.test"));
    login::Options options;
    options.hostname = "mail.example.test";
    options.cleartext_allowed = given(dialogue, "cleartext", "yes") == "yes";
    options.tls_offered = given(dialogue, "starttls", "no") == "yes";
    Settings settings;
    settings.message_size_limit = std::stoull(given(dialogue, "message_size_limit", "10000"));

    const auto make = [&] {
      store::MemoryAccount account;
      fill(account, given(dialogue, "maildrop", "empty"));
      auto peer = std::make_unique<Peer>(options, account, settings);
      peer->auth.away = given(dialogue, "authd", "there") == "away";
      return peer;
    };
    // Long dialogues are cut in fewer places: all of it is about some millions of octets.
    const auto cuts = std::clamp<std::size_t>(1000000 / dialogue.octets_sent(), 5, 300);
    const auto wrong = dialogue::run_all_cuts(dialogue, make, cuts);
    INFO(file);
    CHECK(wrong.value_or("") == "");
  }
}
