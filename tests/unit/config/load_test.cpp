#include "config/load.h"

#include <algorithm>

#include "catch.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "config/describe.h"
#include "config/listener.h"
#include "config/seal.h"
#include "config/value.h"

using namespace facteur;
using namespace facteur::config;

namespace {

std::string error_of(std::string_view yaml) {
  const auto loaded = load_text(yaml, "f.yaml");
  return loaded ? "" : loaded.error().text;
}

Settings settings_of(std::string_view yaml) {
  const auto loaded = load_text(yaml, "f.yaml");
  if (!loaded) FAIL(loaded.error().text);
  return loaded->settings;
}

}  // namespace

TEST_CASE("What is shipped waits as long, and takes as much, as the RFCs demand") {
  const Settings shipped;
  CHECK(shipped.imap_idle_timeout >= std::chrono::minutes{30});  // RFC 3501 section 5.4
  CHECK(shipped.pop3_idle_timeout >= std::chrono::minutes{10});  // RFC 1939 section 3
  CHECK(shipped.smtpd_timeout >= std::chrono::minutes{5});       // RFC 5321 section 4.5.3.2.7
  CHECK(shipped.smtpd_recipient_limit >= 100);                   // RFC 5321 section 4.5.3.1.8
  CHECK(shipped.message_size_limit >= 65536);                    // RFC 5321 section 4.5.3.1.7
}

TEST_CASE("The settings of the design's example are read") {
  const auto s = settings_of(R"(hostname: mail.minfo.sn
domains: [minfo.sn, Example.TEST]
mynetworks: [127.0.0.0/8, 192.168.10.0/24, "[2001:db8::]/32", 10.0.0.1]
mail_location: mbox:/var/mail/%u
users: /etc/facteur/users.yaml
aliases: [/etc/aliases]
tls: {certificate: /etc/ssl/certs/mail.pem, key: /etc/ssl/private/mail.key}
ports: {smtp: 2525, pop3: 0}
dns.servers: ["10.9.0.53:53", "::1"]
relayhost: "[smtp.example.net]:587"
message_size_limit: 10M
minimal_backoff_time: 5m
smtpd_forbid_bare_newline: reject
strict_sync: no
)");
  CHECK(s.hostname == "mail.minfo.sn");
  CHECK(s.domains == std::vector<std::string>{"minfo.sn", "example.test"});
  REQUIRE(s.mynetworks.size() == 4);
  CHECK(s.mynetworks[1].contains(*net::Ip::parse("192.168.10.7")));
  CHECK_FALSE(s.mynetworks[1].contains(*net::Ip::parse("192.168.11.7")));
  CHECK(s.tls_key == "/etc/ssl/private/mail.key");
  CHECK(s.ports_smtp == 2525);
  CHECK(s.ports_pop3 == 0);
  CHECK(s.ports_imap == 143);
  REQUIRE(s.dns_servers.size() == 2);
  CHECK(s.dns_servers[1].port == 53);
  CHECK(s.message_size_limit == 10U << 20);
  CHECK(s.minimal_backoff_time == Seconds{300});
  CHECK(s.smtpd_forbid_bare_newline == BareNewline::reject);
  CHECK_FALSE(s.strict_sync);
}

TEST_CASE("Postfix's names of our settings are understood") {
  const auto s = settings_of("myhostname: a.example\nmydestination: [b.example]\nmail_spool_directory: /var/mail\n");
  CHECK(s.hostname == "a.example");
  CHECK(s.domains == std::vector<std::string>{"b.example"});
  CHECK(s.mail_location == "mbox:/var/mail/%u");
  CHECK(settings_of("home_mailbox: Maildir/").mail_location == "maildir:~/Maildir/");
  CHECK(settings_of("ssl_cert: </etc/c.pem").tls_certificate == "/etc/c.pem");
  CHECK(error_of("hostname: a.example\nmyhostname: b.example") ==
        "f.yaml:2:1: duplicate key 'myhostname': hostname was set on line 1");
}

