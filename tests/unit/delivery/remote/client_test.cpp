#include "delivery/remote/client.h"

#include <set>

#include "catch.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/base/strings.h"
#include "tests/dialogue/dialogue.h"

using namespace facteur;
using namespace facteur::remote;

namespace {

Client::Options options_for_tests() {
  return {"client.example", "mx.x.org[192.0.2.1]", 25, config::TlsLevel::none, false};
}

Mail mail_to(std::size_t recipients, const std::string& content) {
  Mail mail;
  mail.reverse_path = "from@client.example";
  for (std::size_t i = 0; i < recipients; ++i) {
    mail.recipients.push_back({static_cast<std::uint32_t>(i + 1), "r" + std::to_string(i) + "@x.org"});
  }
  mail.size = content.size();
  return mail;
}

/// Plays our side of a dialogue; its client is the remote server.
class Ours : public dialogue::Peer {
 public:
  explicit Ours(const dialogue::Dialogue& dialogue) {
    auto options = options_for_tests();
    for (const auto& [key, value] : dialogue.given) {
      if (key == "recipients") {
        for (const auto address : words(value)) {
          mail_.recipients.push_back({static_cast<std::uint32_t>(mail_.recipients.size() + 1), std::string(address)});
        }
      }
      if (key == "content") content_ = unescape(value);
      if (key == "tls") options.tls = value == "encrypt" ? config::TlsLevel::encrypt : config::TlsLevel::may;
      if (key == "lmtp") options.lmtp = true;
      if (key == "hold-content") hold_content_ = true;
      if (key == "convert") options.convert = value == "yes";
    }
    mail_.reverse_path = "from@client.example";
    mail_.size = content_.size();
    mail_.eight_bit = std::ranges::any_of(content_, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
    client_ = std::make_unique<Client>(options);
  }

  std::string greeting() override {
    client_->send(mail_);
    return output();
  }
  std::string feed(std::string_view octets) override {
    client_->feed(octets);
    return output();
  }
  std::string directive(std::string_view word) override {
    if (word == "results") return results();
    if (word == "tls") client_->tls_started();
    if (word == "lost") client_->lost();
    if (word == "mail") client_->send(mail_);
    if (word == "quit") client_->quit();
    return output();
  }
  bool closed() const override { return client_->closed(); }

 private:
  static std::string unescape(std::string_view text) {
    std::string out(text);
    for (auto at = out.find("\\r\\n"); at != out.npos; at = out.find("\\r\\n")) out.replace(at, 4, "\r\n");
    return out;
  }
  std::string output() {
    // Twice, where it has to be converted.
    while (client_->wants_content() && !hold_content_) {
      for (std::size_t i = 0; i < content_.size(); ++i) client_->give_content(content_.substr(i, 1), false);
      client_->give_content("", true);
    }
    return client_->take_output();
  }
  std::string results() {
    if (!client_->finished()) return "not finished\r\n";
    constexpr const char* fates[] = {"delivered", "deferred", "failed"};
    std::string text;
    for (const auto& [result, try_next] : client_->take_outcomes()) {
      text += std::to_string(result.number) + " " + fates[static_cast<std::size_t>(result.fate)] +
              (try_next ? " next " : " ") + result.status + " " + result.text + "\r\n";
    }
    return text;
  }

  Mail mail_;
  std::string content_;
  bool hold_content_ = false;
  std::unique_ptr<Client> client_;
};

/// Feeds a server's octets to a client that wants to send one mail to two recipients, and never gives it content.
std::vector<Outcome> outcomes_of(std::string_view server) {
  Client client(options_for_tests());
  client.send(mail_to(2, "x"));
  client.feed(server);
  (void)client.take_output();
  CHECK(client.closed());
  return client.take_outcomes();
}

}  // namespace

TEST_CASE("dialogues of the SMTP client, cut at every octet") {
  const auto files = dialogue::files("tests/dialogue", "smtp_client");
  REQUIRE(files.size() >= 24);
  for (const auto& file : files) {
    INFO(file);
    const auto dialogue = dialogue::read(file, {});
    const auto wrong = dialogue::run_all_cuts(dialogue, [&] { return std::make_unique<Ours>(dialogue); });
    CHECK(wrong.value_or("") == "");
  }
}

TEST_CASE("OUT-01: replies that are none end the connection and the mail waits") {
  const std::string banner = "220 mx\r\n";
  const std::string hello = banner + "250-mx\r\n250 PIPELINING\r\n";
  std::string endless;
  for (int i = 0; i < 1000; ++i) endless += "250-more\r\n";
  const std::string servers[] = {
      std::string(20000, 'x'),  // a banner without an end
      "220 " + std::string(20000, 'x'),
      "25 short\r\n",
      "999 no class\r\n",
      "199 no class\r\n",
      "HTTP/1.1 400 Bad Request\r\n",
      std::string("\0\0\0\r\n", 5),
      "220-a\r\n550 b\r\n",  // changes its mind
      banner + endless,
      banner + "354 go on\r\n",  // of the wrong class
      hello + "354 go on\r\n",
      hello + "250 a\r\n250 b\r\n250 c\r\n250 d\r\n",  // DATA is not answered by 250
  };
  for (const auto& server : servers) {
    INFO(printable(server, 60));
    const auto outcomes = outcomes_of(server);
    REQUIRE(outcomes.size() == 2);
    for (const auto& [result, try_next] : outcomes) {
      CHECK(result.fate == queue::Fate::deferred);
      CHECK(result.status == "4.5.0");
      CHECK(result.text.size() < 1024);
      CHECK(result.relay == "mx.x.org[192.0.2.1]:25");
      CHECK(try_next);
    }
  }
}

TEST_CASE("OUT-08: what the server says is escaped and bounded") {
  Client client(options_for_tests());
  client.send(mail_to(1, "x"));
  client.feed("220 mx\r\n250 mx\r\n");
  (void)client.take_output();
  client.feed("550 5.7.1 \x1b[2J%s%n\xff " + std::string(3000, 'y') + "\r\n");
  client.feed("250 ok\r\n");
  REQUIRE(client.finished());
  const auto outcomes = client.take_outcomes();
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result.text.size() < 4 * Transaction::max_text);
  CHECK(outcomes[0].result.text.find('\x1b') == std::string::npos);
  CHECK(outcomes[0].result.text.find('\xff') == std::string::npos);
  CHECK(outcomes[0].result.status == "5.7.1");
}

