// Encodings, character sets, encoded words and trace fields.
#include <chrono>

#include "catch.h"
#include "common/mime/charset.h"
#include "common/mime/encoded_word.h"
#include "common/mime/encoding.h"
#include "common/mime/header.h"
#include "common/mime/trace.h"

using namespace facteur;
using namespace std::string_literals;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("MIM-11: quoted-printable and base64") {
  CHECK(mime::decode_quoted_printable("a=3Db =C3=BC\r\nsoft=\r\n break= \t\r\nend  \r\n") ==
        "a=b \xc3\xbc\r\nsoft break"
        "end\r\n");
  CHECK(mime::decode_quoted_printable("=3d=ZZ=3=") == "==ZZ=3");
  CHECK(mime::decode_quoted_printable("=") == "");
  CHECK(mime::decode_quoted_printable("a\r") == "a\r");
  CHECK(mime::decode_quoted_printable("=3") == "=3");
  CHECK(mime::decode_quoted_printable("a\n=\nb\n") == "a\nb\n");
  CHECK(mime::decode_body("BASE64", "Zm\r\n9v!Yg==Zg") == "foob");
  CHECK(mime::decode_body("Quoted-Printable", "=41") == "A");
  CHECK(mime::decode_body("8bit", "=41") == "=41");
  CHECK(mime::decode_quoted_printable(std::string(1 << 20, ' ')).empty());
  CHECK(mime::decode_quoted_printable(std::string(1 << 20, '=')).size() == (1 << 20) - 1);
}

