#include "smtpd/server/listener.h"

#include "catch.h"
#include "config/load.h"

using namespace facteur;
using namespace facteur::smtpd;

namespace {

std::shared_ptr<const Listener> listener_at(std::string_view yaml, const std::string& role, const std::string& where) {
  const auto loaded = config::load_text(yaml, "f.yaml");
  if (!loaded) FAIL(loaded.error().text);
  auto made = make_listener(loaded->settings, {role, where, master::Tls::none, Fd()}, nullptr);
  if (!made) FAIL(made.error().text);
  return *made;
}

constexpr std::string_view yaml = R"(hostname: mail.our.test
mynetworks: [192.168.10.0/24]
allow_plaintext_from: [192.168.10.0/24]
listeners:
- {address: 127.0.0.1, port: 26, role: smtp, mynetworks: [10.0.0.0/8], hostname: mx.our.test, smtpd_sasl_auth_enable: no}
- {address: 127.0.0.1, port: 588, role: submission, allow_plaintext_from: [], message_size_limit: 1k}
)";

}  // namespace

TEST_CASE("the settings of a listener are its own where its entry says so, and the general ones elsewhere") {
  const auto general = listener_at(yaml, "smtp", "127.0.0.1:25");
  CHECK(general->is_mine(*net::Ip::parse("192.168.10.255")));
  CHECK(general->is_mine(*net::Ip::parse("::ffff:192.168.10.9")));  // REL-05
  CHECK_FALSE(general->is_mine(*net::Ip::parse("192.168.11.1")));
  CHECK(general->limits.hostname == "mail.our.test");
  CHECK(general->limits_for(*net::Ip::parse("192.168.10.1")).plaintext_auth);

  const auto relay = listener_at(yaml, "smtp", "127.0.0.1:26");
  CHECK(relay->is_mine(*net::Ip::parse("10.1.2.3")));
  CHECK_FALSE(relay->is_mine(*net::Ip::parse("192.168.10.9")));
  CHECK(relay->limits.hostname == "mx.our.test");
  CHECK(relay->limits.sasl_mechanisms.empty());

  const auto submission = listener_at(yaml, "submission", "127.0.0.1:588");
  CHECK_FALSE(submission->limits_for(*net::Ip::parse("192.168.10.1")).plaintext_auth);
  CHECK(submission->limits.message_size_limit == 1024);
}
