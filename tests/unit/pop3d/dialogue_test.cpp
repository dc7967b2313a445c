// Every POP3 dialogue: whole, octet by octet, and cut in two at every octet.
#include "tests/dialogue/dialogue.h"

#include <memory>
#include <string>

#include "catch.h"
#include "peer.h"

using namespace facteur;
using namespace facteur::pop3d;

namespace {

std::string given(const dialogue::Dialogue& dialogue, const std::string& key, const std::string& otherwise) {
  for (const auto& [name, value] : dialogue.given) {
    if (name == key) return value;
  }
  return otherwise;
}

std::optional<OpenFailure> failure(const std::string& maildrop) {
  if (maildrop == "in-use") return OpenFailure{true, {Kind::temporary, "in use"}};
  if (maildrop == "unavailable") return OpenFailure{false, {Kind::temporary, "no disk"}};
  return std::nullopt;
}

}  // namespace

TEST_CASE("POP3 dialogues") {
  const auto files = dialogue::files("tests/dialogue", "pop3");
  REQUIRE(files.size() > 20);
  for (const auto& file : files) {
    const auto dialogue = dialogue::read(file, dialogue::account("alice", "secret", "example.test"));
    const auto maildrop = given(dialogue, "maildrop", "empty");
    login::Options options;
    options.hostname = "mail.example.test";
    options.cleartext_allowed = given(dialogue, "cleartext", "yes") == "yes";
    options.tls_offered = given(dialogue, "stls", "no") == "yes";

    std::shared_ptr<store::MemoryAccount> account;
    const auto make = [&] {
      account = std::make_shared<store::MemoryAccount>();
      fill(*account, maildrop);
      auto peer = std::make_unique<Peer>(options, account, failure(maildrop));
      peer->auth.away = given(dialogue, "authd", "there") == "away";
      return peer;
    };
    const auto wrong = dialogue::run_all_cuts(dialogue, make, 1000);
    INFO(file);
    CHECK(wrong.value_or("") == "");
    const auto leaves = given(dialogue, "leaves", "");
    if (!leaves.empty()) CHECK(std::to_string(account->status("INBOX")->messages) == leaves);
  }
}