TEST_CASE("character sets become UTF-8") {
  CHECK(mime::to_utf8("iso-8859-1", "\xfc") == "\xc3\xbc");
  CHECK(mime::to_utf8("ISO-8859-15", "\xa4") == "\xe2\x82\xac");
  CHECK(mime::to_utf8("UTF-8", "\xc3\xbc") == "\xc3\xbc");
  CHECK(mime::to_utf8("utf-8", "a\xff") == "a\xef\xbf\xbd");
  CHECK(mime::to_utf8("us-ascii", "a\xff") == "a\xef\xbf\xbd");
  CHECK(mime::to_utf8("iso-2022-jp", "\x1b$B$\"\x1b(B") == "\xe3\x81\x82");
  CHECK(mime::to_utf8("big5", std::string("\xa4\xa4")) == "\xe4\xb8\xad");
  CHECK(mime::to_utf8("utf-16be", "\0a\xd8\x00\0b"s) ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(mime::to_utf8("utf-8", "") == "");
  for (const auto& bad : {""s, "no-such"s, "../x"s, "utf-8,version=1"s, "a b"s, "utf-8\0"s, std::string(41, 'a')}) {
    CHECK_FALSE(mime::to_utf8(bad, "x"));
    CHECK_FALSE(mime::is_known_charset(bad));
  }
  CHECK(mime::is_known_charset("KOI8-R"));
  CHECK(mime::guess_utf8("\xfc") == "\xc3\xbc");
  CHECK(mime::fold_case("STRASSE Jim") == "strasse jim");
  CHECK(mime::fold_case("Stra\xc3\x9f"
                        "e \xc3\x9c") == "strasse \xc3\xbc");
  CHECK(mime::fold_case("\xff\xc3").find('\0') == std::string::npos);
  CHECK(mime::fold_case(repeat("\xce\x90", 1000)) == repeat("\xce\xb9\xcc\x88\xcc\x81", 1000));
}

TEST_CASE("encoded words as RFC 2047 section 8 has them") {
  const auto decode = mime::decode_encoded_words;
  CHECK(decode("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?= <paf@nada.kth.se>") ==
        "Patrik F\xc3\xa4ltstr\xc3\xb6m <paf@nada.kth.se>");
  CHECK(decode("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
               "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=") ==
        "If you can read this you understand the example.");
  CHECK(decode("=?iso-8859-1?Q?a?=") == "a");
  CHECK(decode("=?iso-8859-1?Q?a?= b") == "a b");
  CHECK(decode("=?iso-8859-1?Q?a?= =?iso-8859-1?Q?b?=") == "ab");
  CHECK(decode("=?iso-8859-1?Q?a_b?=") == "a b");
  CHECK(decode("x =?utf-8*en?q?=C3?= =?UTF-8?b?vA==?= y") == "x \xc3\xbc y");
  CHECK(decode("plain \xfc") == "plain \xc3\xbc");
}

TEST_CASE("MIM-10: hostile encoded words") {
  const auto decode = mime::decode_encoded_words;
  for (const auto* same : {"=?utf-8?B?", "=?", "=?=?=?", "=?utf-8?q?a b?=", "=?x-none?q?a?=", "=?utf-8?x?a?=",
                           "=?utf-8?q?a?", "=?a?b", "=?../etc?q?a?=", "=?x-none?q?a?= b"}) {
    CHECK(decode(same) == same);
  }
  CHECK(decode("=?utf-8?B?=?=") == "");
  CHECK(decode("=?utf-8?Q?"
               "?=") == "");
  CHECK(decode("=?utf-8?q?=C3?=") == "\xef\xbf\xbd");
  CHECK(decode("=?=?utf-8?q?a?=") == "=?a");
  CHECK(decode("=?\xfcx?q?a?=") == "=?\xc3\xbcx?q?a?=");
  const auto begin = std::chrono::steady_clock::now();
  CHECK(decode(repeat("=?utf-8?q?a?= ", 100000)) == repeat("a", 100000) + " ");
  CHECK(decode(repeat("=?utf-8?q?a?=x", 2000)) == repeat("ax", 2000));
  CHECK(decode(repeat("=?", 500000)) == repeat("=?", 500000));
  CHECK(decode(repeat("=?a?q?", 200000)) == repeat("=?a?q?", 200000));
  CHECK(decode(std::string(1 << 20, '=')).size() == 1 << 20);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("trace fields") {
  mime::Reception reception;
  reception.helo = "jules.maison.mrs";
  reception.client_name = "jules.maison.mrs";
  reception.client_address = "10.9.0.1";
  reception.protocol = "ESMTPS";
  reception.tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384";
  reception.host = "mail.minfo.sn";
  reception.queue_id = "4bXyZ0123456";
  reception.recipient = "jim@minfo.sn";
  reception.time = WallTime(std::chrono::seconds(1795352709));
  const auto received = mime::received_field(reception);
  CHECK(
      received.starts_with("Received: from jules.maison.mrs (jules.maison.mrs [10.9.0.1])\r\n"
                           "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n"
                           "\tby mail.minfo.sn (Facteur) with ESMTPS id 4bXyZ0123456\r\n\tfor <jim@minfo.sn>; "));
  CHECK(received.ends_with("\r\n"));
  reception.client_address = "2001:db8::1";
  CHECK(mime::received_field(reception).contains("[IPv6:2001:db8::1]"));
  reception.client_address.clear();
  reception.login = "uid 1000";
  CHECK(mime::received_field(reception).starts_with("Received: by mail.minfo.sn (Facteur, from uid?1000)\r\n\tid 4b"));
  CHECK(mime::return_path_field("") == "Return-Path: <>\r\n");
  CHECK(mime::return_path_field("a@b") == "Return-Path: <a@b>\r\n");
  CHECK(mime::delivered_to_field({"a b", "c"}) == "Delivered-To: \"a b\"@c\r\n");
  CHECK(mime::original_to_field("a@b") == "X-Original-To: a@b\r\n");
  CHECK(mime::message_id_field("1.2", "h") == "Message-ID: <1.2@h>\r\n");
  CHECK(mime::date_field(reception.time).starts_with("Date: "));
}

TEST_CASE("CMD-31, LOG-05: nothing of a stranger can end or add a field") {
  mime::Reception reception;
  reception.helo = "x\r\nBcc: a@b\r\n\r\n(;"s + std::string(5000, 'h');
  reception.client_name = "\n\0\x1b[2J%n"s;
  reception.client_address = "1.2.3.4\r\nX: y";
  reception.tls = "a\r\nb";
  reception.recipient = "a\r\n\r\nb";
  reception.host = "h";
  const auto field = mime::received_field(reception);
  mime::Fields fields(field);
  CHECK(fields.next()->raw == field);
  CHECK_FALSE(fields.next());
  CHECK(field.size() < 1200);
  CHECK(mime::return_path_field("a\r\nB: c").find("\r\n") == mime::return_path_field("a\r\nB: c").size() - 2);
}

TEST_CASE("REL-07, REL-08: loops are found in any spelling") {
  const auto header =
      "Received: a\r\nRECEIVED : b\r\n\tc\r\nreceived:\r\n x\r\nX-Received: no\r\nDelivered-To: Jim@Minfo.SN\r\n"
      "delivered-to:\r\n \"a b\"@x\r\n\r\nReceived: body\r\n"s;
  CHECK(mime::count_received(header) == 3);
  CHECK(mime::count_received(repeat("Received: x\r\n", 1000)) == 1000);
  CHECK(mime::was_delivered_to(header, {"Jim", "minfo.sn"}));
  CHECK(mime::was_delivered_to(header, {"a b", "x"}));
  CHECK_FALSE(mime::was_delivered_to(header, {"jim", "minfo.sn"}));
  CHECK_FALSE(mime::was_delivered_to(header, {"body", ""}));
}
