// A login process's door against everything of authd but the program around it.
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <thread>
#include <unistd.h>

#include "auth/client_door.h"
#include "auth/password.h"
#include "auth/users_edit.h"
#include "catch.h"
#include "common/fs/files.h"
#include "common/ipc/message.h"
#include "folder.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

class OneUser : public Passwd {
 public:
  Result<std::optional<SystemUser>> user(const std::string& name) override {
    if (name == "jim") return SystemUser{"jim", 1000, 1000, "/home/jim"};
    return std::nullopt;
  }
  Result<std::optional<std::uint32_t>> group(const std::string&) override { return std::nullopt; }
  std::vector<SystemUser> local_users() override { return {}; }
  std::string stamp() override { return "1"; }
};

using test::Folder;

/// authd without its program, and one login process.
class Stage {
 public:
  explicit Stage(const std::function<void(config::Settings&)>& change = {}) {
    settings.domains = {"example.test"};
    settings.hostname = "mail.example.test";
    settings.users = folder.path + "/users.yaml";
    settings.aliases = {folder.path + "/aliases"};
    settings.mail_uid = settings.mail_gid = "5000";
    settings.saslauthd_path = "/nonexistent/mux";
    settings.auth_failure_delay = Seconds{0};
    if (change) change(settings);
    REQUIRE(add_users(settings.users, {{"alice@example.test", *hash_password("secret"), ""}}));
    static const bool started = start_sasl().has_value();
    REQUIRE(started);
    keeper.emplace(loop, settings, Powers{true, 0, 0}, passwd);
    keeper->start();
    checker.emplace(loop, *keeper, settings);
    names.emplace(loop, 2, 1000);
    parts.emplace(Parts{loop, *keeper, *checker, tickets, *names, settings.hostname, settings.auth_timeout});
    auto pair = ipc::make_pair();
    REQUIRE(pair);
    door.emplace(*parts, 7, std::make_unique<ipc::Door>(loop, std::move(pair->first), "imap-login"),
                 [this] { closed = true; });
    peer = std::make_unique<ipc::Door>(loop, std::move(pair->second), "authd");
    peer->on<SaslReply>([this](SaslReply reply) { replies.push_back(std::move(reply)); });
    peer->on<AccountAnswer>([this](const AccountAnswer& answer) { answers.push_back(answer); });
    peer->open();
  }
  ~Stage() {
    peer.reset();
    door.reset();
    // Hashes under way end, and what holds a timer goes before the loop does.
    for (int i = 0; i < 100; ++i) {
      loop.turn();
      std::this_thread::sleep_for(Milliseconds{2});
    }
    checker.reset();
    keeper.reset();
  }

  /// Turns the loop until something holds; false after 30 s.
  bool until(const std::function<bool()>& holds) {
    for (const auto end = monotonic_now() + Seconds{30}; monotonic_now() < end;) {
      loop.turn();
      if (holds()) return true;
      std::this_thread::sleep_for(Milliseconds{1});
    }
    return false;
  }
  SaslReply plain(const std::string& login, const std::string& password, Service service = Service::imap,
                  const std::string& acts_as = "") {
    replies.clear();
    const auto z = std::string(1, '\0');
    peer->send(SaslStart{++id, service, "PLAIN", acts_as + z + login + z + password, "192.0.2.1", true});
    REQUIRE(until([this] { return !replies.empty() || closed; }));
    REQUIRE_FALSE(replies.empty());
    CHECK(replies[0].id == id);
    return replies[0];
  }
  Existence exists(const std::string& account) {
    answers.clear();
    peer->send(AccountQuery{++id, account});
    REQUIRE(until([this] { return !answers.empty(); }));
    return answers[0].existence;
  }

  Folder folder;
  config::Settings settings;
  OneUser passwd;
  loop::Loop loop;
  Tickets tickets;
  std::optional<Keeper> keeper;
  std::optional<Checker> checker;
  std::optional<Gate> names;
  std::optional<Parts> parts;
  std::optional<ClientDoor> door;
  std::unique_ptr<ipc::Door> peer;
  std::vector<SaslReply> replies;
  std::vector<AccountAnswer> answers;
  std::uint64_t id = 100;
  bool closed = false;
};

}  // namespace

