// TLS-25: other protocols on our ports.
#include "common/login/foreign.h"

#include <string>

#include "catch.h"

using facteur::login::is_foreign_line;
using facteur::login::is_foreign_start;

TEST_CASE("TLS-25: what begins like TLS, RDP or noise is foreign") {
  CHECK(is_foreign_start("\x16\x03\x01"));
  CHECK(is_foreign_start(std::string("\x03\0", 2)));
  CHECK(is_foreign_start("\xff"));
  CHECK(is_foreign_start(std::string(1, '\0')));
  CHECK_FALSE(is_foreign_start(""));
  CHECK_FALSE(is_foreign_start("\r\n"));
  CHECK_FALSE(is_foreign_start("a1 LOGIN"));
}

TEST_CASE("TLS-25: request lines of other protocols are foreign") {
  for (const auto* line : {"GET / HTTP/1.1", "POST /x HTTP/1.0", "OPTIONS sip:nm SIP/2.0", "SSH-2.0-Go", "EHLO x",
                           "PRI * HTTP/2.0", "GET /"}) {
    INFO(line);
    CHECK(is_foreign_line(line));
  }
}

TEST_CASE("Lines of mail clients are not foreign") {
  for (const auto* line : {"USER jim", "CAPA", "a1 CAPABILITY", "GET NOOP", "delete LOGIN a b", "", " ", "NOTIFY"}) {
    INFO(line);
    CHECK_FALSE(is_foreign_line(line));
  }
}
