// Every IMAP dialogue: whole, octet by octet, and cut in two at every octet.
#include "tests/dialogue/dialogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <stdlib.h>
#include <string>

#include "catch.h"
#include "common/store/maildir/account.h"
#include "folder.h"
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

login::Options options_of(const dialogue::Dialogue& dialogue) {
  login::Options options;
  options.hostname = "mail.example.test";
  options.cleartext_allowed = given(dialogue, "cleartext", "yes") == "yes";
  options.tls_offered = given(dialogue, "starttls", "no") == "yes";
  return options;
}

std::unique_ptr<Peer> make_peer(const dialogue::Dialogue& dialogue, Session::Opener open) {
  Settings settings;
  settings.message_size_limit = 10000;
  fill(**open(), given(dialogue, "maildrop", "empty"));
  auto peer = std::make_unique<Peer>(options_of(dialogue), std::move(open), settings);
  peer->auth.away = given(dialogue, "authd", "there") == "away";
  return peer;
}

std::vector<dialogue::Dialogue> dialogues() {
  std::vector<dialogue::Dialogue> out;
  for (const auto& file : dialogue::files("tests/dialogue", "imap")) {
    out.push_back(dialogue::read(file, dialogue::account("alice", "secret", "example.test")));
  }
  REQUIRE(out.size() > 20);
  return out;
}

/// A Maildir that is gone with the test.
using test::Folder;

}  // namespace

TEST_CASE("IMAP dialogues") {
  for (const auto& dialogue : dialogues()) {
    const auto make = [&] {
      const store::MemoryAccount account;
      return make_peer(dialogue, [account] { return std::make_unique<store::MemoryAccount>(account); });
    };
    // Long dialogues are cut in fewer places: all of it is about some millions of octets.
    const auto cuts = std::clamp<std::size_t>(1000000 / dialogue.octets_sent(), 5, 300);
    CHECK(dialogue::run_all_cuts(dialogue, make, cuts).value_or("") == "");
  }
}

TEST_CASE("IMAP dialogues on a Maildir") {
  for (const auto& dialogue : dialogues()) {
    const Folder folder;
    const auto peer = make_peer(dialogue, [&folder] { return store::MaildirAccount::open_root(folder.path, {}); });
    CHECK(dialogue::run(dialogue, *peer).value_or("") == "");
  }
}