TEST_CASE("an enhanced code of another class than the reply is not believed") {
  const auto failure = failure_of({550, "", "2.0.0 fine"}, "X");
  CHECK(failure.permanent);
  CHECK(failure.status == "5.0.0");
}

TEST_CASE("addresses with line breaks never reach a server") {
  Client client(options_for_tests());
  auto mail = mail_to(2, "x");
  mail.recipients[1].address = "a@x.org>\r\nRCPT TO:<evil@x.org";
  client.send(mail);
  client.feed("220 mx\r\n");
  (void)client.take_output();
  client.feed("250 mx\r\n");
  CHECK(client.take_output().empty());
  REQUIRE(client.finished());
  for (const auto& [result, try_next] : client.take_outcomes()) CHECK(result.fate == queue::Fate::failed);
}

TEST_CASE("UTF-8 in an address goes to no server that does not offer it") {
  const auto offered = [](const std::string& hello) {
    Client client(options_for_tests());
    auto mail = mail_to(1, "x");
    mail.recipients[0].address = "j\xc3\xb6rg@x.org";
    client.send(mail);
    client.feed("220 mx\r\n");
    (void)client.take_output();
    client.feed(hello);
    return client.take_output();
  };
  CHECK(offered("250 mx\r\n").empty());
  CHECK(offered("250-mx\r\n250 SMTPUTF8\r\n") == "MAIL FROM:<from@client.example> SMTPUTF8\r\n");
}

TEST_CASE("a failed handshake leads to a connection in clear only where TLS is not required") {
  const auto failed = [](config::TlsLevel level) {
    auto options = options_for_tests();
    options.tls = level;
    auto client = std::make_unique<Client>(options);
    client->send(mail_to(1, "x"));
    client->feed("220 mx\r\n");
    client->feed("250-mx\r\n250 STARTTLS\r\n");
    client->feed("220 go\r\n");
    REQUIRE(client->wants_tls());
    CHECK(client->deadline() == Deadline::starttls);
    client->tls_failed("wrong version\n");
    CHECK(client->closed());
    return client;
  };
  CHECK(failed(config::TlsLevel::may)->retry_in_clear());
  CHECK(failed(config::TlsLevel::may)->take_outcomes().empty());
  const auto required = failed(config::TlsLevel::encrypt);
  CHECK_FALSE(required->retry_in_clear());
  CHECK(required->take_outcomes().at(0).result.status == "4.7.5");
}

