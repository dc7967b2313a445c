// A message taken apart while it streams by: which octets are what, of which part, and the same for any cut.

#include "common/mime/part_walker.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/mime/summary.h"
#include "seven_bit.h"

using namespace facteur;
using namespace std::string_literals;
using PartKind = mime::WalkedPart::Kind;
using mime::TransferEncoding;
using mime::test::mixed;
using mime::test::repeat;

namespace {

constexpr std::string_view marks = "?fhbd";  // by Piece::Kind

/// What a message is taken apart into: neighbouring octets of one part and kind together.
struct Walk {
  std::vector<std::string> runs;  ///< "b1 text": kind, part, octets; a field "t" or "j" instead of "f"
  std::vector<mime::WalkedPart> parts;
  bool overflowed = false;
};

class Walker {
 public:
  void add(std::string_view octets) {
    while (!octets.empty()) take(walker_.next(octets));
  }

  Walk finish() {
    take(walker_.finish());
    CHECK(walker_.finish().kind == mime::Piece::Kind::nothing);  // told once
    out_.parts = walker_.parts();
    out_.overflowed = walker_.overflowed();
    return std::move(out_);
  }

 private:
  void take(const mime::Piece& piece) {
    if (piece.kind == mime::Piece::Kind::nothing) {
      CHECK(piece.octets.empty());
      return;
    }
    REQUIRE(piece.part < walker_.parts().size());
    char mark = marks[static_cast<std::size_t>(piece.kind)];
    if (piece.field == mime::Piece::Field::transfer_encoding) mark = 't';
    if (piece.field == mime::Piece::Field::junk) mark = 'j';
    const auto label = std::string(1, mark) + std::to_string(piece.part) + " ";
    if (out_.runs.empty() || !out_.runs.back().starts_with(label) || mark == 'd' || mark == 'h') {
      out_.runs.push_back(label);
    }
    out_.runs.back() += piece.octets;
  }

  mime::PartWalker walker_;
  Walk out_;
};

Walk walk(std::string_view message) {
  Walker walker;
  walker.add(message);
  return walker.finish();
}

std::vector<std::string> runs(std::string_view message) {
  return walk(message).runs;
}

std::string put_together(const Walk& walk) {
  std::string out;
  for (const auto& run : walk.runs) out += run.substr(run.find(' ') + 1);
  return out;
}

bool same(const Walk& one, const Walk& two) {
  return one.runs == two.runs && one.overflowed == two.overflowed &&
         std::ranges::equal(one.parts, two.parts, [](const auto& a, const auto& b) {
           return a.parent == b.parent && a.kind == b.kind && a.encoding == b.encoding &&
                  a.is_message == b.is_message && a.has_type == b.has_type && a.has_version == b.has_version &&
                  a.ended == b.ended;
         });
}

/// The bodies of parts without parts, in their order; a multipart that has none is such a part too. The line end before
/// a delimiter is not theirs (RFC 2046 section 5.1.1). Empty ones are left out: of an embedded message whose header
/// never ends the walker says nothing.
std::vector<std::string> bodies(const Walk& walk) {
  std::vector<std::string> bodies(walk.parts.size());
  std::vector<bool> has_parts(walk.parts.size());
  for (std::size_t i = 1; i < walk.parts.size(); ++i) has_parts[walk.parts[i].parent] = true;
  std::size_t last = 0;
  for (const std::string_view run : walk.runs) {
    const auto space = run.find(' ');
    const auto part = parse_number<std::size_t>(run.substr(1, space - 1)).value();
    if (run[0] == 'd' && part != last && bodies[last].ends_with("\r\n")) bodies[last].resize(bodies[last].size() - 2);
    last = part;
    if (run[0] == 'b' || run[0] == 'd') bodies[part] += run.substr(space + 1);
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (!has_parts[i] && !bodies[i].empty()) out.push_back(bodies[i]);
  }
  return out;
}

std::vector<std::string> bodies_of_summary(std::string_view message) {
  std::vector<std::string> out;
  for (const auto& part : mime::summarize(message).parts) {
    if (!part.children.empty() || part.body_begin == part.body_end) continue;
    out.emplace_back(message.substr(part.body_begin, part.body_end - part.body_begin));
  }
  return out;
}

using Runs = std::vector<std::string>;

}  // namespace