TEST_CASE("A good login earns a ticket that master can redeem; SMTP needs none") {
  Stage stage;
  for (const char* name : {"alice", "Alice@Example.Test"}) {
    const auto reply = stage.plain(name, "secret");
    CHECK(reply.outcome == SaslOutcome::success);
    CHECK(reply.login == "alice@example.test");
    CHECK(stage.tickets.redeem(reply.ticket, {Service::imap, 7, "192.0.2.1"}, monotonic_now()) == "alice@example.test");
  }
  const auto smtp = stage.plain("alice", "secret", Service::smtp);
  CHECK(smtp.outcome == SaslOutcome::success);
  CHECK(smtp.ticket.empty());
}

TEST_CASE("A client acts for its own account, under any of its names, and for no other (RFC 4616 section 2)") {
  Stage stage;
  REQUIRE(add_users(stage.settings.users, {{"bob@example.test", *hash_password("secret"), ""}}));
  const auto as = [&](const std::string& acts_as, const std::string& login, const std::string& password) {
    return stage.plain(login, password, Service::imap, acts_as);
  };
  for (int again = 0; again < 2; ++again) {  // the second time the login is remembered
    CHECK(as("alice@example.test", "alice", "secret").login == "alice@example.test");
    CHECK(as("Alice", "alice@example.test", "secret").login == "alice@example.test");
    for (const char* other : {"bob", "bob@example.test", "nobody", "alice@far.example", "jim"}) {
      CAPTURE(other);
      const auto reply = as(other, "alice", "secret");
      CHECK(reply.outcome == SaslOutcome::failure);
      CHECK(reply.ticket.empty());
    }
  }
  CHECK(as("alice", "bob", "secret").outcome == SaslOutcome::failure);
  CHECK(as("alice@example.test", "alice", "wrong").outcome == SaslOutcome::failure);
}

TEST_CASE("Bad logins fail, each in its way, and never succeed by default (AUT-10)") {
  Stage stage;
  CHECK(stage.plain("alice", "wrong").outcome == SaslOutcome::failure);
  CHECK(stage.plain("alice", "").outcome == SaslOutcome::failure);
  CHECK(stage.plain("nobody", "secret").outcome == SaslOutcome::failure);
  CHECK(stage.plain("../alice", "secret").outcome == SaslOutcome::failure);
  CHECK(stage.plain("root", "secret").outcome == SaslOutcome::failure);
  CHECK(stage.plain("alice@far.example", "secret").outcome == SaslOutcome::failure);
  // saslauthd is not there: temporary, not wrong.
  CHECK(stage.plain("jim", "secret").outcome == SaslOutcome::temporary);
  CHECK(stage.plain("alice", "secret").outcome == SaslOutcome::success);
  CHECK(stage.plain("alice", "wrong").outcome == SaslOutcome::failure);
}

TEST_CASE("A changed password, a new and a deleted user count at once") {
  Stage stage;
  CHECK(stage.plain("alice", "secret").outcome == SaslOutcome::success);
  REQUIRE(change_password(stage.settings.users, "alice@example.test", *hash_password("other")));
  CHECK(stage.plain("alice", "secret").outcome == SaslOutcome::failure);
  CHECK(stage.plain("alice", "other").outcome == SaslOutcome::success);
  CHECK(stage.exists("bob@example.test") == Existence::unknown);
  REQUIRE(add_users(stage.settings.users, {{"bob@example.test", *hash_password("b"), ""}}));
  CHECK(stage.exists("bob@example.test") == Existence::exists);
  REQUIRE(delete_user(stage.settings.users, "bob@example.test"));
  CHECK(stage.exists("bob@example.test") == Existence::unknown);
  CHECK(stage.exists("jim@example.test") == Existence::exists);
  // A file that cannot be read leaves things as they were.
  REQUIRE(fs::replace_file(stage.settings.users, "alice: [", 0600));
  CHECK(stage.plain("alice", "other").outcome == SaslOutcome::success);
}

TEST_CASE("New aliases are new tables; a reload tells what is wrong") {
  Stage stage;
  int told = 0;
  stage.keeper->on_new_tables([&] { ++told; });
  REQUIRE(fs::replace_file(stage.settings.aliases[0], "info: alice\nprog: |/bin/x\n", 0600));
  REQUIRE(stage.until([&] { return told == 1; }));
  CHECK(stage.keeper->tables().aliases.contains("info"));
  std::optional<std::string> problems;
  stage.keeper->reload([&](const std::string& text) { problems = text; });
  stage.keeper->reload({});
  REQUIRE(stage.until([&] { return problems.has_value(); }));
  CHECK(problems->find("aliases:2: prog: programs are not supported") != std::string::npos);
  CHECK(told == 1);
  const auto memory = stage.keeper->sealed();
  REQUIRE(memory);
  const auto tables = ipc::from_octets<route::Tables>(*fs::read_sealed(memory->get()));
  REQUIRE(tables);
  CHECK(tables->aliases.at("info").targets == std::vector<std::string>{"alice"});
}