TEST_CASE("What is wrong is told with its place, the bad word and the nearest name") {
  CHECK(error_of("domains: [a.b]\nmesage_size_limit: 5") ==
        "f.yaml:2:1: unknown setting 'mesage_size_limit'; did you mean 'message_size_limit'?");
  CHECK(error_of("xyzzyplugh: 5") == "f.yaml:1:1: unknown setting 'xyzzyplugh'");
  CHECK(error_of("ports:\n  stmp: 25") == "f.yaml:2:3: unknown setting 'ports.stmp'; did you mean 'ports.smtp'?");
  CHECK(error_of("ports: 25") == "f.yaml:1:8: ports is a map of settings, not '25'");
  CHECK(error_of("strict_sync: maybe") == "f.yaml:1:14: strict_sync: 'maybe' is not yes or no");
  CHECK(error_of("strict_sync: [yes]") == "f.yaml:1:14: strict_sync: a list is not yes or no");
  CHECK(error_of("strict_sync:") == "f.yaml:1:1: strict_sync: nothing is not yes or no");
  CHECK(error_of("a: 1\na: 2\n") == "f.yaml:2:1: duplicate key 'a' (first on line 1)");
  CHECK(error_of("domains: minfo.sn") == "f.yaml:1:10: domains: 'minfo.sn' is not a list, [domain, domain]");
  CHECK(error_of("mynetworks:\n- 10.0.0.1/8") ==
        "f.yaml:2:3: mynetworks: '10.0.0.1/8' is not an address or a network (address/bits, no bits set behind)");
  CHECK(error_of("- a") == "f.yaml:1:1: settings are a map, 'name: value', not a list");
  CHECK(error_of("smtp_tls_security_level: always") ==
        "f.yaml:1:26: smtp_tls_security_level: 'always' is not none, may or encrypt");
  CHECK(error_of("listeners: [{adress: '::', port: 25}]") ==
        "f.yaml:1:14: unknown setting 'adress'; did you mean 'address'?");
  CHECK(error_of("listeners:\n- {address: '::', prot: 25}") ==
        "f.yaml:2:19: unknown setting 'prot'; did you mean 'port'?");
  CHECK(error_of("listeners: [{address: '::', port: 25, rol: smtp}]").ends_with("did you mean 'role'?"));
  CHECK(error_of("listeners: [{address: '::', port: 25, smtpd_baner: x}]").ends_with("did you mean 'smtpd_banner'?"));
  CHECK(error_of("adress: '::'") == "f.yaml:1:1: unknown setting 'adress'");  // only a listener has one
  CHECK(error_of("smtp_bind_address: '2001:db8::1'") ==
        "f.yaml:1:20: smtp_bind_address: '2001:db8::1' is not an IPv4 address");
  CHECK(error_of("smtp_bind_address6: 192.0.2.1") ==
        "f.yaml:1:21: smtp_bind_address6: '192.0.2.1' is not an IPv6 address");
  // All problems at once.
  CHECK(error_of("nonsense1: 1\nhopcount_limit: 0\n").find('\n') != std::string::npos);
}

TEST_CASE("Limits hold at both ends") {
  CHECK(settings_of("hopcount_limit: 1").hopcount_limit == 1);
  CHECK(settings_of("hopcount_limit: 1000").hopcount_limit == 1000);
  for (const char* bad : {"0", "1001", "-1", "1.5", "0x10", "99999999999999999999", "1k", "''", "5 "}) {
    CAPTURE(bad);
    const bool refused = !error_of(std::string("hopcount_limit: ") + bad).empty();
    CHECK(refused == (std::string_view(bad) != "5 "));
  }
  for (const char* bad : {"0s", "2h", "5x", "-5m", "99999999999w", "m"}) {
    CAPTURE(bad);
    CHECK(error_of(std::string("smtp_helo_timeout: ") + bad).starts_with("f.yaml:1:20: smtp_helo_timeout: "));
  }
  CHECK_FALSE(error_of("ports.smtp: 65536").empty());
  CHECK_FALSE(error_of("message_size_limit: 18446744073709551615G").empty());
}