TEST_CASE("a message of one part: fields, the empty line, a body") {
  CHECK(runs("").empty());
  CHECK(runs("Subject: x\r\n\r\nbody\r\n") == Runs{"f0 Subject: x\r\n", "h0 \r\n", "b0 body\r\n"});
  CHECK(runs("A: b\n c\n\n--b\n") == Runs{"f0 A: b\n c\n", "h0 \n", "b0 --b\n"});
  CHECK(runs("\r\n\r\n") == Runs{"h0 \r\n", "b0 \r\n"});
  CHECK(runs("A: no end") == Runs{"f0 A: no end"});
  CHECK(runs("Content-Transfer-Encoding: 8bit\r\n\tx\r\nA: b\r\n\r\n") ==
        Runs{"t0 Content-Transfer-Encoding: 8bit\r\n\tx\r\n", "f0 A: b\r\n", "h0 \r\n"});
}

TEST_CASE("a line that no field can begin with is junk, to the next field") {
  CHECK(runs(" fold\r\nA: b\r\n") == Runs{"j0  fold\r\n", "f0 A: b\r\n"});
  CHECK(runs("no field\r\n folded\r\nA: b\r\n") == Runs{"j0 no field\r\n folded\r\n", "f0 A: b\r\n"});
  CHECK(runs(": b\r\n") == Runs{"j0 : b\r\n"});
  CHECK(runs("a b: c\r\n") == Runs{"j0 a b: c\r\n"});
  CHECK(runs("caf\xe9: c\r\n") == Runs{"j0 caf\xe9: c\r\n"});
  CHECK(runs("A \t: b\r\n") == Runs{"f0 A \t: b\r\n"});
}

TEST_CASE("what a header says of its part: the first field of each name, comments left out") {
  const auto encoding = [](const std::string& header) { return walk(header + "\r\n").parts[0].encoding; };
  const auto field = [&](const std::string& body) { return encoding("Content-Transfer-Encoding:" + body + "\r\n"); };
  CHECK(encoding("") == TransferEncoding::none);
  CHECK(field("") == TransferEncoding::none);
  CHECK(field(" 7bit") == TransferEncoding::seven_bit);
  CHECK(field("\r\n\t8BIT (so it says)") == TransferEncoding::eight_bit);
  CHECK(field("Binary") == TransferEncoding::eight_bit);
  CHECK(field("quoted-printable") == TransferEncoding::quoted_printable);
  CHECK(field("BASE64;x=y") == TransferEncoding::base64);
  CHECK(field("8-bit") == TransferEncoding::other);
  CHECK(field("7bit\r\ncontent-transfer-encoding: base64") == TransferEncoding::seven_bit);
  const auto both = walk("mime-version: 1.0\r\nCONTENT-TYPE: x\r\n\r\n").parts[0];
  CHECK((both.has_version && both.has_type && both.is_message));
  const auto none = walk("X-MIME-Version: 1.0\r\nContent-Types: x\r\n\r\n").parts[0];
  CHECK_FALSE((none.has_version || none.has_type));
}

TEST_CASE("the parts of a multipart, its preamble and its epilogue") {
  const auto seen = walk(mixed + "\r\npre\r\n--b \t\r\nA: b\r\n\r\none\r\n--b\r\n\r\n-two\r\n--b--\r\nepi\r\n--b\r\n");
  CHECK(seen.runs == Runs{"f0 " + mixed, "h0 \r\n", "b0 pre\r\n", "d0 --b \t\r\n", "f1 A: b\r\n", "h1 \r\n",
                          "b1 one\r\n", "d0 --b\r\n", "h2 \r\n", "b2 -two\r\n", "d0 --b--\r\n", "b0 epi\r\n--b\r\n"});
  REQUIRE(seen.parts.size() == 3);
  CHECK(seen.parts[0].kind == PartKind::multipart);
  CHECK(seen.parts[0].ended);
  CHECK((seen.parts[1].parent == 0 && seen.parts[2].parent == 0));
  CHECK_FALSE(seen.parts[1].is_message);
}

