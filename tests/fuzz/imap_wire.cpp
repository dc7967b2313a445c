// The parsers of IMAP's words by themselves: names have one spelling, sets are merged, patterns agree with themselves.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/imap_string.h"
#include "common/base/modified_utf7.h"
#include "common/base/result.h"
#include "common/base/strings.h"
#include "imapd/wire/format.h"
#include "imapd/wire/list_pattern.h"
#include "imapd/wire/parser.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

void names(std::string_view text) {
  const auto name = from_modified_utf7(text);
  if (name) check(is_utf8(*name) && to_modified_utf7(*name) == text, "a name has one spelling");
  if (!is_utf8(text)) return;
  std::string wire;
  append_imap_string(wire, to_modified_utf7(text));
  Parser parser(wire);
  const auto back = parser.string();
  check(parser && back == to_modified_utf7(text), "what is written can be read");
}

void sets(std::string_view text) {
  const auto set = SequenceSet::parse(text);
  if (!set) return;
  const auto ranges = set->resolve(7);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    check(ranges[i].first > 0 && ranges[i].first <= ranges[i].last, "a range ascends");
    check(i == 0 || ranges[i - 1].last + 1 < ranges[i].first, "ranges are apart");
  }
}

void patterns(std::string_view text) {
  const auto pattern = ListPattern::compile(text, '/');
  if (!pattern) return;
  const bool plain = text.find_first_of("*%") == std::string_view::npos;
  check(!plain || pattern->matches(text), "a pattern without wildcards matches itself");
  check(text.find('*') == std::string_view::npos || ListPattern::compile("*", '/')->matches(text), "* matches all");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  names(text);
  sets(text);
  patterns(text);
  Parser parser(text);
  (void)parser.astring();
  parser.space();
  (void)parser.mailbox();
  parser.end();
  return 0;
}
