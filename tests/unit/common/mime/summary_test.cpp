// The parts of messages, against an oracle that recurses over whole texts, and with every message cut anywhere.
#include "common/mime/summary.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>

#include "catch.h"
#include "common/base/strings.h"
#include "common/mime/header.h"
#include "common/mime/summarizer.h"

using namespace facteur;
using namespace std::string_literals;
using mime::Part;
using mime::Summary;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string body_of(const std::string& message, const Part& part) {
  return message.substr(part.body_begin, part.body_end - part.body_begin);
}

std::string header_of(const std::string& message, const Part& part) {
  return message.substr(part.header_begin, part.body_begin - part.header_begin);
}

/// True if parts lie inside their parents, one behind the other, and their lines are counted right.
bool is_consistent(const std::string& message, const Summary& summary) {
  for (std::size_t i = 0; i < summary.parts.size(); ++i) {
    const auto& part = summary.parts[i];
    const auto& parent = summary.parts[part.parent];
    if (i > 0 && (part.header_begin < parent.body_begin || part.body_end > parent.body_end)) return false;
    const auto body = body_of(message, part);
    const auto unended = !body.empty() && !body.ends_with('\n') ? 1 : 0;
    if (part.body_lines != std::ranges::count(body, '\n') + unended) return false;
    auto end = part.body_begin;
    for (const auto child : part.children) {
      if (summary.parts[child].header_begin < end) return false;
      end = summary.parts[child].body_end;
    }
  }
  return true;
}

/// The tree as text: "multipart/mixed[text/plain(body) …]".
std::string show(const std::string& message, const Summary& summary, std::size_t index = 0) {
  const auto& part = summary.parts.at(index);
  auto out = to_lower(part.type + "/" + part.subtype);
  if (part.children.empty()) return out + "(" + body_of(message, part) + ")";
  out += "[";
  for (const auto child : part.children) out += (child == part.children[0] ? "" : " ") + show(message, summary, child);
  return out + "]";
}

std::string show(const std::string& message) {
  return show(message, mime::summarize(message));
}

Summary in_pieces(std::string_view message, std::size_t first, std::size_t piece) {
  mime::Summarizer summarizer;
  for (std::size_t at = 0; at < message.size(); at += at == 0 ? first : piece) {
    summarizer.add(message.substr(at, at == 0 ? first : piece));
  }
  return summarizer.finish();
}

const std::string nested =
    "From: a@b.c\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n--out\r\n\r\none\r\ntwo\r\n"
    "--out\r\nContent-Type: multipart/alternative; boundary=\"in\"\r\n\r\n--in\r\nContent-Type: "
    "text/html\r\n\r\n<p>\r\n\r\n"
    "--in--\r\nepilogue\r\n--in\r\n--out \t\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nTo: "
    "x@y.z\r\n\r\nhello"
    "\r\n--out--\r\n--out\r\nlast\r\n";

}  // namespace

TEST_CASE("the parts of a nested message, their places and lines") {
  CHECK(show(nested) ==
        "multipart/mixed[text/plain(one\r\ntwo) multipart/alternative[text/html(<p>\r\n)] "
        "message/rfc822[text/plain(hello)]]");
  const auto summary = mime::summarize(nested);
  REQUIRE(summary.parts.size() == 6);
  CHECK(summary.size == nested.size());
  CHECK(summary.parts[0].body_end == nested.size());
  CHECK(summary.envelope.from.size() == 1);
  CHECK(header_of(nested, summary.parts[3]) == "Content-Type: text/html\r\n\r\n");
  CHECK(header_of(nested, summary.parts[1]) == "\r\n");
  CHECK(summary.parts[1].body_lines == 2);
  CHECK(summary.parts[3].body_lines == 1);
  const auto& message = summary.parts[4];
  REQUIRE(message.is_message());
  CHECK(message.children == std::vector<std::uint32_t>{5});
  CHECK(message.envelope->subject.value == "inner");
  CHECK(message.envelope->to.at(0).host.value == "y.z");
  CHECK(body_of(nested, message) == "Subject: inner\r\nTo: x@y.z\r\n\r\nhello");
  CHECK(message.body_lines == 4);
  CHECK(header_of(nested, summary.parts[5]) == "Subject: inner\r\nTo: x@y.z\r\n\r\n");
  CHECK(body_of(nested, summary.parts[5]) == "hello");
}

TEST_CASE("a message in pieces, cut at every octet, gives the same summary") {
  const auto whole = mime::summarize(nested);
  for (std::size_t cut = 1; cut < nested.size(); ++cut) {
    if (!(in_pieces(nested, cut, nested.size()) == whole)) FAIL_CHECK("cut at " << cut);
  }
  for (const std::size_t piece : {1, 2, 3, 7}) CHECK(in_pieces(nested, piece, piece) == whole);
}

