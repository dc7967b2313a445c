// IMP-22 in small: several sessions do as they like with one mailbox, and each client's picture of it stays true. The
// rules are those of imaptest: sequence numbers mean one message until an EXPUNGE says otherwise, what cannot change
// does not, and in the end all see the same.
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "../client.h"
#include "catch.h"
#include "common/base/number.h"
#include "common/base/strings.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

/// What a client remembers of the mailbox.
struct Picture {
  std::vector<std::uint32_t> uids;  ///< by sequence number; 0 where it has not asked
  std::map<std::uint32_t, std::string> subjects;
};

class Player {
 public:
  Player(const store::MemoryAccount& account, unsigned seed) : client_(account), random_(seed) {
    client_.session.start("in");
    client_.settle();
    say("SELECT INBOX", false);
  }

  void play() {
    static const std::vector<std::string> commands{
        "NOOP",
        "FETCH $ (UID FLAGS)",
        "FETCH $ (UID BODY.PEEK[HEADER])",
        "STORE $ +FLAGS.SILENT (\\Deleted)",
        "EXPUNGE",
        "STORE $ -FLAGS (\\Deleted)",
        "SEARCH ALL",
        "UID SEARCH DELETED",
        "COPY $ INBOX",
        "MOVE $ INBOX",
        "APPEND",
        "STORE $ FLAGS (\\Seen k1)",
        "UID EXPUNGE 1:*",
        "FETCH $ BODY[TEXT]",
        "CHECK",
        "IDLE",
    };
    auto command = commands[random_() % commands.size()];
    // Copies of copies would soon fill the test's time.
    if (picture_.uids.size() > 30 && command.starts_with("COPY")) command = "STORE $ FLAGS.SILENT (\\Deleted)";
    const auto dollar = command.find('$');
    if (dollar != std::string::npos) {
      if (picture_.uids.empty()) return;
      command.replace(dollar, 1, set());
    }
    if (command == "APPEND") {
      const auto text = "Subject: s" + std::to_string(random_()) + "\r\n\r\nx\r\n";
      command = "APPEND INBOX {" + std::to_string(text.size()) + "+}\r\n" + text;
    }
    if (command == "IDLE") command += "\r\nDONE";
    const bool numbers = command.starts_with("FETCH") || command.starts_with("STORE") || command.starts_with("SEARCH");
    say(command, numbers);
  }
  /// Asks for everything; the picture is complete then.
  void look() {
    say("NOOP", false);
    if (!picture_.uids.empty()) say("FETCH 1:* (UID BODY.PEEK[HEADER])", true);
  }
  [[nodiscard]] const Picture& picture() const { return picture_; }

 private:
  std::string set() {
    const auto count = static_cast<unsigned>(picture_.uids.size());
    const auto first = random_() % count + 1;
    return std::to_string(first) + ":" + std::to_string(first + random_() % (count - first + 1));
  }

  void say(const std::string& command, bool numbers_in_use) {
    const auto said = client_.say("t " + command + "\r\n");
    INFO(command << "\n" << said);
    for (const auto line : split(said, '\n')) hear(line, numbers_in_use);
    const auto tagged = said.rfind("\nt ") == std::string::npos ? 0 : said.rfind("\nt ") + 1;
    const auto end = std::string_view(said).substr(tagged);
    const bool legal = end.starts_with("t OK") || end.starts_with("t NO [EXPUNGEISSUED]");
    REQUIRE(legal);
  }

  void hear(std::string_view line, bool numbers_in_use) {
    if (line.starts_with("Subject: ") && fetched_ != 0) {
      const auto [known, added] = picture_.subjects.emplace(fetched_, line);
      REQUIRE(known->second == line);
    }
    const auto parts = words(line);
    if (parts.size() < 3 || parts[0] != "*") return;
    const auto number = parse_number<std::uint32_t>(parts[1]).value_or(0);
    const auto what = trim(parts[2]);
    if (what == "EXISTS") {
      REQUIRE(number >= picture_.uids.size());
      picture_.uids.resize(number);
    } else if (what == "EXPUNGE") {
      REQUIRE_FALSE(numbers_in_use);
      REQUIRE((number >= 1 && number <= picture_.uids.size()));
      picture_.uids.erase(picture_.uids.begin() + number - 1);
    } else if (what == "FETCH") {
      REQUIRE((number >= 1 && number <= picture_.uids.size()));
      fetched_ = 0;
      if (parts[3] != "(UID") return;
      fetched_ = parse_number<std::uint32_t>(trim(parts[4])).value_or(0);
      auto& known = picture_.uids[number - 1];
      REQUIRE((known == 0 || known == fetched_));
      known = fetched_;
    }
  }

  Client client_;
  std::mt19937 random_;
  Picture picture_;
  std::uint32_t fetched_ = 0;  ///< UID of the answer being read
};

}  // namespace

TEST_CASE("IMP-22: random sessions on one mailbox keep true pictures of it") {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    store::MemoryAccount account;
    std::vector<std::unique_ptr<Player>> players;
    for (int i = 0; i < 4; ++i) players.push_back(std::make_unique<Player>(account, random()));
    for (int step = 0; step < 150; ++step) players[random() % players.size()]->play();
    std::map<std::uint32_t, std::string> subjects;
    for (const auto& player : players) {
      player->look();
      CHECK(player->picture().uids == players[0]->picture().uids);
      for (const auto& [uid, subject] : player->picture().subjects) {
        CHECK(subjects.emplace(uid, subject).first->second == subject);
      }
    }
    CHECK(account.status("INBOX")->messages == players[0]->picture().uids.size());
  }
}