TEST_CASE("a delimiter ends every part inside its multipart, and a header that it stands in") {
  const auto inner = "Content-Type: multipart/mixed; boundary=bb\r\n"s;
  CHECK(runs(mixed + "\r\n--b\r\n" + inner + "\r\n--bb\r\n\r\nx\r\n--b\r\nA: b\r\n--b--\r\n") ==
        Runs{"f0 " + mixed, "h0 \r\n", "d0 --b\r\n", "f1 " + inner, "h1 \r\n", "d1 --bb\r\n", "h2 \r\n", "b2 x\r\n",
             "d0 --b\r\n", "f3 A: b\r\n", "d0 --b--\r\n"});
  // Of one boundary for two the innermost has the line; behind its close the outer one is meant.
  CHECK(runs(mixed + "\r\n--b\r\n" + mixed + "\r\n--b--\r\n--b--\r\n") ==
        Runs{"f0 " + mixed, "h0 \r\n", "d0 --b\r\n", "f1 " + mixed, "h1 \r\n", "d1 --b--\r\n", "d0 --b--\r\n"});
}

TEST_CASE("an embedded message is the only part of its part; in a digest parts are messages by themselves") {
  const auto embedded = walk("Content-Type: message/rfc822\r\n\r\nMIME-Version: 1.0\r\n\r\nx");
  CHECK(embedded.runs ==
        Runs{"f0 Content-Type: message/rfc822\r\n", "h0 \r\n", "f1 MIME-Version: 1.0\r\n", "h1 \r\n", "b1 x"});
  CHECK(embedded.parts[0].kind == PartKind::message);
  CHECK((embedded.parts[1].is_message && embedded.parts[1].has_version));
  const auto digest = walk(
      "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\nx\r\n--b\r\n"
      "Content-Type: text/plain\r\n\r\ny\r\n--b--");
  REQUIRE(digest.parts.size() == 4);
  CHECK(digest.parts[1].kind == PartKind::message);
  CHECK((digest.parts[2].is_message && digest.parts[2].parent == 1));
  CHECK((digest.parts[3].kind == PartKind::leaf && digest.parts[3].parent == 0));
}

TEST_CASE("composite types that are not looked into are closed") {
  for (const auto& header : {"Content-Type: message/partial\r\n"s, "Content-Type: message/external-body\r\n"s,
                             "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n"s,
                             "Content-Transfer-Encoding: x\r\nContent-Type: MESSAGE/RFC822\r\n"s}) {
    const auto seen = walk(header + "\r\nA: b\r\n\r\n");
    INFO(header);
    CHECK(seen.parts.size() == 1);
    CHECK(seen.parts[0].kind == PartKind::closed);
    CHECK(seen.runs.back() == "b0 A: b\r\n\r\n");
    CHECK_FALSE(seen.overflowed);
  }
  CHECK(walk("Content-Type: multipart/mixed\r\n\r\n--\r\n").parts[0].kind == PartKind::leaf);
  CHECK(walk("Content-Type: message/global\r\n\r\n").parts[0].kind == PartKind::leaf);
}

TEST_CASE("a delimiter is a whole line of at most its bound") {
  const auto padded = [](std::size_t spaces) { return mixed + "\r\n--b" + std::string(spaces, ' '); };
  constexpr auto room = mime::max_delimiter - 3;
  CHECK(walk(padded(room) + "\r\n\r\n").parts.size() == 2);
  CHECK(walk(padded(room + 1) + "\r\n\r\n").parts.size() == 1);
  CHECK(walk(padded(room)).parts.size() == 2);  // the last line needs no end
  CHECK(walk(mixed + "\r\n--b\r--b\r\n\r\n").parts.size() == 1);
  CHECK(walk(mixed + "\r\nx--b\r\n\r\n").parts.size() == 1);
}

