#include "common/base/imap_string.h"

#include "catch.h"

using namespace facteur;

TEST_CASE("Strings that cannot be quoted go as literals") {
  std::string out;
  append_imap_string(out, "a\r\nb");
  append_imap_string(out, "\xe9");
  append_imap_string(out, "c\"d");
  CHECK(out == "{4}\r\na\r\nb{1}\r\n\xe9\"c\\\"d\"");
  out.clear();
  append_imap_string(out, "\"\\");
  append_imap_string(out, "");
  append_imap_string(out, "e\\\\f");
  CHECK(out == "\"\\\"\\\\\"\"\"\"e\\\\\\\\f\"");
}
