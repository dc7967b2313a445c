#include "common/mime/date.h"

#include <limits>

#include "catch.h"

using namespace facteur;
using mime::Date;

TEST_CASE("dates of RFC 5322 and their obsolete forms") {
  struct {
    const char* text;
    std::int64_t seconds;
    int zone;
  } const rows[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
      {"Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120},
      {"21 Nov 97 09:55:06 GMT", 880106106, 0},
      {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
       -27723480, -210},
      {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360},
      {"1 Jan 1970 00:00 +0000", 0, 0},
      {" 1 Jan 70 00:00:00 EST", 18000, -300},
      {"1 jan 49 0:0:0 pdt", 2493072000 + 25200, -420},
      {"1 Jan 103 00:00:00 Z", 1041379200, 0},
      {"31 Dec 1998 23:59:60 +0000", 915148799, 0},
      {"29 Feb 2024 12:00:00 +1400", 1709157600, 840},
      {"Mon,22 Nov 2026 13:05:09 +99999", 1795352709, 0},
      {"22 Nov 2026 13:05:09", 1795352709, 0},
      {"22 Nov 2026 13:05:09 +0000 and more", 1795352709, 0},
      {"1 Jan 1900 00:00:00 +0000", -2208988800, 0},
      {"31 Dec 9999 23:59:59 +0000", 253402300799, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(mime::parse_date(row.text) == Date{row.seconds, row.zone});
  }
}

TEST_CASE("MIM-12: what is no date") {
  for (const auto& bad : {std::string(""),
                          std::string("Mon"),
                          std::string("Mon, 22 Nov 2026"),
                          std::string("22 Nov 0 10:00:00 +0000"),
                          std::string("22 Nov 0000 10:00:00 +0000"),
                          std::string("22 Nov 1899 10:00:00"),
                          std::string("22 Nov 10000 10:00:00"),
                          std::string("22 Nov 1000000000000000000 10:00:00"),
                          std::string("22 99 2026 10:00:00"),
                          std::string("0 Nov 2026 10:00:00"),
                          std::string("31 Nov 2026 10:00:00"),
                          std::string("29 Feb 2023 10:00:00"),
                          std::string("22 Nov 2026 24:00:00"),
                          std::string("22 Nov 2026 10:60:00"),
                          std::string("22 Nov 2026 10:00:61"),
                          std::string("22 Nov 2026 10"),
                          std::string("22 Nov 2026 10:00:00:00"),
                          std::string("22 Nov 2026 -1:00"),
                          std::string("022 Nov 2026 10:00"),
                          std::string(1 << 20, 'x'),
                          std::string(1 << 20, '('),
                          std::string(1 << 20, ':'),
                          std::string(1 << 20, ','),
                          std::string("22 Nov 2026 99999999999999999999:00")}) {
    CAPTURE(bad.substr(0, 50));
    CHECK_FALSE(mime::parse_date(bad));
  }
}

TEST_CASE("dates of IMAP") {
  CHECK(mime::parse_imap_date_time("17-Jul-1996 02:44:25 -0700") == Date{837596665, -420});
  CHECK(mime::parse_imap_date_time(" 7-Jul-1996 02:44:25 -0700") == Date{836732665, -420});
  CHECK(mime::parse_imap_date_time("07-jul-1996 02:44:25 +0000") == Date{836707465, 0});
  for (const auto* bad : {"", "7-Jul-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -070", "17-Jul-1996 02:44:25  0700",
                          "17-Jul-1996 02:44:25 GMT  ", "17-Jul-0096 02:44:25 -0700", "31-Jun-1996 02:44:25 -0700",
                          "17-Jul-1996 25:44:25 -0700", "17-Jul-1996 02:44:25 -9900", "17/Jul/1996 02:44:25 -0700",
                          " 17-Jul-1996 02:44:25 -070", "17-Jul-1996 2:44:025 -0700", "-1-Jul-1996 02:44:25 -0700"}) {
    CAPTURE(bad);
    CHECK_FALSE(mime::parse_imap_date_time(bad));
  }
  CHECK(mime::parse_imap_date("1-Jan-1970") == 0);
  CHECK(mime::parse_imap_date("1-Feb-1994") == 8797);
  for (const auto* bad :
       {"", "1-Feb-94", "32-Jan-1994", "1-Feb", "1-2-1994", "1-Feb-1994-", " 1-Feb-1994", "\"1-Feb-1994\""}) {
    CAPTURE(bad);
    CHECK_FALSE(mime::parse_imap_date(bad));
  }
}

TEST_CASE("the day is that of the date's own zone") {
  CHECK(mime::parse_date("1 Feb 1994 00:30:00 +0200")->day() == 8797);
  CHECK(mime::parse_date("1 Feb 1994 23:30:00 -0200")->day() == 8797);
  CHECK(Date{-1, 0}.day() == -1);
  CHECK(Date{0, -1}.day() == -1);
  CHECK(Date{86400, 0}.day() == 1);
}

TEST_CASE("dates of mbox lines") {
  const Date expected{1795352709, 0};
  CHECK(mime::parse_asctime("Sun Nov 22 13:05:09 2026") == expected);
  CHECK(mime::parse_asctime("Sun Nov 22 13:05:09 2026 +0000") == expected);
  CHECK(mime::parse_asctime("Sun Nov 22 13:05:09 UTC 2026") == expected);
  CHECK(mime::parse_asctime("Sun Nov 22 14:05:09 +0100 2026") == Date{1795352709, 60});
  CHECK(mime::parse_asctime("Sun Nov 22 13:05 2026")->seconds == 1795352700);
  for (const auto* bad : {"", "Sun", "Sun Nov 22 13:05:09", "Sun Nov 31 13:05:09 2026", "Sun Nov 22 13:05:09 +0100"}) {
    CHECK_FALSE(mime::parse_asctime(bad));
  }
}

TEST_CASE("dates are written as they are read, and never overflow") {
  for (const Date date :
       {Date{880127706, -360}, Date{0, 0}, Date{-27723480, -210}, Date{1795352709, 840}, Date{253402200000, 0}}) {
    CHECK(mime::parse_date(mime::format_date(date)) == date);
    CHECK(mime::parse_imap_date_time(mime::format_imap_date_time(date)) == date);
    CHECK(mime::parse_asctime(mime::format_asctime(date.seconds))->seconds == date.seconds);
  }
  CHECK(mime::format_date({1795352709, 0}) == "Sun, 22 Nov 2026 13:05:09 +0000");
  CHECK(mime::format_date({880127706, -360}) == "Fri, 21 Nov 1997 09:55:06 -0600");
  CHECK(mime::format_imap_date_time({836732665, -420}) == " 7-Jul-1996 02:44:25 -0700");
  CHECK(mime::format_asctime(1795352709) == "Sun Nov 22 13:05:09 2026");
  for (const auto seconds : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (const auto zone : {std::numeric_limits<std::int32_t>::min(), 0, std::numeric_limits<std::int32_t>::max()}) {
      CHECK(mime::format_imap_date_time({seconds, zone}).size() == 26);
      CHECK(mime::parse_date(mime::format_date({seconds, zone})));
    }
  }
}
