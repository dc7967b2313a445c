#include "delivery/local/letter.h"

#include <cerrno>

#include "catch.h"

using namespace facteur;
using namespace facteur::local;

TEST_CASE("three fields go on top, and hostile addresses end none of them") {
  const queue::LocalRecipient recipient{1, "jim@x.org", "jim@x.org", "Jim+list@x.org"};
  CHECK(top_fields("s@y.org", recipient, "Subject: x\r\n") ==
        "Return-Path: <s@y.org>\r\nX-Original-To: Jim+list@x.org\r\nDelivered-To: jim@x.org\r\n");
  const queue::LocalRecipient odd{1, "jim@x.org", "jim@x.org", "a\r\nX-Evil: 1"};
  const auto fields = top_fields("s\r\nX-Evil: 2", odd, "Subject: x\r\n");
  CHECK(fields.find("\nX-Evil") == std::string::npos);
}

TEST_CASE("a message that begins with no header keeps its first line apart from ours") {
  const queue::LocalRecipient recipient{1, "jim@x.org", "jim@x.org", ""};
  const auto ends_with_empty_line = [&](std::string_view message) {
    return top_fields("", recipient, message).ends_with("\r\n\r\n");
  };
  CHECK(ends_with_empty_line("just text\r\n"));
  CHECK(ends_with_empty_line(" folded into ours\r\n"));
  CHECK_FALSE(ends_with_empty_line("From: x\r\n"));
  CHECK_FALSE(ends_with_empty_line("\r\nbody"));
  CHECK(top_fields("", recipient, "From: x\r\n").starts_with("Return-Path: <>\r\nX-Original-To: jim@x.org\r\n"));
}

TEST_CASE("REL-08: a message that was here before goes no further") {
  const queue::LocalRecipient recipient{7, "jim", "jim@x.org", ""};
  CHECK(loops(recipient, "Received: x\r\ndelivered-to: jim@X.ORG\r\n\r\n"));
  CHECK(loops(recipient, "Delivered-To:\r\n jim@x.org\r\n\r\n"));
  CHECK_FALSE(loops(recipient, "Delivered-To: jon@x.org\r\n\r\nDelivered-To: jim@x.org\r\n"));
  const auto result = loop_found(recipient);
  CHECK(result.number == 7);
  CHECK(result.fate == queue::Fate::failed);
  CHECK(result.status == "5.4.6");
}

TEST_CASE("errors of mailboxes defer, and say which") {
  const auto status = [](int errno_value) {
    const auto result = not_delivered(1, {Kind::permanent, "write: x\n", errno_value});
    CHECK(result.fate == queue::Fate::deferred);
    CHECK(result.text == "write: x\\n");
    return result.status;
  };
  CHECK(status(EDQUOT) == "4.2.2");
  CHECK(status(ENOSPC) == "4.3.1");
  CHECK(status(EACCES) == "4.2.0");
}
