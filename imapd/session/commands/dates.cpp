#include "imapd/session/commands/dates.h"

#include "common/base/strings.h"
#include "common/mime/date.h"

namespace facteur::imapd {

std::int64_t take_date(Parser& parser) {
  const auto in_date = [](char c) { return is_alnum(c) || c == '-'; };
  const auto day = mime::parse_imap_date(parser.peek() == '"' ? parser.string() : parser.run(in_date, "date"));
  if (!day) parser.fail("Bad date");
  return day.value_or(0);
}

std::int64_t take_date_time(Parser& parser) {
  const auto date = mime::parse_imap_date_time(parser.string());
  if (!date) parser.fail("Bad date-time");
  return date.value_or(mime::Date{}).seconds;
}

}  // namespace facteur::imapd