TEST_CASE("Content fields and their defaults") {
  const auto message =
      "Content-Type: Text/HTML; charset=utf-8\r\nContent-Type: image/png\r\nContent-ID: <a@b>\r\n"
      "Content-Description: \r\nContent-Transfer-Encoding: BASE64 (x)\r\nContent-MD5: Q2hlY2s=\r\n"
      "Content-Disposition: attachment; filename=\"a b.txt\"\r\nContent-Language: de, fr ,,en\r\n"
      "Content-Location: http://a/\r\n b\r\n\r\nx"s;
  const auto summary = mime::summarize(message);
  const auto& part = summary.parts.at(0);
  CHECK(part.type == "Text");
  CHECK(part.subtype == "HTML");
  CHECK(part.parameters == mime::Parameters{{"charset", "utf-8"}});
  CHECK(part.id.value == "<a@b>");
  CHECK(part.description == mime::Text{true, ""});
  CHECK(part.encoding == "BASE64");
  CHECK(part.md5.value == "Q2hlY2s=");
  CHECK(part.disposition.value == "attachment");
  CHECK(part.disposition_parameters == mime::Parameters{{"filename", "a b.txt"}});
  CHECK(part.languages == std::vector<std::string>{"de", "fr", "en"});
  CHECK(part.location.value == "http://a/ b");
  CHECK(part.body_lines == 1);
  const auto plain = mime::summarize("");
  REQUIRE(plain.parts.size() == 1);
  CHECK(plain.parts[0].type == "TEXT");
  CHECK(plain.parts[0].subtype == "PLAIN");
  CHECK(plain.parts[0].encoding == "7BIT");
  CHECK_FALSE(plain.parts[0].id.present);
  CHECK_FALSE(plain.envelope.subject.present);
  CHECK(show("Content-Type: nonsense\r\n\r\nx") == "text/plain(x)");
  CHECK(show("no colon\r\nbody only") == "text/plain()");
}

TEST_CASE("the envelope") {
  const auto envelope =
      mime::summarize(
          "Date: d\r\nSubject: =?utf-8?q?x?=\r\n folded\r\nSubject: second\r\nFrom: \"A B\" <@r:a@b>\r\n"
          "Sender:\r\nTo: g:c@d,e@f;, h\r\nMessage-Id: <1@x>\r\nIn-Reply-To: <0@x>\r\nCc: x@y\r\n"
          "Bcc: z@y\r\nCc: ignored@y\r\n\r\n")
          .envelope;
  CHECK(envelope.date.value == "d");
  CHECK(envelope.subject.value == "=?utf-8?q?x?= folded");
  CHECK(envelope.message_id.value == "<1@x>");
  CHECK(envelope.in_reply_to.value == "<0@x>");
  CHECK(envelope.sender.empty());
  CHECK(envelope.reply_to.empty());
  REQUIRE(envelope.from.size() == 1);
  CHECK(envelope.from[0].name.value == "A B");
  CHECK(envelope.from[0].route.value == "@r");
  CHECK(envelope.from[0].mailbox.value == "a");
  CHECK(envelope.from[0].host.value == "b");
  REQUIRE(envelope.to.size() == 5);
  CHECK(envelope.to[0].mailbox.value == "g");
  CHECK_FALSE(envelope.to[0].host.present);
  CHECK_FALSE(envelope.to[3].mailbox.present);
  CHECK(envelope.to[4].mailbox.value == "h");
  CHECK(envelope.to[4].host == mime::Text{true, ""});
  CHECK(envelope.cc.size() == 1);
}

