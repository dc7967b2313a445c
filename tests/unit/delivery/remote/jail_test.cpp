// What `remote` does all day, done behind its jail by a child process; the servers stay outside.

#include "common/process/jail.h"

#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

using namespace facteur;
using namespace facteur::remote;
using namespace facteur::remote::test;

namespace {

/// In the child: 0 if a domain was resolved and a message delivered.
int serve_jailed(const std::string& name_server, std::uint16_t smtp_port) {
  World world([](const std::string&, unsigned, unsigned) { return std::string(); });
  dns::Resolver::Options options;
  options.servers = {name_server};
  options.hosts.clear();
  world.resolver = std::move(*dns::Resolver::create(world.loop, options));
  world.environment.emplace(world.loop, world.settings, *world.resolver, *tls::Context::opportunistic_client());
  auto message = queue_file("Subject: x\r\n\r\nfrom the jail\r\n");
  const auto closed = process::close_jail(process::roles::remote, {}, {}, false);
  if (!closed) return 1;
  queue::Resolve question;
  question.domain = "x.org";
  if (!world.door->send(std::move(question))) return 2;
  world.run();
  if (world.resolved.empty() || world.resolved[0].outcome != queue::DnsOutcome::found) return 3;
  queue::Attempt attempt;
  attempt.message = std::move(message);
  attempt.targets.push_back({"mx.x.org", "127.0.0.1", smtp_port});
  attempt.recipients.push_back({1, "a@x.org"});
  if (!world.door->send(std::move(attempt))) return 4;
  world.run();
  return world.attempted.empty() || world.attempted[0].results.at(0).fate != queue::Fate::delivered ? 5 : 0;
}

}  // namespace

TEST_CASE("names are resolved and mail is sent from inside the jail") {
  loop::Loop loop;
  dns::test::FakeServer names(loop, [](const std::string& name, unsigned type, unsigned id) {
    using namespace dns::test;
    const auto address = record(name, 1, 60, std::string("\x7f\0\0\1", 4));
    return packet(name, type, 0, type == 1 ? std::vector{address} : std::vector<std::string>{}, {}, id);
  });
  FakeSmtp server(loop, "220 mx\r\n", polite);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(serve_jailed(names.address(), server.port));
  int status = -1;
  loop::Timer watch(loop);
  int ticks = 0;
  watch.repeat(Milliseconds{20}, [&] {
    if (::waitpid(child, &status, WNOHANG) == child || ++ticks > 1000) loop.stop();
  });
  loop.run();
  REQUIRE(ticks <= 1000);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(server.heard.find("from the jail") != std::string::npos);
}