TEST_CASE("Texts are checked for what they name") {
  const char* bad[] = {"hostname: 10.0.0.1",
                       "hostname: a..b",
                       "hostname: 'a b'",
                       "hostname: -a.b",
                       "users: users.yaml",
                       "users: /etc/../users",
                       "mail_location: Maildir",
                       "mail_location: maildir:x",
                       "mail_location: mbox:/var/mail/%x",
                       "mail_location: 'maildir:~/Maildir:INDEX=/x/%u'",
                       "mail_location: 'maildir:/srv/%h/Maildir'",
                       "index_location: index/%u",
                       "index_location: /var/index",
                       "index_location: /var/index/%d",
                       "index_location: /var/index/100%%",
                       "index_location: /%u",
                       "index_location: /var/%x/%u",
                       "index_location: /var/../%u",
                       "relayhost: 'a:b:c'",
                       "relayhost: '[h]:0'",
                       "relayhost: '[h]:70000'",
                       "log: somewhere",
                       "inet_interfaces: [eth0]",
                       "recipient_delimiter: x",
                       "facteur_user: 'a b'",
                       "auth_mechanisms: [plain]",
                       "mbox_write_locks: fcntl fcntl",
                       "mbox_write_locks: flock",
                       "dns.servers: [ns.example]",
                       "listeners: [{port: 25}]",
                       "smtpd_banner: \"a\\nb\"",
                       "virtual_alias_maps: {a: []}",
                       "virtual_alias_maps: /etc/x"};
  for (const char* text : bad) {
    CAPTURE(text);
    CHECK_FALSE(error_of(text).empty());
  }
  const char* good[] = {"relayhost: ''",
                        "relayhost: [h]:25",
                        "relayhost:   [2001:db8::1]:26  # the provider",
                        "relayhost: [h]",
                        "relayhost: example.net",
                        "relayhost: '[2001:db8::1]:26'",
                        "log: /var/log/x",
                        "index_location: ''",
                        "index_location: ~/.cache/index",
                        "index_location: /var/index/%d/%n",
                        "index_location: /var/index/%u",
                        "users: ''",
                        "facteur_user: 61001",
                        "recipient_delimiter: '+-'",
                        "listeners: []",
                        "{}",
                        "",
                        "# nothing",
                        "virtual_alias_maps: {a@b.c: jim, \"@d\": [x, y]}"};
  for (const char* text : good) {
    CAPTURE(text);
    CHECK(error_of(text) == "");
  }
}

TEST_CASE("A host in brackets needs no quotes, as in Postfix") {
  const std::pair<const char*, const char*> cases[] = {{"[h.example]:587", "[h.example]:587"},
                                                       {"[h.example]", "[h.example]"},
                                                       {"[::1]:25", "[::1]:25"},
                                                       {"'[h.example]:587'", "[h.example]:587"},
                                                       {"[h.example]:587 # why", "[h.example]:587"}};
  for (const auto& [written, meant] : cases) {
    CAPTURE(written);
    const auto loaded = load_text(std::string("hostname: a.example\nrelayhost: ") + written + "\r\n", "x");
    REQUIRE(loaded);
    CHECK(loaded->settings.relayhost == meant);
    Settings s;
    REQUIRE(apply_override(s, *Override::parse(std::string("relayhost=") + written)));
    CHECK(s.relayhost == meant);
  }
  for (const auto* written : {"[a, b]", "[[a]]", "[]", "[h]:25 x", "[h]:", "[h]:25]", "{h: 25}"}) {
    CAPTURE(written);
    CHECK_FALSE(load_text(std::string("relayhost: ") + written, "x"));
  }
}

TEST_CASE("Each bad item of a list is named") {
  const auto loaded = load_text("mynetworks: [10.0.0.0/8, 10.0.0.0/99, x]", "f");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().text.find("f:1:26: mynetworks") != std::string::npos);
  CHECK(loaded.error().text.find("f:1:39: mynetworks") != std::string::npos);
}

TEST_CASE("Overrides are dotted names with YAML values, and replace") {
  Settings s;
  REQUIRE(apply_override(s, *Override::parse("domains=[a.example, b.example]")));
  REQUIRE(apply_override(s, *Override::parse("ports.smtp=2525")));
  REQUIRE(apply_override(s, *Override::parse("domains=[c.example]")));
  REQUIRE(apply_override(s, *Override::parse("relayhost=")));
  CHECK(s.domains == std::vector<std::string>{"c.example"});
  CHECK(s.ports_smtp == 2525);
  CHECK_FALSE(Override::parse("nothing"));
  CHECK_FALSE(Override::parse("=x"));
  const auto bad = apply_override(s, *Override::parse("prots.smtp=1"));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().text == "--set prots.smtp: unknown setting 'prots.smtp'; did you mean 'ports.smtp'?");
}

