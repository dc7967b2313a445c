// The whole of `remote` but its main.

#include "common/mime/encoding.h"
#include "world.h"

using namespace facteur;
using namespace std::string_literals;
using namespace facteur::remote;
using namespace facteur::remote::test;

TEST_CASE("a message goes out with its headers on top, dots doubled, and the reply comes back") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", polite);
  const auto answer = world.send({server.port}, 2, ".dot\r\nlast\r\n", "Received: by us\r\n");
  for (const auto& result : answer.results) {
    CHECK(result.fate == queue::Fate::delivered);
    CHECK(result.text == "250 2.0.0 queued as X");
    CHECK(result.relay == "mx.x.org[127.0.0.1]:" + std::to_string(server.port));
    CHECK(result.remote_reply);
  }
  CHECK(server.heard.find("DATA\r\nReceived: by us\r\n..dot\r\nlast\r\n.\r\n") != std::string::npos);
  CHECK_FALSE(answer.site_dead);
}

TEST_CASE("a big message arrives whole") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", polite);
  std::string content;
  for (int i = 0; i < 60000; ++i) content += "line " + std::to_string(i) + " of a message that is read in pieces\r\n";
  CHECK(world.send({server.port}, 1, content).results[0].fate == queue::Fate::delivered);
  CHECK(server.heard.find("DATA\r\n" + content + ".\r\n") != std::string::npos);
}

TEST_CASE("8-bit content is read twice for each host without 8BITMIME, and once for others") {
  World world;
  const auto old = [](const std::string& line) { return line.starts_with("EHLO") ? "250 mx\r\n" : polite(line); };
  FakeSmtp busy(world.loop, "220 mx\r\n", [&](const std::string& line) {
    return line.starts_with("RCPT") ? std::string("450 4.2.0 later\r\n") : old(line);
  });
  FakeSmtp server(world.loop, "220 mx\r\n", old);
  FakeSmtp today(world.loop, "220 mx\r\n", polite);
  std::string content = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  while (content.size() < 3 * MessageSource::piece_octets)
    content += "caf\xc3\xa9 of a message that is read in pieces\r\n";

  CHECK(world.send({busy.port, server.port}, 1, content, "Received: x\r\n").results[0].fate == queue::Fate::delivered);
  const auto header = "Received: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"s;
  const auto begin = server.heard.find("DATA\r\n" + header) + 6 + header.size();
  const auto body = server.heard.substr(begin, server.heard.find("\r\n.\r\n") + 2 - begin);
  CHECK(mime::decode_quoted_printable(body) == content.substr(content.find("\r\n\r\n") + 4));
  CHECK(busy.heard.find("DATA") == std::string::npos);
  CHECK(world.send({today.port}, 1, content).results[0].fate == queue::Fate::delivered);
  CHECK(today.heard.find("BODY=8BITMIME\r\n") != std::string::npos);
  CHECK(today.heard.find("DATA\r\n" + content + ".\r\n") != std::string::npos);
}

TEST_CASE("the next message takes the same connection, and a dead one is replaced in the same attempt") {
  World world;
  bool die = false;
  FakeSmtp server(world.loop, "220 mx\r\n", [&](const std::string& line) {
    if (line.starts_with("MAIL") && std::exchange(die, false)) return std::string("close");
    return polite(line);
  });
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);
  CHECK(server.connections == 1);
  die = true;
  CHECK(world.send({server.port}).results[0].fate == queue::Fate::delivered);  // OUT-07
  CHECK(server.connections == 2);
}

TEST_CASE("hosts are tried in order, and what failed for good is not tried elsewhere") {
  World world;
  FakeSmtp picky(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<r1")) return "550 5.1.1 never\r\n";
    if (line.starts_with("RCPT TO:<r2")) return "450 4.2.0 later\r\n";
    return polite(line);
  });
  FakeSmtp refusing(world.loop, "554 no\r\n", polite);
  FakeSmtp gone(world.loop, "close", polite);
  FakeSmtp good(world.loop, "220 mx\r\n", polite);
  const auto answer = world.send({closed_port(), refusing.port, gone.port, picky.port, good.port}, 3);
  CHECK(answer.results[0].status == "5.1.1");
  CHECK(answer.results[1].fate == queue::Fate::delivered);
  CHECK(answer.results[1].relay == "mx.x.org[127.0.0.1]:" + std::to_string(good.port));
  CHECK(answer.results[2].fate == queue::Fate::delivered);
  CHECK(answer.results[2].relay == "mx.x.org[127.0.0.1]:" + std::to_string(picky.port));
  CHECK(good.heard.find("r1@") == std::string::npos);
  CHECK(good.heard.find("r3@") == std::string::npos);
}

TEST_CASE("a site nobody can talk to is dead, and says why") {
  World world;
  const auto port = closed_port();
  const auto answer = world.send({port}, 2);
  CHECK(answer.site_dead);
  for (const auto& result : answer.results) {
    CHECK(result.fate == queue::Fate::deferred);
    CHECK(result.status == "4.4.1");
    CHECK(result.text == "connect to mx.x.org[127.0.0.1]:" + std::to_string(port) + ": Connection refused");
    CHECK(result.relay == "none");
    CHECK_FALSE(result.remote_reply);
  }
  CHECK(world.send({}, 1).results[0].status == "4.4.4");
}

