#include "world.h"

using namespace facteur;
using namespace facteur::queue;

TEST_CASE("mail for other hosts goes to those that DNS names, in batches") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  const auto queue_id = world.submit("jim@minfo.sn", {"a@one.org", "b@one.org", "c@one.org", "d@two.org"});
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.sent.size() == 4);
  CHECK(world.attempts.size() == 3);
  CHECK(world.log.count("relay=mx.one.org[192.0.2.1]:25, delay=") == 3);
  (void)world.submit("jim@minfo.sn", {"e@one.org"});
  world.until([&] { return world.sent.size() == 5; });
  CHECK(world.resolves == 2);  // the answer is kept
}

TEST_CASE("the limits of other settings hold from then on") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  auto options = quick_options();
  options.remote.recipients_per_attempt = 50;
  world.remote.set_options(options);
  (void)world.submit("jim@minfo.sn", {"a@one.org", "b@one.org", "c@one.org"});
  world.until([&] { return world.sent.size() == 3; });
  CHECK(world.attempts.size() == 1);
}

TEST_CASE("a relayhost gets everything, in one attempt, without a look at MX") {
  const SpoolFolder folder;
  auto options = quick_options();
  options.relayhost = "[127.0.0.1]:2525";
  options.remote.recipients_per_attempt = 50;
  World world(folder, options);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  Target target;
  world.on_attempt = [&](const Attempt& attempt) {
    target = attempt.targets.at(0);
    world.answer_attempt(attempt, Fate::delivered);
  };
  (void)world.submit("jim@minfo.sn", {"a@one.org", "b@two.org", "c@[192.0.2.7]"});
  world.until([&] { return world.sent.size() == 3; });
  CHECK(world.attempts.size() == 1);
  CHECK(world.resolves == 0);
  CHECK(target.ip == "127.0.0.1");
  CHECK(target.port == 2525);
}

TEST_CASE("a relayhost that cannot be found makes mail wait, and bounces none") {
  const SpoolFolder folder;
  auto options = quick_options();
  for (const auto outcome : {DnsOutcome::no_such_domain, DnsOutcome::no_data, DnsOutcome::found}) {
    options.relayhost = "relay.minfo.sn";
    World world(folder, options);
    world.core.set_tables(tables());
    world.connect_smtpd();
    world.connect_remote();
    world.on_resolve = [&](const Resolve&) {
      Resolved answer;
      answer.outcome = outcome;
      answer.hosts = {{"relay.minfo.sn", 10, {"127.0.0.1"}, false}};
      return answer;
    };
    const auto queue_id = world.submit("jim@minfo.sn", {"a@one.org"});
    world.until([&] { return world.log.count(queue_id + ": to=<a@one.org>") > 0; });
    CHECK(world.log.count("dsn=4.4.4, status=deferred") > 0);
    CHECK(world.log.count("relayhost relay.minfo.sn cannot be used") > 0);
    CHECK(world.log.count("status=bounced") == 0);
  }
}

TEST_CASE("an address literal that no host may have, or ours, is not connected to") {
  const SpoolFolder folder;
  auto options = quick_options();
  {
    World world(folder, options);
    world.core.set_tables(tables());
    world.connect_smtpd();
    world.connect_remote();
    (void)world.submit("jim@minfo.sn", {"a@[127.0.0.1]"});
    world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 1; });
    CHECK(world.log.count("dsn=5.4.4, status=bounced") == 1);
    CHECK(world.attempts.empty());
  }
  options.no_dns = true;  // nothing leaves the machine
  World world(folder, options);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  (void)world.submit("jim@minfo.sn", {"a@[192.0.2.7]"});
  world.until([&] { return world.log.count("dsn=4.4.3, status=deferred") == 1; });
  CHECK(world.attempts.empty());
}