TEST_CASE("AUT-09, AUT-04: attempts are given up after their time, and with their door") {
  Stage stage([](config::Settings& s) { s.auth_timeout = Seconds{1}; });
  stage.peer->send(SaslStart{1, Service::imap, "LOGIN", std::nullopt, "192.0.2.1", true});
  REQUIRE(stage.until([&] { return stage.replies.size() == 1; }));
  CHECK(stage.replies[0].outcome == SaslOutcome::challenge);
  stage.door->sweep(monotonic_now());
  stage.door->sweep(monotonic_now() + Seconds{2});
  REQUIRE(stage.until([&] { return stage.replies.size() == 2; }));
  CHECK(stage.replies[1].outcome == SaslOutcome::temporary);
  // A response that crosses the answer is nothing.
  stage.peer->send(SaslStep{1, "alice"});
  stage.peer->send(SaslCancel{1});
  CHECK(stage.plain("alice", "secret").outcome == SaslOutcome::success);
  for (std::uint64_t i = 1000; i < 1050; ++i) {
    stage.peer->send(
        SaslStart{i, Service::imap, i % 2 ? "LOGIN" : "PLAIN", std::string("\0alice\0secret", 13), "::1", true});
  }
  stage.peer.reset();
  CHECK(stage.until([&] { return stage.closed; }));
}

TEST_CASE("LOGIN goes on step by step, and a cancelled attempt frees its id") {
  Stage stage;
  stage.peer->send(SaslStart{1, Service::pop3, "LOGIN", std::nullopt, "192.0.2.1", true});
  stage.peer->send(SaslCancel{1});
  stage.peer->send(SaslStart{1, Service::pop3, "LOGIN", std::nullopt, "192.0.2.1", true});
  stage.peer->send(SaslStep{1, "alice"});
  stage.peer->send(SaslStep{1, "secret"});
  REQUIRE(stage.until([&] { return stage.replies.size() == 4; }));
  CHECK(stage.replies[3].outcome == SaslOutcome::success);
}

TEST_CASE("Messages that make no sense end the door and nothing else") {
  for (const int kind : {0, 1, 2, 3}) {
    Stage stage;
    if (kind == 0) stage.peer->send(SaslStart{1, Service::imap, "PLAIN", std::nullopt, "not an address", true});
    if (kind == 1) stage.peer->send(SaslStart{1, Service{9}, "PLAIN", std::nullopt, "192.0.2.1", true});
    if (kind == 2) {
      stage.peer->send(SaslStart{1, Service::imap, "LOGIN", std::nullopt, "192.0.2.1", true});
      stage.peer->send(SaslStart{1, Service::imap, "LOGIN", std::nullopt, "192.0.2.1", true});
    }
    if (kind == 3) stage.peer->send(Redeem{1, "x", Service::imap, 7, "192.0.2.1"});
    CAPTURE(kind);
    CHECK(stage.until([&] { return stage.closed; }));
  }
}

TEST_CASE("Failures come late, and a dropped attempt is no trouble") {
  Stage stage([](config::Settings& s) {
    s.auth_failure_delay = Seconds{1};
    s.auth_failure_limit = 1000;
  });
  const auto begin = monotonic_now();
  CHECK(stage.plain("alice", "wrong").outcome == SaslOutcome::failure);
  CHECK(monotonic_now() - begin >= Milliseconds{990});
  const auto again = monotonic_now();
  CHECK(stage.plain("%n", "x").outcome == SaslOutcome::failure);
  CHECK(monotonic_now() - again >= Milliseconds{990});
  stage.peer->send(SaslStart{1, Service::imap, "PLAIN", std::string("\0alice\0wrong", 12), "192.0.2.1", true});
  stage.peer->send(SaslCancel{1});
  CHECK(stage.plain("alice", "secret").outcome == SaslOutcome::success);
}