TEST_CASE("Every setting survives the way through YAML text and a sealed file") {
  const auto s = settings_of(R"(hostname: h.example
listeners: [{address: 127.0.0.1, port: 2526, role: submission, tls: none, message_size_limit: 5k, mynetworks: [10.0.0.0/8]}]
virtual_alias_maps: {"info@a.b": [jim, "joe \"x\" y"]}
mynetworks: [192.168.10.0/24, "2001:db8::/32"]
dns.servers: ["[::1]:5300"]
smtpd_banner: "a 'b' \"c\": \\d # e"
)");
  const auto sealed = to_sealed(s);
  REQUIRE(sealed);
  const auto back = from_sealed(sealed->get());
  if (!back) FAIL(back.error().text);
  CHECK(*back == s);
  CHECK(*from_octets(to_octets(Settings{})) == Settings{});
  auto octets = to_octets(s);
  CHECK_FALSE(from_octets(octets + "x"));
  octets.pop_back();
  CHECK_FALSE(from_octets(octets));

  const auto on = settings_on(s, s.listeners.front());
  REQUIRE(on);
  CHECK(on->message_size_limit == 5120);
  CHECK(on->mynetworks.size() == 1);
  CHECK(s.message_size_limit == 10240000);
}

TEST_CASE("A listener takes those settings that can differ on it, and says why it takes no other") {
  const auto refusal = [](const std::string& entry) {
    return error_of("hostname: h.example\nlisteners:\n- {address: 127.0.0.1, port: 26, " + entry + "}");
  };
  CHECK(refusal("role: imap, domains: [a.b]") ==
        "f.yaml:3:46: listeners: domains cannot differ from listener to listener");
  CHECK(refusal("smtpd_banner: x, role: pop3") ==
        "f.yaml:3:34: listeners: smtpd_banner means nothing on a listener of pop3, only on one of smtp, submission");
  CHECK(refusal("role: submission, login_timeout: 5s") ==
        "f.yaml:3:52: listeners: login_timeout means nothing on a listener of submission, only on one of pop3, imap");
  for (const auto* same :
       {"recipient_delimiter: +", "relayhost: x.y", "users: /u", "queue_directory: /q", "ports.smtp: 1",
        "pop3_uidl_format: '%u'", "tls.certificate: /c", "myhostname: x, mydestination: [x]"}) {
    CHECK(refusal(same).contains(" cannot differ from listener to listener"));
  }
  const auto s = settings_of(
      "listeners:\n- {allow_plaintext_from: [], login_timeout: 5s, address: 127.0.0.1, port: 26, role: imap}\n"
      "allow_plaintext_from: [10.0.0.0/8]");
  CHECK(settings_at(s, Role::imap, "127.0.0.1:26")->allow_plaintext_from.empty());
  CHECK(settings_at(s, Role::imap, "127.0.0.1:26")->login_timeout == Seconds{5});
  CHECK(settings_at(s, Role::imap, "127.0.0.1:27")->allow_plaintext_from.size() == 1);
}

TEST_CASE("Listeners come from ports, interfaces and the list; without a certificate none speaks TLS") {
  auto s = settings_of(
      "inet_interfaces: [loopback-only]\nports: {pop3: 0, pop3s: 0, imap: 0, imaps: 0}\n"
      "listeners: [{address: '::1', port: 26}]\ntls.certificate: /x.pem\n");
  const auto with = all_listeners(s);
  REQUIRE(with.size() == 2 * 3 + 1);
  CHECK(with.back().endpoint.to_string() == "[::1]:26");
  CHECK(std::ranges::count(with, TlsMode::implicit, &Listener::tls) == 2);
  s.tls_certificate.clear();
  s.inet_protocols = IpVersions::ipv4;
  const auto without = all_listeners(s);
  CHECK(without.size() == 2 + 1);
  CHECK(std::ranges::count(without, TlsMode::none, &Listener::tls) == 3);
}