TEST_CASE("MIM-08: boundaries by the written rule") {
  const auto with = [](std::string_view parameter, std::string_view body) {
    return show("Content-Type: multipart/mixed; boundary=" + std::string(parameter) + "\r\n\r\n" + std::string(body));
  };
  CHECK(with("a", "--a\r\n\r\nx") == "multipart/mixed[text/plain(x)]");
  CHECK(with("a", "--ab\r\n\r\nx") == "text/plain(--ab\r\n\r\nx)");
  CHECK(with("a", "--a--\r\n--a\r\n\r\nx") == "text/plain(--a--\r\n--a\r\n\r\nx)");
  CHECK(with("\"\"", "--\r\n\r\nx") == "text/plain(--\r\n\r\nx)");
  CHECK(with("\"a \"", "--a\r\n\r\nx") == "multipart/mixed[text/plain(x)]");
  CHECK(with("\"a\\\"b\"", "--a\"b\r\n\r\nx") == "multipart/mixed[text/plain(x)]");
  CHECK(with("\"--\"", "----\r\n\r\nx\r\n------") == "multipart/mixed[text/plain(x)]");
  CHECK(with("\"a\0b\""s, "--a\0b\r\n\r\nx"s) == "multipart/mixed[text/plain(x)]");
  CHECK(with("a", " --a\r\n\r\nx") == "text/plain( --a\r\n\r\nx)");
  CHECK(with("a", "--a\r\n--a\r\nA: b\r\n--a--") == "multipart/mixed[text/plain() text/plain()]");
  const std::string longest(mime::max_boundary, 'b');
  CHECK(with(longest, "--" + longest + "\r\n\r\nx") == "multipart/mixed[text/plain(x)]");
  CHECK(with(longest + "b", "--" + longest + "b\r\n\r\nx").starts_with("text/plain("));
  CHECK(with("a", "--a" + std::string(995, ' ') + "\r\n\r\nx") == "multipart/mixed[text/plain(x)]");
  CHECK(with("a", "--a" + std::string(996, ' ') + "\r\n\r\nx").starts_with("text/plain("));
  CHECK(show("Content-Type: multipart/mixed\r\n\r\nx") == "text/plain(x)");
  const auto inner = "Content-Type: multipart/mixed; boundary="s;
  // The inner boundary equals the outer one, then is a prefix of it.
  CHECK(with("a", "--a\r\n" + inner + "a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n--a\r\n\r\ny") ==
        "multipart/mixed[multipart/mixed[text/plain(x)] text/plain(y)]");
  CHECK(with("ab", "--ab\r\n" + inner + "a\r\n\r\n--a\r\n\r\nx\r\n--ab\r\n\r\ny") ==
        "multipart/mixed[multipart/mixed[text/plain(x)] text/plain(y)]");
  // A header cut by a delimiter ends there, an embedded message too.
  CHECK(with("a", "--a\r\nContent-Type: text/html\r\n--a\r\nContent-Type: message/rfc822\r\n--a--") ==
        "multipart/mixed[text/html() message/rfc822[text/plain()]]");
}

TEST_CASE("a digest holds messages, an encoded message is opaque") {
  CHECK(show("Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\nhi\r\n--a\r\n"
             "Content-Type: text/plain\r\n\r\ny\r\n--a--") ==
        "multipart/digest[message/rfc822[text/plain(hi)] text/plain(y)]");
  CHECK(show("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA") ==
        "application/octet-stream(AAAA)");
}

