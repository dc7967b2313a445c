// The small parts of a session: byte-stuffing, TOP, unique ids, the marks of a maildrop.
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "common/base/random.h"
#include "pop3d/session/byte_stuffing.h"
#include "pop3d/session/maildrop.h"
#include "pop3d/session/top_filter.h"
#include "pop3d/session/uidl.h"

using namespace facteur;
using namespace facteur::pop3d;

namespace {

std::string stuffed(std::string_view content, std::size_t piece) {
  ByteStuffer stuffer;
  std::string wire;
  while (!content.empty()) {
    stuffer.write(content.substr(0, piece), wire);
    content.remove_prefix(std::min(piece, content.size()));
  }
  stuffer.finish(wire);
  return wire;
}

/// What a client does (RFC 1939 section 3), slow and plain: split at CRLF, stop at ".", drop one leading dot.
std::string unstuffed(std::string_view wire) {
  std::string content;
  while (true) {
    const auto end = wire.find("\r\n");
    REQUIRE(end != std::string_view::npos);
    auto line = wire.substr(0, end);
    wire.remove_prefix(end + 2);
    if (line == ".") break;
    if (line.starts_with('.')) line.remove_prefix(1);
    content.append(line).append("\r\n");
  }
  REQUIRE(wire.empty());
  return content;
}

std::string top(std::string_view content, std::uint64_t lines, std::size_t piece) {
  TopFilter filter(lines);
  std::string out;
  while (!content.empty() && !filter.done()) {
    const auto octets = content.substr(0, piece);
    out += octets.substr(0, filter.feed(octets));
    content.remove_prefix(octets.size());
  }
  return out;
}

std::shared_ptr<const store::Snapshot> snapshot(std::vector<std::pair<std::uint64_t, std::uint8_t>> messages) {
  auto made = std::make_shared<store::Snapshot>();
  made->uid_validity = 7;
  for (const auto& [size, flags] : messages) {
    store::Record record;
    record.uid = made->uid_next++;
    record.size = size;
    record.flags.system = flags;
    made->records.push_back(record);
  }
  return made;
}

}  // namespace

TEST_CASE("POP-06: a client gets the octets back, whatever they are and however they were cut") {
  constexpr std::string_view alphabet{".\r\na\0\xff", 6};
  for (int round = 0; round < 500; ++round) {
    std::string content;
    for (auto left = random_below(60); left > 0; --left) {
      const char octet = alphabet[random_below(alphabet.size())];
      content += octet == '\n' && !content.ends_with('\r') ? std::string("\r\n") : std::string(1, octet);
    }
    content += "\r\n";
    INFO(content);
    for (const std::size_t piece : {1U, 2U, 3U, 1000U}) CHECK(unstuffed(stuffed(content, piece)) == content);
  }
}

TEST_CASE("An empty message and one without a last line end") {
  CHECK(stuffed("", 1) == ".\r\n");
  CHECK(stuffed("a", 1) == "a\r\n.\r\n");
  CHECK(stuffed(".", 1) == "..\r\n.\r\n");
  CHECK(stuffed("a\r\n", 1) == "a\r\n.\r\n");
}

TEST_CASE("TOP counts lines of the body, in pieces of any size") {
  const std::string message = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\nfour";
  for (const std::size_t piece : {1U, 2U, 5U, 100U}) {
    CHECK(top(message, 0, piece) == "A: 1\r\nB: 2\r\n\r\n");
    CHECK(top(message, 1, piece) == "A: 1\r\nB: 2\r\n\r\none\r\n");
    CHECK(top(message, 3, piece) == "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n");
    CHECK(top(message, 4, piece) == message);
    CHECK(top(message, UINT64_MAX, piece) == message);
    CHECK(top("\r\nbody\r\n", 0, piece) == "\r\n");
    CHECK(top("A: 1\r\nB", 0, piece) == "A: 1\r\nB");
  }
}

TEST_CASE("Unique ids follow a pattern") {
  const auto id = [](std::string_view pattern) {
    std::string out;
    UidlFormat::parse(pattern)->append(out, 0x1234, 0xff);
    return out;
  };
  CHECK(id("%08Xv%08Xu") == "00001234000000ff");
  CHECK(id("%08Xu%08Xv") == "000000ff00001234");
  CHECK(id("%v.%u") == "4660.255");
  CHECK(id("UID%u-%v") == "UID255-4660");
  std::string out;
  UidlFormat{}.append(out, 0x1234, 0xff);
  CHECK(out == id("%08Xv%08Xu"));
  const std::vector<std::string> bad{"",
                                     "%v",
                                     "%",
                                     "%x%u",
                                     "%u %v",
                                     "%u\x01",
                                     "%u\x7f",
                                     "%u\xff",
                                     "%11u",
                                     "%08Xw",
                                     "%08X",
                                     "%99999999999u",
                                     std::string(61, 'a') + "%u"};
  for (const auto& pattern : bad) {
    INFO(pattern);
    CHECK_FALSE(UidlFormat::parse(pattern));
  }
  CHECK(UidlFormat::parse(std::string(60, 'a') + "%u"));
}

TEST_CASE("The marks of a maildrop") {
  Maildrop maildrop(snapshot({{10, 0}, {20, store::seen}, {30, 0}, {40, 0}}));
  CHECK(maildrop.kept() == 4);
  CHECK(maildrop.octets() == 100);
  CHECK(maildrop.last() == 2);
  maildrop.mark_deleted(4);
  maildrop.mark_deleted(4);
  CHECK(maildrop.kept() == 3);
  CHECK(maildrop.octets() == 60);
  CHECK(maildrop.last() == 4);
  CHECK_FALSE(maildrop.find("4"));
  CHECK(maildrop.find("3") == 3U);
  maildrop.mark_retrieved(3);
  maildrop.mark_retrieved(2);
  CHECK(maildrop.newly_seen_uids() == std::vector<store::Uid>{3});
  CHECK(maildrop.deleted_uids() == std::vector<store::Uid>{4});
  maildrop.reset();
  CHECK(maildrop.octets() == 100);
  CHECK(maildrop.last() == 2);
  CHECK(maildrop.deleted_uids().empty());
  CHECK(maildrop.newly_seen_uids() == std::vector<store::Uid>{3});
  CHECK(maildrop.find("4") == 4U);
}