TEST_CASE("a silent server is left when its time is over") {
  World world;
  world.settings.smtp_helo_timeout = Seconds{1};
  FakeSmtp server(world.loop, "", polite);
  const auto answer = world.send({server.port});
  CHECK(answer.results[0].status == "4.4.2");
  CHECK(answer.results[0].text ==
        "conversation with mx.x.org[127.0.0.1] timed out while receiving the initial server greeting");
}

TEST_CASE("opportunistic TLS falls back to a connection in clear") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 STARTTLS\r\n";
    if (line == "STARTTLS") return "220 go\r\n250 injected\r\n";
    return polite(line);
  });
  FakeSmtp broken(world.loop, "220 mx\r\n", [pending = false](const std::string& line) mutable -> std::string {
    if (line.starts_with("EHLO")) return "250-mx\r\n250 STARTTLS\r\n";
    if (line == "STARTTLS") {
      pending = true;
      return "220 go\r\n";
    }
    if (std::exchange(pending, false)) return "close";
    return polite(line);
  });
  CHECK(world.send({server.port}).results[0].status == "4.5.0");  // TLS-05
  const auto answer = world.send({broken.port});
  CHECK(answer.results[0].fate == queue::Fate::delivered);
  CHECK(broken.connections == 2);
}

TEST_CASE("a queue file that is none defers its message") {
  World world;
  queue::Attempt attempt;
  attempt.id = 1;
  attempt.message = Fd(::memfd_create("bad", MFD_CLOEXEC));
  attempt.recipients.push_back({1, "a@x.org"});
  attempt.targets.push_back({"x", "127.0.0.1", 1});
  REQUIRE(world.door->send(std::move(attempt)));
  world.run();
  REQUIRE(world.attempted.size() == 1);
  CHECK(world.attempted[0].results.at(0).status == "4.3.0");
  CHECK_FALSE(world.attempted[0].site_dead);
}

TEST_CASE("OUT-08: a hundred long replies fit into one answer") {
  World world;
  FakeSmtp server(world.loop, "220 mx\r\n", [](const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "550 5.1.1 " + std::string(1000, '\x01') + "\r\n";
    return polite(line);
  });
  const auto answer = world.send({server.port}, 100);
  for (const auto& result : answer.results) CHECK(result.fate == queue::Fate::failed);
}

TEST_CASE("domains are resolved: MX with addresses, the domain itself, nothing, not now, literals") {
  using namespace dns::test;
  World world([](const std::string& name, unsigned type, unsigned id) -> std::string {
    const auto answers = [&](const std::vector<std::string>& records) {
      return packet(name, type, 0, records, {}, id);
    };
    if (name == "none.x") return packet(name, type, 3, {}, {}, id);
    if (name == "busy.x") return packet(name, type, 2, {}, {}, id);
    if (type == 15 && name == "two.x") return answers({mx(name, 50, 20, "b.x"), mx(name, 50, 10, "a.x")});
    if (type == 15 && name == "null.x") return answers({mx(name, 50, 0, "")});
    if (type == 15 && name == "lost.x") return answers({mx(name, 50, 5, "none.x"), mx(name, 50, 6, "busy.x")});
    if (type == 1 && name != "empty.x") return answers({record(name, 1, 40, std::string("\xc0\0\2\1", 4))});
    if (type == 28 && name == "a.x") return answers({record(name, 28, 40, std::string(15, '\0') + '\1')});
    return answers({});
  });
  const auto two = world.resolve("two.x");
  CHECK(two.outcome == queue::DnsOutcome::found);
  CHECK_FALSE(two.implicit);
  CHECK(two.lifetime == 40);
  REQUIRE(two.hosts.size() == 2);
  CHECK(two.hosts[0].name == "a.x");
  CHECK(two.hosts[0].ips == std::vector<std::string>{"192.0.2.1", "::1"});
  CHECK(two.hosts[1].preference == 20);
  CHECK(two.hosts[1].ips == std::vector<std::string>{"192.0.2.1"});

  const auto plain = world.resolve("Plain.x");
  CHECK(plain.implicit);
  CHECK(plain.hosts.at(0).name == "plain.x");
  CHECK(world.resolve("plain.x", false).hosts.at(0).ips.size() == 1);
  const auto null = world.resolve("null.x");
  CHECK(null.hosts.at(0).name.empty());
  const auto lost = world.resolve("lost.x");
  CHECK(lost.outcome == queue::DnsOutcome::found);
  CHECK_FALSE(lost.hosts.at(0).temporary);
  CHECK(lost.hosts.at(1).temporary);

  CHECK(world.resolve("none.x").outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("empty.x").outcome == queue::DnsOutcome::no_data);
  CHECK(world.resolve("busy.x").outcome == queue::DnsOutcome::temporary);
  CHECK(world.resolve("busy.x", false).outcome == queue::DnsOutcome::temporary);
  CHECK(world.resolve("").outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("a b\n", false).outcome == queue::DnsOutcome::no_such_domain);
  CHECK(world.resolve("[127.0.0.1]").hosts.at(0).ips == std::vector<std::string>{"127.0.0.1"});
  CHECK(world.resolve("[IPv6:::1]", false).hosts.at(0).name == "::1");
}

TEST_CASE("without DNS a domain waits, and a literal is found all the same") {
  World world;
  const auto answer = world.resolve("x.org");
  CHECK(answer.outcome == queue::DnsOutcome::temporary);
  CHECK(answer.text.find("name=x.org type=MX") != std::string::npos);
  CHECK(world.resolve("[127.0.0.1]").outcome == queue::DnsOutcome::found);
}
