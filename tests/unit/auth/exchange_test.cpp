#include "auth/exchange.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "catch.h"
#include "common/base/fd.h"

using namespace facteur;
using namespace facteur::auth;

namespace {

Exchange exchange(const std::string& mechanism) {
  static const bool started = start_sasl().has_value();
  REQUIRE(started);
  auto begun = Exchange::begin(Service::imap, mechanism, "mail.example");
  REQUIRE(begun);
  return std::move(*begun);
}

/// The login and password of PLAIN's one message, or why not.
std::string plain(const std::string& message) {
  auto next = exchange("PLAIN").start(message);
  CHECK_FALSE(next.challenge);
  return next.credentials ? next.credentials->login + " " + next.credentials->password : "!" + next.failure;
}

std::string z(std::string text) {
  for (auto& c : text) {
    if (c == '|') c = '\0';
  }
  return text;
}

/// A saslauthd of one answer: reads the four counted texts of its protocol, says what it is told to.
class Saslauthd {
 public:
  explicit Saslauthd(std::string answer) : path_("/tmp/facteur-mux-" + std::to_string(getpid())) {
    unlink(path_.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_.get(), 1) == 0);
    thread_ = std::thread([this, answer] {
      const Fd client(accept(listener_.get(), nullptr, nullptr));
      for (int i = 0; i < 4; ++i) asked += read_text(client.get()) + "|";
      const char size[2] = {0, static_cast<char>(answer.size())};
      (void)!write(client.get(), size, 2);
      (void)!write(client.get(), answer.data(), answer.size());
    });
  }
  ~Saslauthd() {
    if (thread_.joinable()) thread_.join();
    unlink(path_.c_str());
  }
  void wait() { thread_.join(); }
  std::string asked;
  const std::string& path() const { return path_; }

 private:
  static std::string read_text(int fd) {
    unsigned char size[2] = {};
    if (recv(fd, size, 2, MSG_WAITALL) != 2) return "?";
    std::string text(static_cast<std::size_t>(size[0] << 8 | size[1]), '\0');
    if (!text.empty()) (void)!recv(fd, text.data(), text.size(), MSG_WAITALL);
    return text;
  }
  std::string path_;
  Fd listener_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("PLAIN gives what the client has shown") {
  CHECK(plain(z("|Alice|secret")) == "alice secret");
  CHECK(plain(z("|alice@Example.Test|s p \xc3\xa9")) == "alice@example.test s p \xc3\xa9");
  CHECK(plain(z("alice|alice|secret")) == "alice secret");
  auto later = exchange("PLAIN");
  const auto next = later.start(std::nullopt);
  REQUIRE(next.challenge);
  CHECK(next.challenge->empty());
  CHECK(later.respond(z("|bob|x")).credentials->login == "bob");
}

TEST_CASE("PLAIN tells for whom the client wants to act, where that is not the login as it was sent") {
  const auto acts_as = [](const std::string& message) {
    const auto next = exchange("PLAIN").start(message);
    REQUIRE(next.credentials);
    CHECK(next.credentials->login.starts_with("alice"));
    return next.credentials->acts_as;
  };
  CHECK(acts_as(z("|alice|x")).empty());
  CHECK(acts_as(z("ALICE|alice|x")).empty());
  CHECK(acts_as(z("alice@example.test|alice|x")) == "alice@example.test");
  CHECK(acts_as(z("alice|alice@example.test|x")) == "alice");
  CHECK(acts_as(z("bob|alice|x")) == "bob");
}

TEST_CASE("AUT-02, AUT-06: PLAIN messages that are none") {
  const std::string bad[] = {"",
                             z("|"),
                             z("||"),
                             z("|||"),
                             z("||||"),
                             "alice",
                             z("|alice"),
                             z("|alice|"),
                             z("||secret"),
                             z("|a|b|c"),
                             z("|alice|x|"),
                             z("../x|alice|x"),
                             z("root|alice|x"),
                             z("|../x|y"),
                             z("|root|x"),
                             z("|a\nb|x"),
                             z("|%n|x"),
                             z("|*|x"),
                             z("|a*b|x"),
                             "*",
                             z("|alice|") + std::string(600, 'x'),
                             z("|") + std::string(9000, 'a') + z("|x")};
  for (const auto& message : bad) {
    CAPTURE(message.substr(0, 30));
    CHECK(plain(message).front() == '!');
  }
  CHECK(plain(std::string(Exchange::max_response + 1, 'a')) == "!the response is too long");
  CHECK(plain(std::string(1'000'000, 'a')) == "!the response is too long");
}

TEST_CASE("LOGIN asks for a name, then a password") {
  auto login = exchange("LOGIN");
  const auto name = login.start(std::nullopt);
  REQUIRE(name.challenge);
  CHECK(name.challenge->starts_with("User"));
  const auto password = login.respond("Alice");
  REQUIRE(password.challenge);
  CHECK(password.challenge->starts_with("Pass"));
  const auto done = login.respond("secret");
  REQUIRE(done.credentials);
  CHECK(done.credentials->login == "alice");
  CHECK(done.credentials->password == "secret");

  auto empty = exchange("LOGIN");
  (void)empty.start(std::nullopt);
  const auto after = empty.respond("");
  CHECK_FALSE(after.credentials);
  auto bad = exchange("LOGIN");
  (void)bad.start(std::nullopt);
  (void)bad.respond("../x");
  CHECK_FALSE(bad.respond("secret").credentials);
}

TEST_CASE("AUT-03: other mechanisms are refused, and objects are made and dropped without end") {
  CHECK_FALSE(Exchange::begin(Service::smtp, "CRAM-MD5", "h"));
  CHECK_FALSE(Exchange::begin(Service::smtp, "plain", "h"));
  CHECK_FALSE(Exchange::begin(Service::smtp, "", "h"));
  for (int i = 0; i < 1000; ++i) (void)exchange(i % 2 ? "PLAIN" : "LOGIN").start(std::nullopt);
}

TEST_CASE("saslauthd is asked by its protocol; only OK is right, and no answer is no verdict") {
  (void)exchange("PLAIN");
  {
    Saslauthd daemon("OK");
    const auto right = ask_saslauthd(Service::pop3, "jim", "secret", daemon.path(), "mail.example");
    daemon.wait();
    CHECK(daemon.asked == "jim|secret|pop||");
    REQUIRE(right);
    CHECK(*right);
  }
  for (const char* answer : {"NO", "NO auth failed", "", "garbage", "no OK"}) {
    CAPTURE(answer);
    Saslauthd daemon(answer);
    const auto wrong = ask_saslauthd(Service::pop3, "jim", "secret", daemon.path(), "mail.example");
    CHECK_FALSE(wrong.value_or(false));
  }
  const auto nobody = ask_saslauthd(Service::pop3, "jim", "secret", "/nonexistent/mux", "mail.example");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().kind == Kind::temporary);
}
