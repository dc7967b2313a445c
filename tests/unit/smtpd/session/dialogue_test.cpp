// Every smtp-*.txt dialogue against the engine: whole, octet by octet, and cut at every octet.
#include <catch.h>

#include "tests/dialogue/smtp/smtp_peer.h"

using namespace facteur;

TEST_CASE("the SMTP dialogues hold, however they are cut") {
  auto variables = dialogue::account("alice", "secret", "our.test");
  variables["host"] = "mx.our.test";
  const auto files = dialogue::files("tests/dialogue", "smtp-");
  REQUIRE(files.size() > 5);
  for (const auto& file : files) {
    const auto text = dialogue::read(file, variables);
    const auto wrong =
        dialogue::run_all_cuts(text, [&] { return std::make_unique<smtpd::testing::SmtpPeer>(text.given); }, 400);
    INFO(wrong.value_or(""));
    CHECK(!wrong);
  }
}