TEST_CASE("deadlines follow what is waited for, and octets without a whole reply are no progress") {
  Client client(options_for_tests());
  client.send(mail_to(1, "x"));
  CHECK(client.deadline() == Deadline::helo);
  client.feed("220-");
  const auto before = client.progress();
  for (int i = 0; i < 50; ++i) client.feed("x");
  CHECK(client.progress() == before);
  client.feed("\r\n220 mx\r\n250-mx\r\n250 PIPELINING\r\n");
  CHECK(client.progress() > before);
  CHECK(client.deadline() == Deadline::mail);
  client.feed("250 ok\r\n");
  CHECK(client.deadline() == Deadline::rcpt);
  client.feed("250 ok\r\n");
  CHECK(client.deadline() == Deadline::data_init);
  client.feed("354 go\r\n");
  CHECK(client.deadline() == Deadline::data_xfer);
  client.give_content("x", true);
  CHECK(client.deadline() == Deadline::data_done);
  client.timed_out();
  const auto outcomes = client.take_outcomes();
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result.status == "4.4.2");
  CHECK_FALSE(outcomes[0].try_next);
}

TEST_CASE("a connection that was used before and is gone is known as such") {
  Client client(options_for_tests());
  client.send(mail_to(1, "x"));
  client.feed("220 mx\r\n250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  client.give_content("x", true);
  client.feed("250 ok\r\n");
  REQUIRE(client.finished());
  (void)client.take_outcomes();
  REQUIRE(client.ready());
  client.send(mail_to(1, "x"));
  CHECK(client.untouched());
  client.lost();
  CHECK(client.untouched());
  CHECK(client.take_outcomes().at(0).result.fate == queue::Fate::deferred);
}

TEST_CASE("content that cannot be read to its end is never ended with a dot") {
  Client client(options_for_tests());
  client.send(mail_to(1, "abc"));
  client.feed("220 mx\r\n250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  (void)client.take_output();
  client.give_content("half", false);
  client.content_failed("read: Input/output error");
  CHECK(client.closed());
  CHECK(client.take_output() == "half");
  CHECK(client.take_outcomes().at(0).result.status == "4.3.0");
}

TEST_CASE("whatever a server says, every recipient gets one result, and none is delivered without a 250 at the end") {
  constexpr const char* replies[] = {
      "220 a\r\n", "250 b\r\n", "250-PIPELINING\r\n250 x\r\n", "354 c\r\n", "421 d\r\n",
      "451 e\r\n", "550 f\r\n", "250-PIPELINING\r\n250 y\r\n", "552 g\r\n", "250 2.0.0 h\r\n"};
  for (int round = 0; round < 20000; ++round) {
    Client client(options_for_tests());
    client.send(mail_to(3, "x"));
    bool content_ended = false;
    for (int i = 0; i < 14 && !client.closed() && !client.finished(); ++i) {
      client.feed(i == 0 ? "220 mx\r\n" : replies[random_below(std::size(replies))]);
      if (client.wants_content()) {
        client.give_content("x", true);
        content_ended = true;
      }
      (void)client.take_output();
    }
    client.lost();
    REQUIRE(client.finished());
    const auto outcomes = client.take_outcomes();
    REQUIRE(outcomes.size() == 3);
    std::set<std::uint32_t> numbers;
    for (const auto& [result, try_next] : outcomes) {
      numbers.insert(result.number);
      if (result.fate == queue::Fate::delivered) CHECK(content_ended);
      CHECK(result.status.substr(0, 1) == (result.fate == queue::Fate::delivered  ? "2"
                                           : result.fate == queue::Fate::deferred ? "4"
                                                                                  : "5"));
    }
    REQUIRE(numbers.size() == 3);
  }
}