TEST_CASE("YAML that could unfold or hide is refused") {
  CHECK(error_of("a: &x 1\nb: *x").find("anchors are not supported") != std::string::npos);
  CHECK(error_of("hostname: !!python/object x").find("tags are not supported") != std::string::npos);
  CHECK(error_of("hostname: a.b\n---\nhostname: c.d").find("more than one document") != std::string::npos);
  CHECK(error_of(std::string_view("hostname: a\0b", 13)).find("NUL") != std::string::npos);
  CHECK(error_of("hostname: {[a]: b}").find("a key must be a word") != std::string::npos);
  CHECK_FALSE(error_of("hostname: [").empty());
  CHECK_FALSE(error_of("hostname: \"abc").empty());
  CHECK_FALSE(error_of("\thostname: a").empty());
  for (const char open : {'[', '{'}) CHECK_FALSE(error_of("domains: " + std::string(100'000, open)).empty());
}

TEST_CASE("The sample says every setting, and its settings uncommented are the defaults") {
  const auto shipped = fs::read_file("config/facteur.yaml");
  REQUIRE(shipped);
  CHECK(*shipped == sample());
  std::string uncommented;
  for (const auto line : split(*shipped, '\n')) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') uncommented += std::string(line.substr(1)) + "\n";
  }
  CHECK(sample().contains("\n# hostname: what the system has\n"));  // no file can say it
  CHECK(settings_of(uncommented) == Settings{});
}

TEST_CASE("A name that is far from all is taken for none of them; a part of a name leads to those that have it") {
  CHECK(nearest_name("foo").empty());
  CHECK(nearest_name("lgo") == "log");
  CHECK(nearest_name("hostnmae") == "hostname");
  const auto told = [](std::string_view name) {
    const auto described = describe(name);
    return described ? std::string() : described.error().text;
  };
  CHECK(told("mesage") ==
        "unknown setting 'mesage'; there are message_size_limit, qmgr_message_active_limit, "
        "qmgr_message_recipient_limit");
  CHECK(told("tls").contains("; there are "));
  CHECK(told("tls").ends_with(", smtpd_tls_security_level, tls.certificate, tls.key"));
  CHECK(told("xyzzy") == "unknown setting 'xyzzy'");
  CHECK(describe("hostname")->contains("Default: what the system has\n"));
}

TEST_CASE("A pattern of unique ids has the UID and fits into 70 octets") {
  for (const auto* good : {"%u", "%08Xv%08Xu", "%08Xu%08Xv", "UID%u-%v", "%v.%u"}) {
    CHECK(settings_of("pop3_uidl_format: '" + std::string(good) + "'").pop3_uidl_format == good);
  }
  for (const auto* bad : {"", "%v", "%", "%x%u", "%u %v", "%11u", "%99999999999u", "%u%u%u%u%u%u%u%u", "\xc3\xa9%u"}) {
    INFO(bad);
    CHECK_FALSE(error_of("pop3_uidl_format: '" + std::string(bad) + "'").empty());
  }
}

TEST_CASE("Every row of the table is whole") {
  for (const auto& section : sections()) {
    for (const auto& setting : section.settings) {
      CAPTURE(setting.name);
      CHECK(find_setting(setting.name) == &setting);
      CHECK(setting.doc.ends_with("."));
      CHECK(setting.most >= setting.least);
      const auto text = describe(setting.name);
      REQUIRE(text);
      CHECK(text->find("Default: ") != std::string::npos);
    }
  }
  for (const auto& synonym : synonyms()) CHECK(find_setting(synonym.ours));
  CHECK_FALSE(describe("hostnam"));
}

TEST_CASE("show() is YAML that gives the same settings") {
  const auto loaded = load_text("hostname: a.b\nlog: stderr\nports.smtp: 26", "f.yaml");
  REQUIRE(loaded);
  CHECK(show(*loaded, Which::written) ==
        "hostname: a.b  # f.yaml:1:1\nports.smtp: 26  # f.yaml:3:1\nlog: stderr  # f.yaml:2:1\n");
  CHECK(settings_of(show(*loaded, Which::all)) == loaded->settings);
}