TEST_CASE("MIM-05, MIM-06: depth and number of parts are bounded") {
  std::string deep;
  for (int i = 0; i < 8000; ++i) {
    const auto boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  const auto multiparts = mime::summarize(deep);
  CHECK(multiparts.parts.size() == mime::max_depth);
  CHECK(multiparts.parts.back().subtype == "OCTET-STREAM");
  CHECK(mime::from_octets(mime::to_octets(multiparts)));

  const auto messages = mime::summarize(repeat("Content-Type: message/rfc822\r\n\r\n", 10000));
  CHECK(messages.parts.size() == mime::max_depth);
  CHECK_FALSE(messages.parts.back().is_message());

  const auto wide =
      mime::summarize("Content-Type: multipart/mixed; boundary=a\r\n\r\n" + repeat("--a\r\n\r\nx\r\n", 20000));
  CHECK(wide.parts.size() == mime::max_parts);
  CHECK(wide.parts.back().body_end == wide.size);
}

TEST_CASE("MIM-01 to MIM-03: headers are bounded, time is linear") {
  const auto begin = std::chrono::steady_clock::now();
  const auto subject = mime::summarize("Subject: " + std::string(4 << 20, 'x') + "\r\nFrom: a@b\r\n\r\nbody");
  CHECK(subject.envelope.subject.value.size() <= mime::max_header_octets);
  CHECK(subject.envelope.from.empty());
  CHECK(subject.parts[0].body_begin == (4 << 20) + 24);
  CHECK(subject.parts[0].body_end == subject.size);
  CHECK(mime::summarize(repeat("A: bcdef\r\n", 200000) + "\r\nbody").parts[0].body_begin == 2000002);
  CHECK(mime::summarize("To: " + repeat("a@b,", 200000)).envelope.to.size() == mime::max_field_addresses);
  std::size_t addresses = 0;
  const auto many = mime::summarize("Content-Type: multipart/digest; boundary=a\r\n\r\n" +
                                    repeat("--a\r\n\r\nTo: " + repeat("a@b,", 2000) + "\r\n\r\n", 20));
  for (const auto& part : many.parts) addresses += part.is_message() ? part.envelope->to.size() : 0;
  CHECK(addresses == mime::max_envelope_addresses);
  CHECK(mime::summarize("Content-Type: multipart/mixed; boundary=a\r\n\r\n" + repeat("--\n", 1000000)).parts.size() ==
        1);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("a summary as octets and back") {
  const auto summary = mime::summarize(nested);
  const auto octets = mime::to_octets(summary);
  const auto back = mime::from_octets(octets);
  REQUIRE(back);
  CHECK(*back == summary);
  for (std::size_t cut = 0; cut < octets.size(); ++cut) CHECK_FALSE(mime::from_octets(octets.substr(0, cut)));
  CHECK_FALSE(mime::from_octets(octets + "x"));
  // An octet changed anywhere gives an error or a summary that does not lead outside.
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (const char c : {'\0', '\x01', '\x7f', '\xff'}) {
      auto changed = octets;
      changed[at] = c;
      const auto read = mime::from_octets(changed);
      if (!read) continue;
      for (const auto& part : read->parts) {
        if (part.body_end > read->size || part.body_begin > part.body_end) FAIL_CHECK("offset leads outside");
        for (const auto child : part.children) {
          if (child >= read->parts.size()) FAIL_CHECK("index leads outside");
        }
      }
    }
  }
}

namespace {

/// The rule by recursion over whole texts, for messages in which no boundary is used inside itself.
class Oracle {
 public:
  explicit Oracle(std::string message) : message_(std::move(message)) {}
  std::string show() { return part(0, message_.size(), {}); }
  bool ambiguous = false;

 private:
  /// The part from `begin` to `end`, of which no delimiter of a multipart around it is left inside.
  std::string part(std::size_t begin, std::size_t end, std::vector<std::string> around) {
    const auto text = message_.substr(begin, end - begin);
    const auto header_end = begin + mime::header_size(text);
    const auto header = message_.substr(begin, header_end - begin);
    const auto type = mime::find_field(header, "Content-Type").value_or("");
    if (type == " message/rfc822") return "message/rfc822[" + part(header_end, end, around) + "]";
    const auto boundary = std::string(type.substr(std::min(type.size(), type.find("boundary=") + 9)));
    if (!type.starts_with(" multipart/mixed; boundary="))
      return "text/plain(" + message_.substr(header_end, end - header_end) + ")";
    if (std::ranges::find(around, boundary) != around.end()) ambiguous = true;
    around.push_back(boundary);
    return multipart(header_end, end, boundary, around);
  }

  std::string multipart(std::size_t begin, std::size_t end, const std::string& boundary,
                        const std::vector<std::string>& around) {
    std::string out;
    std::size_t part_begin = std::string::npos;
    const auto end_part = [&](std::size_t at) {
      if (part_begin == std::string::npos) return;
      out += (out.empty() ? "" : " ") + part(part_begin, std::max(part_begin, at), around);
    };
    for (std::size_t at = begin; at < end;) {
      const auto lf = std::min(message_.find("\r\n", at), end);
      auto line = message_.substr(at, lf - at);
      line.resize(line.find_last_not_of(" \r\n") + 1);
      const bool closes = line == "--" + boundary + "--";
      if (line == "--" + boundary || closes) {
        end_part(at - 2);
        part_begin = closes ? std::string::npos : std::min(lf + 2, end);
        if (closes) break;
      }
      at = lf + 2;
    }
    end_part(end);
    if (out.empty()) return "text/plain(" + message_.substr(begin, end - begin) + ")";
    return "multipart/mixed[" + out + "]";
  }

  std::string message_;
};

}  // namespace

TEST_CASE("the summarizer agrees with its oracle on random messages") {
  const std::vector<std::string> lines{"Content-Type: multipart/mixed; boundary=a",
                                       "Content-Type: multipart/mixed; boundary=ab",
                                       "Content-Type: multipart/mixed; boundary=c",
                                       "Content-Type: message/rfc822",
                                       "",
                                       "",
                                       "",
                                       "--a",
                                       "--a",
                                       "--ab",
                                       "--ab ",
                                       "--c",
                                       "--a--",
                                       "--ab--",
                                       "--c--",
                                       "x",
                                       "--"};
  std::mt19937 random(20261122);
  int compared = 0;
  for (int i = 0; i < 8000; ++i) {
    std::string message = lines[random() % 4] + "\r\n";
    for (auto count = random() % 20; count > 0; --count) message += lines[random() % lines.size()] + "\r\n";
    if (random() % 4 == 0) message.resize(message.size() - 2);
    Oracle oracle(message);
    const auto expected = oracle.show();
    if (oracle.ambiguous) continue;
    ++compared;
    if (show(message) != expected) {
      FAIL_CHECK("differs on\n" << message << "\ngot\n" << show(message) << "\nexpected\n" << expected);
      break;
    }
    const auto whole = mime::summarize(message);
    if (!is_consistent(message, whole)) FAIL_CHECK("places or lines are wrong in\n" << message);
    if (!(in_pieces(message, 1 + random() % 5, 1 + random() % 9) == whole)) FAIL_CHECK("pieces differ");
  }
  CHECK(compared > 4000);
}
