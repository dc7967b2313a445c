// Fuzz target: dates. What is read can be written and read again.
#include <cstring>

#include "common/mime/date.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace facteur;
  const auto text = fuzz::text_of(data, size);
  for (const auto& date : {mime::parse_date(text), mime::parse_asctime(text), mime::parse_imap_date_time(text)}) {
    if (!date) continue;
    check(mime::parse_date(mime::format_date(*date)) == date, "a date that does not lead back");
    check(mime::parse_imap_date_time(mime::format_imap_date_time(*date)) == date,
          "an IMAP date that does not lead back");
  }
  (void)mime::parse_imap_date(text);
  mime::Date any;
  if (size < sizeof any.seconds + sizeof any.zone_minutes) return 0;
  std::memcpy(&any.seconds, data, sizeof any.seconds);
  std::memcpy(&any.zone_minutes, data + sizeof any.seconds, sizeof any.zone_minutes);
  check(mime::parse_date(mime::format_date(any)).has_value(), "a date that cannot be read");
  check(mime::format_asctime(any.seconds).size() == 24, "a date of another size");
  return 0;
}
