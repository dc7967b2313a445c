// The engine behind login on a store that fails, or does not find what it had.
#include <memory>
#include <string>

#include "../../common/store/faulty_mailbox.h"
#include "../client.h"
#include "catch.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

struct House {
  store::MemoryAccount account;
  std::shared_ptr<store::FaultyMailbox::Faults> faults = std::make_shared<store::FaultyMailbox::Faults>();
  Client client{[this] { return std::make_unique<store::FaultyAccount>(account, faults); }};

  explicit House(const std::string& octets, int messages = 1) {
    auto inbox = *account.open("INBOX", false);
    for (int i = 0; i < messages; ++i) {
      store::NewMessage message;
      message.octets = octets;
      (void)*inbox->append({&message, 1});
    }
    client.session.start("in");
    client.settle();
    client.say("s SELECT INBOX\r\n");
  }
};

}  // namespace

TEST_CASE("MOVE removes what was copied, and nothing that the copy did not find") {
  House house("Subject: x\r\n\r\nx\r\n", 3);
  REQUIRE(house.account.create("other"));
  house.faults->overlooks = true;
  const auto said = house.client.say("1 MOVE 1:2 other\r\n");
  CHECK(said.find(" 2 1] Copied\r\n* 2 EXPUNGE\r\n1 OK Moved\r\n") != std::string::npos);
  CHECK(house.client.say("2 FETCH 1:* UID\r\n") == "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\n2 OK Fetched\r\n");
  CHECK(house.client.say("3 UID MOVE 1 other\r\n") == "3 NO [EXPUNGEISSUED] The messages are gone\r\n");
  CHECK(house.client.say("4 UID COPY 1,3 other\r\n").find(" 3 2] Copied\r\n") != std::string::npos);
  CHECK(house.account.status("INBOX")->messages == 2);
  CHECK(house.account.status("other")->messages == 2);
}

TEST_CASE("MOVE whose removal fails says so, and has lost nothing") {
  House house("Subject: x\r\n\r\nx\r\n", 2);
  REQUIRE(house.account.create("other"));
  house.faults->expunge = true;
  CHECK(house.client.say("1 MOVE 1 other\r\n")
            .ends_with("\r\n1 NO [UNAVAILABLE] The mailbox cannot be reached now; try again later\r\n"));
  CHECK(house.account.status("INBOX")->messages == 2);
  CHECK(house.account.status("other")->messages == 1);
}

TEST_CASE("CLOSE that cannot expunge closes all the same, and says what did not happen (RFC 3501 section 6.4.2)") {
  House house("Subject: x\r\n\r\nx\r\n", 2);
  house.client.say("1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n");
  house.faults->expunge = true;
  CHECK(house.client.say("2 CLOSE\r\n") ==
        "* NO [UNAVAILABLE] The mailbox cannot be reached now; try again later\r\n2 OK Closed\r\n");
  CHECK(house.client.say("3 CHECK\r\n") == "3 BAD No mailbox is selected\r\n");
  CHECK(house.account.status("INBOX")->messages == 2);
}

TEST_CASE("A message that is fetched slice by slice is opened once") {
  std::string octets = "Subject: long\r\n\r\n";
  while (octets.size() < 100000) octets += "0123456789abcdef\r\n";
  House house(octets, 2);
  const auto fetch = [&](std::size_t from, std::size_t count, const std::string& message = "1") {
    const auto said = house.client.say("1 FETCH " + message + " BODY.PEEK[]<" + std::to_string(from) + "." +
                                       std::to_string(count) + ">\r\n");
    const auto begin = said.find("}\r\n") + 3;
    const auto end = said.rfind(")\r\n1 OK Fetched\r\n");
    REQUIRE(end != std::string::npos);
    return said.substr(begin, end - begin);
  };
  std::string read;
  for (std::size_t from = 0; from < octets.size(); from += 1000) read += fetch(from, 1000);
  CHECK(read == octets);
  CHECK(house.faults->opened == 1);
  // Of another message, or after its end, or behind another command, it is opened anew.
  CHECK(fetch(0, 10) == octets.substr(0, 10));
  CHECK(fetch(5, 10, "2") == octets.substr(5, 10));
  CHECK(fetch(20, 10) == octets.substr(20, 10));
  CHECK(house.faults->opened == 4);
  house.client.say("2 NOOP\r\n");
  CHECK(fetch(30, 10) == octets.substr(30, 10));
  CHECK(house.faults->opened == 5);
  house.client.say("3 UID FETCH 1 BODY[]\r\n");
  CHECK(house.faults->opened == 5);
  // The next session of the mailbox begins with none.
  CHECK(fetch(0, 10) == octets.substr(0, 10));
  house.client.say("4 SELECT INBOX\r\n");
  CHECK(fetch(10, 10) == octets.substr(10, 10));
  CHECK(house.faults->opened == 7);
}