TEST_CASE("address literals are connected to; malformed domains bounce without a question") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  (void)world.submit("jim@minfo.sn", {"a@[192.0.2.7]", "b@bad..name", "c@-_ .x"});
  world.until([&] { return world.sent.size() == 1 && world.mailboxes["jim@minfo.sn"].size() == 1; });
  CHECK(world.resolves == 0);
  CHECK(world.log.count("dsn=5.1.2, status=bounced (the domain is malformed)") == 2);
}

TEST_CASE("permanent replies bounce with the words of the remote host, null MX at once") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  world.on_attempt = [&](const Attempt& attempt) { world.answer_attempt(attempt, Fate::failed); };
  (void)world.submit("jim@minfo.sn", {"a@one.org"});
  world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 1; });
  CHECK(world.last_content.find("Diagnostic-Code: smtp; 550 5.1.1 No such user") != std::string::npos);
  CHECK(world.last_content.find("Remote-MTA: dns; mx.one.org") != std::string::npos);

  world.on_resolve = [](const Resolve&) {
    Resolved answer;
    answer.outcome = DnsOutcome::found;
    answer.hosts = {{"", 0, {}, false}};
    return answer;
  };
  (void)world.submit("jim@minfo.sn", {"a@null.org"});
  world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 2; });
  CHECK(world.log.count("dsn=5.1.10, status=bounced") == 1);
}

TEST_CASE("a dead site is tried a few times for a hundred messages, and one success releases all") {
  const SpoolFolder folder;
  auto options = quick_options();
  options.times = {Seconds{1}, Seconds{3600}, Seconds{86400}};
  options.times.minimal_backoff_time = Seconds{2};
  World world(folder, options);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  bool down = true;
  world.on_attempt = [&](const Attempt& attempt) {
    world.answer_attempt(attempt, down ? Fate::deferred : Fate::delivered, down);
  };
  for (int i = 0; i < 100; ++i) (void)world.submit("jim@minfo.sn", {"a@one.org"});
  world.until([&] { return world.core.in_core() == 0; });
  CHECK(world.attempts.size() < 30);
  CHECK(world.log.count("status=deferred (delivery temporarily suspended: connect to mx.one.org") > 70);
  down = false;
  world.until([&] { return world.sent.size() == 100; });
}

TEST_CASE("a message that is too old is returned after one more try") {
  const SpoolFolder folder;
  auto options = quick_options();
  options.times.maximal_queue_lifetime = Seconds{2};
  World world(folder, options);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  world.on_attempt = [&](const Attempt& attempt) { world.answer_attempt(attempt, Fate::deferred); };
  (void)world.submit("jim@minfo.sn", {"a@one.org"});
  world.until([&] { return world.mailboxes["jim@minfo.sn"].size() == 1; });
  CHECK(world.log.count("dsn=5.4.7, status=bounced (delivery time expired: connect to mx.one.org") == 1);
  CHECK(world.log.count("status=deferred") >= 1);
}

TEST_CASE("when the sending process dies its attempts are repeated by the next one") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  world.on_attempt = [&](const Attempt&) {
    world.on_attempt = nullptr;
    world.remote_end->close("killed");
  };
  (void)world.submit("jim@minfo.sn", {"a@one.org"});
  world.until([&] { return !world.remote_end->is_open(); });
  (void)world.submit("jim@minfo.sn", {"b@three.org"});
  world.turn_for(Milliseconds{50});
  world.connect_remote();
  world.until([&] { return world.sent.size() == 2; });
}

TEST_CASE("a sending process that answers for what it was not given is cut off") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.connect_remote();
  world.remote_end->send(Attempted{77, {}, false, 0, 0});
  world.until([&] {
    world.remote_end->send(Attempted{78, {}, false, 0, 0});
    return world.log.count("X") == 0;
  });
  world.turn_for(Milliseconds{50});
  world.connect_remote();
  (void)world.submit("jim@minfo.sn", {"a@one.org"});
  world.until([&] { return world.sent.size() == 1; });
}