TEST_CASE("no line is kept whole: a long one is told while it comes") {
  mime::PartWalker walker;
  const std::string text = mixed + "\r\n";
  for (std::string_view header = text; !header.empty();) (void)walker.next(header);
  const std::string line = "--" + std::string(5000, 'x');
  std::size_t told = 0;
  for (const char c : line) {
    std::string_view octet(&c, 1);
    told += walker.next(octet).octets.size();
  }
  CHECK(told == line.size());
}

TEST_CASE("depth and number of parts are bounded, and what is beyond them is said") {
  std::string deep;
  for (std::size_t i = 0; i < mime::max_depth + 5; ++i) {
    const auto boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  const auto seen = walk(deep);
  CHECK(seen.parts.size() == mime::max_depth);
  CHECK(seen.parts.back().kind == PartKind::closed);
  CHECK(seen.overflowed);
  CHECK(put_together(seen) == deep);
  const auto wide = [](std::size_t parts) { return walk(mixed + "\r\n" + repeat("--b\r\n\r\nx\r\n", parts)); };
  CHECK_FALSE(wide(mime::max_parts - 1).overflowed);
  CHECK(wide(mime::max_parts - 1).parts.size() == mime::max_parts);
  CHECK(wide(mime::max_parts).overflowed);
  CHECK(wide(mime::max_parts + 100).parts.size() == mime::max_parts);
  const auto last = walk(mixed + "\r\n" + repeat("--b\r\n\r\nx\r\n", mime::max_parts - 2) +
                         "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n");
  CHECK(last.parts.size() == mime::max_parts);
  CHECK(last.parts.back().kind == PartKind::closed);
  CHECK(last.overflowed);
}

TEST_CASE("a field without end is kept to its bound; what it says there still counts") {
  const auto comment = "(" + std::string(mime::max_content_field, 'x') + ")";
  CHECK(walk("Content-Transfer-Encoding: base64 " + comment + "\r\n\r\n").parts[0].encoding ==
        TransferEncoding::base64);
  const auto behind = walk("Content-Type: multipart/mixed; x=\"" + std::string(mime::max_content_field, 'x') +
                           "\"; boundary=b\r\n\r\n--b\r\n\r\n");
  CHECK(behind.parts.size() == 1);
}

TEST_CASE("any cut gives the same pieces, and all pieces together are the message") {
  const std::string messages[] = {
      mixed + "Content-Transfer-Encoding:\r\n 8bit\r\n\r\npre\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + mixed +
          "\r\n-\r\n--\r\n--b-\r\n--b--\r\n--b\r\n\r\n--bx\r\n--b --\r\n--b--",
      "junk\r\n: x\r\nA\r\n b: c\r\n\r\n\0\r\n"s,
      mixed + "--b\r\n--b\r\n--b--\r\n\r\n-",
  };
  for (const auto& message : messages) {
    const auto whole = walk(message);
    CHECK(put_together(whole) == message);
    const std::string_view text = message;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      Walker walker;
      walker.add(text.substr(0, cut));
      walker.add(text.substr(cut));
      INFO(printable(message) << " cut at " << cut);
      CHECK(same(walker.finish(), whole));
    }
  }
}

TEST_CASE("messages put together by chance have the bodies that the summary finds") {
  const std::vector<std::string> lines{"Content-Type: multipart/mixed; boundary=a",
                                       "Content-Type: multipart/digest; boundary=\"a-\"",
                                       "Content-Type: message/rfc822",
                                       "Content-Type: text/plain",
                                       "--a",
                                       "--a-",
                                       "--a--",
                                       "--a---",
                                       "",
                                       "",
                                       " folded",
                                       "text"};
  std::mt19937 random(2046);
  std::size_t most = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string message;
    for (auto count = random() % 24; count > 0; --count) message += lines[random() % lines.size()] + "\r\n";
    const auto seen = walk(message);
    INFO(printable(message));
    REQUIRE(put_together(seen) == message);
    REQUIRE(bodies(seen) == bodies_of_summary(message));
    most = std::max(most, seen.parts.size());
  }
  CHECK(most > 5);
}
